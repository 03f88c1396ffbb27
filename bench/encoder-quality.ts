/** Ranking by three signals on the labelled sets beside the repository, and the sweep of weights. */
import { existsSync } from 'node:fs';
import { BASE_VECTOR_WEIGHT, SEMANTIC_SHARE, SEMANTIC_VECTOR_WEIGHT } from '@zerostate/discovery';
import { loadEncoder } from '@zerostate/discovery/encoder/load';
import { SETS } from '../packages/discovery/spec/retrieval-sets.ts';
import { meanNdcg, semanticIndex } from './encoder-index.ts';
import { measureLongCards } from './encoder-long.ts';
import { RememberedEncoder } from './encoder-vectors.ts';
import type { BenchResult } from './report.ts';

/** a of the vector side, and s of meaning in it: `SearchWeights`. */
const SWEEP_VECTOR = [0.5, 0.6, 0.7];
const SWEEP_SEMANTIC = [0.3, 0.5, 0.7];

interface Weights {
  readonly vector: number;
  readonly semantic: number;
}

const CHOSEN: Weights = { vector: SEMANTIC_VECTOR_WEIGHT, semantic: SEMANTIC_SHARE };
const BASE: Weights = { vector: BASE_VECTOR_WEIGHT, semantic: 0 };
const BM25: Weights = { vector: 0, semantic: 0 };

/** `quality.{set}.{bm25,base,w8,w4}.ndcg10`, and w8 under other weights. */
export async function measureEncoderQuality(
  full: boolean,
  note: (line: string) => void,
): Promise<{ results: BenchResult[]; missing: string[] }> {
  if (!existsSync(new URL('../../shared/data/README.md', import.meta.url))) {
    return { results: [], missing: ['shared/data'] };
  }
  const results: BenchResult[] = [];
  const report = (name: string, value: number) =>
    results.push({ name, value: Number(value.toFixed(4)), unit: '1', better: 'higher' });
  for (const format of ['w8', 'w4'] as const) {
    const answer = await loadEncoder(format);
    if (!answer.ok) throw new Error(answer.detail);
    const encoder = new RememberedEncoder(answer.encoder);
    for (const set of SETS) {
      note(`quality ${set} ${format}`);
      const index = await semanticIndex(encoder, (text) => encoder.chunks(text), set);
      const score = (weights: Weights) => meanNdcg(index, set, weights);
      report(`quality.${set}.${format}.ndcg10`, await score(CHOSEN));
      encoder.save();
      if (format === 'w4') continue;
      report(`quality.${set}.bm25.ndcg10`, await score(BM25));
      report(`quality.${set}.base.ndcg10`, await score(BASE));
      for (const vector of SWEEP_VECTOR) {
        for (const semantic of SWEEP_SEMANTIC) {
          const name = `sweep.${set}.a${vector * 10}.s${semantic * 10}.ndcg10`;
          report(name, await score({ vector, semantic }));
        }
      }
    }
    if (full && format === 'w8') results.push(...(await measureLongCards(encoder, note)));
  }
  return { results, missing: [] };
}
