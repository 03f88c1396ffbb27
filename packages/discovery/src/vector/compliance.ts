import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bitmapFor, clearBit, setBit } from '../index/bitmap.ts';
import { SectionReader, SectionWriter, SnapshotFault } from '../index/sections.ts';
import type { Neighbours, VectorEngine } from './engine.ts';
import { PlainScan } from './plain/scan.ts';

const DIMS = 32;
const CAPACITY = 3_000;

/** Makes an empty engine of 32 dims and 3 000 slots. */
export type MakeEngine = (dims: number, capacity: number) => VectorEngine;

/** What every vector engine promises; each one's test file runs it. */
export function describeEngine(name: string, make: MakeEngine): void {
  const empty = () => make(DIMS, CAPACITY);
  describe(`${name} as a vector engine`, () => {
    describeAnswers(empty);
    describeChanges(empty);
    describeSnapshots(empty);
  });
}

function describeAnswers(empty: () => VectorEngine): void {
  test('nothing is near in an empty engine', () => {
    const engine = empty();
    expect(found(engine.scan(direction(1), 5, everything(engine)))).toEqual([]);
    expect(found(engine.graph(direction(1), 5, everything(engine), 50))).toEqual([]);
    expect(engine.link(10)).toBe(0);
  });

  test('one vector is found, by both ways, with cosine 1 to itself', () => {
    const engine = filled(empty(), [direction(7)]);
    expect(engine.vectorAt(0)).toEqual(direction(7));
    expect(() => engine.vectorAt(1)).toThrow(RangeError);
    for (const answer of bothWays(engine, direction(7), 5)) {
      expect(found(answer)).toEqual([0]);
      expect(answer.cosines[0]).toBe(1);
    }
  });

  test('duplicates are all found', () => {
    const engine = filled(
      empty(),
      Array.from({ length: 40 }, () => direction(3)),
    );
    expect(found(engine.scan(direction(3), 40, everything(engine)))).toHaveLength(40);
    expect(found(engine.graph(direction(3), 40, everything(engine), 200)).length).toBeGreaterThan(
      9,
    );
  });

  test('k beyond what is there gives what is there', () => {
    const engine = filled(empty(), [direction(1), direction(2), direction(3)]);
    for (const answer of bothWays(engine, direction(1), 1_000)) {
      expect(found(answer).sort((a, b) => a - b)).toEqual([0, 1, 2]);
    }
  });

  test('a scan and given cosines are bit for bit those of the plain scan', () => {
    fc.assert(
      fc.property(vectorsArbitrary, vectorArbitrary, fc.nat(40), (vectors, query, k) => {
        const engine = filled(empty(), vectors);
        const plain = filled(new PlainScan(DIMS), vectors);
        const own = engine.scan(query, k + 1, everything(engine));
        const other = plain.scan(query, k + 1, everything(plain));
        expect([...own.cosines]).toEqual([...other.cosines]);
        const slots = Uint32Array.from(vectors, (_, slot) => slot);
        expect([...engine.cosines(query, slots)]).toEqual([...plain.cosines(query, slots)]);
      }),
      { numRuns: 60 },
    );
  });

  test('a graph search finds nearly all of the ten nearest', () => {
    const vectors = cloud(2_500);
    const engine = filled(empty(), vectors);
    expect(recall(engine, everything(engine), 128)).toBeGreaterThan(0.95);
  });

  test.each([0.5, 0.1])('a graph search through a filter of %f stays inside it', (rate) => {
    const engine = filled(empty(), cloud(2_500));
    const allowed = bitmapFor(engine.slots);
    for (let slot = 0; slot < engine.slots; slot += Math.round(1 / rate)) setBit(allowed, slot);
    const slots = found(engine.graph(direction(5), 10, allowed, 64));
    expect(slots.every((slot) => slot % Math.round(1 / rate) === 0)).toBe(true);
    expect(recall(engine, allowed, 64)).toBeGreaterThan(0.9);
  });

  test('a vector or query of other dims is a mistake that throws', () => {
    const engine = filled(empty(), [direction(1)]);
    expect(() => engine.add(new Int8Array(DIMS + 16))).toThrow(RangeError);
    expect(() => engine.scan(new Int8Array(16), 1, everything(engine))).toThrow(RangeError);
  });
}

