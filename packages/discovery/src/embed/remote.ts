import { quantise } from './embedder.ts';

/** Why a model gave no vectors; `loading`: it will, later. */
export type EmbedFailureCode = 'unreachable' | 'refused' | 'bad-answer' | 'loading';

/** Thrown by embedders that cannot answer; a search then ranks by words alone, a write fails. */
export class EmbedFailure extends Error {
  readonly code: EmbedFailureCode;

  constructor(code: EmbedFailureCode, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.code = code;
  }
}

/** A shape that the vector engine can hold, or a mistake in the configuration. */
export function checkDims(dims: number): number {
  if (Number.isInteger(dims) && dims > 0 && dims <= 4_096 && dims % 16 === 0) return dims;
  throw new RangeError(`dims must be a multiple of 16 up to 4096, not ${dims}`);
}

/** Calls `embedPart` for parts of at most `size` texts, one after the other. */
export async function inParts(
  texts: readonly string[],
  size: number,
  embedPart: (part: readonly string[]) => Promise<Int8Array[]>,
): Promise<Int8Array[]> {
  const vectors: Int8Array[] = [];
  for (let start = 0; start < texts.length; start += size) {
    vectors.push(...(await embedPart(texts.slice(start, start + size))));
  }
  return vectors;
}

/** Int8 vectors of rows of floats that came from outside: so many, so long, all finite. */
export function vectorsOf(rows: unknown, count: number, dims: number): Int8Array[] {
  if (!Array.isArray(rows) || rows.length !== count) {
    throw new EmbedFailure('bad-answer', `expected ${count} vectors`);
  }
  return rows.map((row: unknown) => {
    if (!isVector(row, dims)) throw new EmbedFailure('bad-answer', `expected ${dims} numbers`);
    return quantise(row);
  });
}

function isVector(row: unknown, dims: number): row is number[] {
  return Array.isArray(row) && row.length === dims && row.every((value) => Number.isFinite(value));
}
