import { SEMANTIC_VECTORS_MAX } from '../../limits.ts';

/** Tokens the model reads at once. */
export const CHUNK_TOKENS = 128;
/** Chunks of one text; what comes after them is not read, so any text costs bounded work. */
export const CHUNKS_MAX = SEMANTIC_VECTORS_MAX;

/** Part of the model's identity: changes with `chunksOf`. */
export const CHUNK_RULE = `even-${CHUNKS_MAX}x${CHUNK_TOKENS}-1`;

/** A text's tokens in as few chunks as they fit, of about equal length; none for no tokens. */
export function chunksOf(tokens: Int32Array): Int32Array[] {
  const length = Math.min(tokens.length, CHUNKS_MAX * CHUNK_TOKENS);
  const count = Math.ceil(length / CHUNK_TOKENS);
  return Array.from({ length: count }, (_, i) =>
    tokens.subarray(Math.round((i * length) / count), Math.round(((i + 1) * length) / count)),
  );
}
