import { expect, test } from 'vitest';
import { SectionReader, SectionWriter } from '../../index/sections.ts';
import { loadInt8Hnsw } from '../../load.ts';
import { describeEngine, direction } from '../compliance.ts';
import { Int8Hnsw } from './engine.ts';
import { instantiate } from './exports.ts';

const module = await loadInt8Hnsw();

describeEngine('int8-hnsw', (dims, capacity) => new Int8Hnsw({ module, dims, capacity }));

test('a full engine says so and keeps answering', () => {
  const engine = new Int8Hnsw({ module, dims: 16, capacity: 3 });
  for (let i = 0; i < 3; i++) engine.add(direction(i, 16));
  expect(() => engine.add(direction(4, 16))).toThrow('full');
  engine.link(10);
  const all = new Uint8Array([255, 0, 0, 0, 0, 0, 0, 0]);
  expect(engine.graph(direction(1, 16), 1, all, 10).slots[0]).toBe(1);
});

test('an impossible shape is refused before any memory is taken', () => {
  for (const dims of [0, 15, 100_000]) {
    expect(() => new Int8Hnsw({ module, dims, capacity: 10 })).toThrow(RangeError);
  }
  expect(() => new Int8Hnsw({ module, dims: 16, capacity: 10, fan: 12 })).toThrow(RangeError);
});

test('a small index takes little memory', () => {
  const engine = new Int8Hnsw({ module, dims: 384, capacity: 100_000 });
  engine.add(direction(1, 384));
  expect(engine.memoryBytes).toBeLessThan(3_000_000);
});

test('a forged graph whose checksums fit is refused before a walk leaves the arena', async () => {
  const shape = { module, dims: 16, capacity: 200 };
  const engine = new Int8Hnsw(shape);
  for (let i = 0; i < 150; i++) engine.add(direction(i, 16));
  engine.link(150);
  const writer = new SectionWriter();
  engine.save(writer);
  const sum = (bytes: Uint8Array) => {
    const wasm = instantiate(module);
    wasm.configure(10, 16, 16, 120);
    wasm.memory.grow(32);
    new Uint8Array(wasm.memory.buffer, wasm.segmentsAddress(), bytes.length).set(bytes);
    const checksum = wasm.checksum(wasm.segmentsAddress(), bytes.length, 0n);
    return BigInt.asUintN(64, checksum).toString(16);
  };
  const load = (forge: (segments: Uint32Array) => void) => {
    const parts = writer.parts.map((part) => part.slice());
    const last = parts.at(-1) ?? new Uint8Array(0);
    forge(new Uint32Array(last.buffer, 0, last.length >> 2));
    const sections = writer.sections.map((section, i) =>
      i === parts.length - 1 ? { ...section, checksum: sum(last) } : section,
    );
    const queue = parts.values();
    const fill = async (target: Uint8Array) => target.set(queue.next().value ?? []);
    return new Int8Hnsw(shape).load(new SectionReader(sections, fill));
  };
  // A segment of 1 024 slots: vectors, inverse lengths, towers, then lists of 33 words.
  const towers = (1_024 * 16 + 1_024 * 4) >> 2;
  const lists = towers + 1_024;
  await expect(load(() => undefined)).resolves.toBeUndefined();
  const refused = (at: number, value: number) =>
    expect(
      load((words) => {
        words[at] = value;
      }),
    ).rejects.toThrow('graph');
  await refused(lists, 33);
  await refused(lists + 1, 150);
  await refused(lists + 33 * 149 + 1, 0xffff_fff0);
  await refused(towers + 7, (1 << 30) | 3);
});
