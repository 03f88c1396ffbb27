/**
 * Turns texts into directions. A vector is int8 with its largest component at ±127; only its
 * direction means something (cosine = dot ÷ both lengths). A text without words gives zeros,
 * whose cosine with anything is 0. An index holds vectors of one `id` only.
 */
export interface Embedder {
  /** Names model and format; part of every snapshot. */
  readonly id: string;
  /** Components of every vector; a multiple of 16, for the SIMD engine. */
  readonly dims: number;
  /** One vector a text, in order. Rejects when a remote model cannot be reached. */
  embed(texts: readonly string[]): Promise<Int8Array[]>;
}

/** Scales a float or integer vector so that its largest component becomes ±127. */
export function quantise(values: ArrayLike<number>): Int8Array {
  let peak = 0;
  for (let i = 0; i < values.length; i++) peak = Math.max(peak, Math.abs(values[i] ?? 0));
  const vector = new Int8Array(values.length);
  if (peak === 0 || !Number.isFinite(peak)) return vector;
  for (let i = 0; i < values.length; i++) vector[i] = Math.round(((values[i] ?? 0) * 127) / peak);
  return vector;
}
