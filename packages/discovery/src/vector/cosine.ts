import type { Neighbours } from './engine.ts';

/** Σ v²; exact, as every component is an integer below 128. */
export function squaredLength(vector: Int8Array): number {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += (vector[i] ?? 0) * (vector[i] ?? 0);
  return sum;
}

/** Cosine from exact integers, rounded once; 0 when one vector is zero. */
export function cosineOf(dot: number, squareA: number, squareB: number): number {
  const product = squareA * squareB;
  return product === 0 ? 0 : dot / Math.sqrt(product);
}

/** The same neighbours, nearest first, equal ones by slot. */
export function byCosine(slots: Uint32Array, cosines: Float64Array): Neighbours {
  let sorted = true;
  for (let i = 1; i < slots.length && sorted; i++) sorted = !after(slots, cosines, i - 1, i);
  if (sorted) return { slots, cosines };
  const order = Array.from(slots, (_, i) => i).sort(
    (a, b) => (cosines[b] ?? 0) - (cosines[a] ?? 0) || (slots[a] ?? 0) - (slots[b] ?? 0),
  );
  return {
    slots: Uint32Array.from(order, (i) => slots[i] ?? 0),
    cosines: Float64Array.from(order, (i) => cosines[i] ?? 0),
  };
}

function after(slots: Uint32Array, cosines: Float64Array, a: number, b: number): boolean {
  const gap = (cosines[a] ?? 0) - (cosines[b] ?? 0);
  return gap < 0 || (gap === 0 && (slots[a] ?? 0) > (slots[b] ?? 0));
}
