import { expect, test } from 'vitest';
import { loadInt8Hnsw } from '../../load.ts';
import { describeEngine, direction } from '../compliance.ts';
import { Int8Hnsw } from './engine.ts';

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
