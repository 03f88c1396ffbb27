import type { VectorEngine } from '../vector/engine.ts';
import { type Bitmap, eachBit } from './bitmap.ts';

/** Recall@10 that a snapshot's breadth must have reached on its own vectors. */
export const RECALL_WANTED = 0.97;

const SAMPLE = 64;
const NEAREST = 10;
const LADDER = [16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1_024];

/**
 * The least breadth at which a graph search for SAMPLE stored vectors, mixed in pairs so that a
 * query is never itself in the index, finds RECALL_WANTED of the ten nearest; the greatest on
 * the ladder when none does.
 */
export function calibrateBreadth(engine: VectorEngine, live: Bitmap): number {
  const slots: number[] = [];
  eachBit(live, (slot) => slots.push(slot));
  const stride = Math.max(1, Math.floor(slots.length / SAMPLE));
  const queries = Array.from({ length: Math.min(SAMPLE, slots.length) }, (_, i) =>
    mixed(engine, slots[i * stride] ?? 0, slots[(i * stride + 1) % slots.length] ?? 0),
  );
  const exact = queries.map((query) => new Set(engine.scan(query, NEAREST, live).slots));
  const wanted = exact.reduce((total, { size }) => total + size, 0) * RECALL_WANTED;
  for (const breadth of LADDER) {
    const found = queries.reduce((total, query, i) => {
      const { slots: near } = engine.graph(query, NEAREST, live, breadth);
      return total + near.filter((slot) => exact[i]?.has(slot)).length;
    }, 0);
    if (found >= wanted) return breadth;
  }
  return LADDER[LADDER.length - 1] ?? 0;
}

/** Three parts of one vector and one of another: near the first, equal to neither. */
function mixed(engine: VectorEngine, near: number, far: number): Int8Array {
  const other = engine.vectorAt(far);
  return engine.vectorAt(near).map((value, i) => Math.round((3 * value + (other[i] ?? 0)) / 4));
}
