import { loadEncoder } from '@zerostate/discovery/encoder/load';
import { describe, expect, test } from 'vitest';
import { ensureEncoder } from '../scripts/build-encoder.ts';
import type { Encoder } from '../src/embed/use-lite/encoder.ts';
import type { SetName } from './retrieval-sets.ts';
import { meanNdcg, semanticIndex } from './semantic-index.ts';

const FLOORS: [SetName, number][] = [
  ['metatool', 0.575],
  ['sealtools', 0.86],
  ['bfcl', 0.71],
];
/** How far under BM25 a set may come. */
const LOSS_MAX = 0.005;
/** A bound against hanging: a set has thousands of texts to embed. */
const LONG_MS = 1_800_000;

async function encoderOnce(): Promise<Encoder> {
  await ensureEncoder();
  const answer = await loadEncoder();
  if (!answer.ok) throw new Error(answer.detail);
  return answer.encoder;
}

describe('the right agent comes first, also in other words', () => {
  test.each(FLOORS)(
    'on %s the ranking with meaning reaches %f and is not under BM25',
    async (set, floor) => {
      const encoder = await encoderOnce();
      const index = await semanticIndex(encoder, (text) => encoder.vectors(text), set);
      const hybrid = await meanNdcg(index, set, {});
      const bm25 = await meanNdcg(index, set, { vector: 0 });
      console.log(`${set}: with meaning ${hybrid.toFixed(4)}, bm25 ${bm25.toFixed(4)}`);
      expect(hybrid).toBeGreaterThanOrEqual(floor);
      expect(hybrid).toBeGreaterThanOrEqual(bm25 - LOSS_MAX);
    },
    LONG_MS,
  );
});
