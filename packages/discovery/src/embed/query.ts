import type { CheckedQuery } from '../query.ts';
import type { Embedder } from './embedder.ts';
import { EmbedFailure } from './remote.ts';

/** The query's vector; undefined for a blank one, and when the model cannot be reached. */
export async function embedQuery(
  embedder: Embedder,
  { text, blank }: CheckedQuery,
): Promise<Int8Array | undefined> {
  if (blank) return undefined;
  try {
    const [vector] = await embedder.embed([text]);
    return vector;
  } catch (error) {
    if (error instanceof EmbedFailure) return undefined;
    throw error;
  }
}