function describeChanges(empty: () => VectorEngine): void {
  test('a removed slot is in no later answer, linked or not', () => {
    const engine = filled(empty(), cloud(300));
    engine.remove(12);
    engine.add(direction(999));
    engine.remove(300);
    engine.link(10);
    for (const answer of bothWays(engine, vectorAt(12), 300))
      expect(found(answer)).not.toContain(12);
    for (const answer of bothWays(engine, direction(999), 300)) {
      expect(found(answer)).not.toContain(300);
    }
  });

  test('removing everything leaves empty answers and room for more', () => {
    const engine = filled(empty(), cloud(50));
    for (let slot = 0; slot < 50; slot++) engine.remove(slot);
    for (const answer of bothWays(engine, direction(1), 10)) expect(found(answer)).toEqual([]);
    expect(engine.add(direction(1))).toBe(50);
    engine.link(1);
    for (const answer of bothWays(engine, direction(1), 10)) expect(found(answer)).toEqual([50]);
  });

  test('what is not yet linked is found by a scan from there', () => {
    const engine = filled(empty(), cloud(100));
    const slot = engine.add(direction(4321));
    expect(found(engine.scan(direction(4321), 1, everything(engine), slot))).toEqual([slot]);
    expect(found(engine.scan(direction(4321), 1, everything(engine), slot + 1))).toEqual([]);
  });

  test('a short set of allowed slots allows nothing beyond it', () => {
    const engine = filled(empty(), cloud(200));
    const allowed = bitmapFor(64);
    setBit(allowed, 3);
    expect(found(engine.scan(direction(1), 10, allowed))).toEqual([3]);
    clearBit(allowed, 3);
    expect(found(engine.scan(direction(1), 10, allowed))).toEqual([]);
  });
}

function describeSnapshots(empty: () => VectorEngine): void {
  test('a snapshot answers as what it was taken of, and goes on growing', async () => {
    const engine = filled(empty(), cloud(1_500));
    engine.remove(7);
    const copy = empty();
    await copy.load(readerOf(saved(engine)));
    expect([copy.slots, copy.linked]).toEqual([engine.slots, engine.linked]);
    for (let i = 0; i < 20; i++) {
      const allowed = everything(engine);
      expect(found(copy.graph(direction(i), 10, allowed, 64))).toEqual(
        found(engine.graph(direction(i), 10, allowed, 64)),
      );
      expect(copy.scan(direction(i), 10, allowed)).toEqual(engine.scan(direction(i), 10, allowed));
    }
    const slot = copy.add(direction(777));
    copy.link(1);
    expect(found(copy.graph(direction(777), 1, everything(copy), 64))).toEqual([slot]);
  });

  test('an empty engine survives its snapshot', async () => {
    const copy = empty();
    await copy.load(readerOf(saved(empty())));
    expect(copy.add(direction(1))).toBe(0);
  });

  test('a flipped bit anywhere is refused', async () => {
    const snapshot = saved(filled(empty(), cloud(200)));
    for (let i = 0; i < 64; i++) {
      const bytes = snapshot.bytes.slice();
      const at = Math.floor(((i + 0.5) / 64) * bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (i % 8));
      await expect(empty().load(readerOf({ ...snapshot, bytes }))).rejects.toThrow(SnapshotFault);
    }
  });
}

const component = fc.integer({ min: -127, max: 127 });
const vectorArbitrary = fc
  .array(component, { minLength: DIMS, maxLength: DIMS })
  .map((values) => Int8Array.from(values));
const vectorsArbitrary = fc.array(vectorArbitrary, { maxLength: 60 });

/** A pseudo-random direction, the same for the same seed. */
export function direction(seed: number, dims = DIMS): Int8Array {
  let state = Math.imul(seed + 1, 0x9e3779b1) >>> 0;
  return Int8Array.from({ length: dims }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 24) - 128 || 1;
  });
}

function vectorAt(i: number): Int8Array {
  const center = direction(i % 20);
  const noise = direction(1_000 + i);
  return center.map((value, j) => (value + (noise[j] ?? 0)) / 2);
}

function cloud(size: number): Int8Array[] {
  return Array.from({ length: size }, (_, i) => vectorAt(i));
}

function filled<E extends VectorEngine>(engine: E, vectors: readonly Int8Array[]): E {
  for (const vector of vectors) engine.add(vector);
  engine.link(vectors.length);
  return engine;
}

function everything(engine: VectorEngine) {
  const allowed = bitmapFor(engine.slots);
  for (let slot = 0; slot < engine.slots; slot++) setBit(allowed, slot);
  return allowed;
}

function found({ slots }: Neighbours): number[] {
  return [...slots];
}

function bothWays(engine: VectorEngine, query: Int8Array, k: number): Neighbours[] {
  const allowed = everything(engine);
  return [engine.scan(query, k, allowed), engine.graph(query, k, allowed, Math.max(k, 64))];
}

function recall(engine: VectorEngine, allowed: Uint8Array, ef: number): number {
  let hits = 0;
  for (let i = 0; i < 50; i++) {
    const query = vectorAt(10_000 + i);
    const exact = new Set(found(engine.scan(query, 10, allowed)));
    hits += found(engine.graph(query, 10, allowed, ef)).filter((slot) => exact.has(slot)).length;
  }
  return hits / 500;
}

interface Saved {
  readonly writer: SectionWriter;
  readonly bytes: Uint8Array;
}

function saved(engine: VectorEngine): Saved {
  const writer = new SectionWriter();
  engine.save(writer);
  return { writer, bytes: new Uint8Array(Buffer.concat(writer.parts)) };
}

function readerOf({ writer, bytes }: Saved): SectionReader {
  let at = 0;
  return new SectionReader(writer.sections, async (target) => {
    target.set(bytes.subarray(at, at + target.length));
    at += target.length;
  });
}
