import { describe, expect, test } from 'vitest';
import { loadInt8Hnsw } from '../load.ts';
import { direction } from '../vector/compliance.ts';
import { Int8Hnsw } from '../vector/int8-hnsw/engine.ts';
import { type Bitmap, bitmapFor, countBits, setBit } from './bitmap.ts';
import { calibrateBreadth } from './calibrate.ts';
import { choosePlan, nearest, type Plan } from './planner.ts';

/** A hundred thousand with ZS_SOAK=1. */
const SIZE = process.env.ZS_SOAK === '1' ? 100_000 : 16_000;
const DIMS = 64;
const DEEP = 200;
const QUERIES = 30;

function clustered(i: number): Int8Array {
  const centre = direction(i % (SIZE / 100), DIMS);
  const noise = direction(1_000_000 + i, DIMS);
  return centre.map((value, j) => (value + (noise[j] ?? 0)) / 2);
}

const engine = new Int8Hnsw({ module: await loadInt8Hnsw(), dims: DIMS, capacity: SIZE + 1 });
for (let i = 0; i < SIZE; i++) engine.add(clustered(i));
engine.link(SIZE);
const ef = calibrateBreadth(engine, passing(1));

/** About so large a share of all slots, spread by a hash. */
function passing(share: number): Bitmap {
  const bits = bitmapFor(SIZE);
  for (let slot = 0; slot < SIZE; slot++) {
    if ((Math.imul(slot, 0x9e3779b1) >>> 0) / 2 ** 32 < share) setBit(bits, slot);
  }
  return bits;
}

function recall10(allowed: Bitmap, plan: Plan): number {
  let [hits, wanted] = [0, 0];
  for (let i = 0; i < QUERIES; i++) {
    const query = clustered(5_000_000 + i * 37);
    const exact = engine.scan(query, 10, allowed).slots;
    const found = nearest(engine, plan, query, DEEP, allowed, ef).map(({ slots }) => slots);
    hits += exact.filter((slot) => found.some((slots) => slots.includes(slot))).length;
    wanted += exact.length;
  }
  return hits / wanted;
}

describe('the ten nearest cards that pass a filter', () => {
  test.each([1, 0.5, 0.1, 0.03, 0.01, 0.001])('are found when a share of %f passes', (share) => {
    const allowed = passing(share);
    const plan = choosePlan(engine, SIZE, countBits(allowed), ef);
    expect(recall10(allowed, plan)).toBeGreaterThanOrEqual(share < 0.1 ? 1 : 0.97);
  });

  test.each([1, 0.5, 0.3])('are found by a walk too when a share of %f passes', (share) => {
    expect(recall10(passing(share), 'graph')).toBeGreaterThanOrEqual(0.97);
  });

  test('are found before they are in the graph', () => {
    const slot = engine.add(direction(77_777, DIMS));
    const allowed = bitmapFor(SIZE + 1);
    for (let other = 0; other <= SIZE; other++) setBit(allowed, other);
    const found = nearest(engine, 'graph', direction(77_777, DIMS), 1, allowed, ef);
    expect(found.flatMap(({ slots }) => [...slots])).toContain(slot);
  });

  test('few are scanned and many are walked to', () => {
    expect(choosePlan(engine, SIZE, Math.round(SIZE * 0.01), ef)).toBe('scan');
    expect(choosePlan(engine, 100_000, 100_000, ef)).toBe('graph');
    expect(choosePlan(engine, 100_000, 50_000, ef)).toBe('graph');
    expect(choosePlan(engine, 100_000, 10_000, ef)).toBe('scan');
  });
});
