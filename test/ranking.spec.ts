/**
 * Ranking as a caller meets it: every labelled document is a signed card that was published over
 * HTTP, every query a POST /v1/search. One edge for each set, as their cards must not mix.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { searchAnswerSchema } from '@zerostate/shared';
import { describe, expect, test } from 'vitest';
import {
  cardsOf,
  ndcg10,
  queriesOf,
  type SetName,
} from '../packages/discovery/spec/retrieval-sets.ts';
import type { Child } from '../scripts/start/child.ts';
import { startProcessEdge } from '../scripts/start/edge.ts';
import { publishAll } from './ranking-cards.ts';

const FLOORS: [SetName, number][] = [
  ['metatool', 0.51],
  ['sealtools', 0.86],
  ['bfcl', 0.68],
];
/** How far the hybrid may fall under words alone. */
const UNDER_MAX = 0.01;
/** Apart from the ports of other tests. */
const PORT = 21_100;
const AT_ONCE = 4;
const NEW_MS_MAX = 60_000;

async function withEdge(run: (url: string) => Promise<void>): Promise<void> {
  const state = await mkdtemp(join(tmpdir(), 'zs-ranking-'));
  const children: Child[] = [];
  try {
    // The floors are those of words and n-grams.
    const settings = { LOG_LEVEL: 'warn', SEMANTIC: 'off' };
    await run(await startProcessEdge(state, PORT, (child) => children.push(child), { settings }));
  } finally {
    for (const child of children) await child.stop();
    await rm(state, { recursive: true, force: true });
  }
}

async function search(url: string, request: object) {
  const response = await fetch(`${url}/v1/search`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
  });
  return searchAnswerSchema.parse(await response.json());
}

/** Until the index has all cards: within two seconds, on a machine that is not stalled. */
async function indexed(url: string, cards: number): Promise<void> {
  for (const end = Date.now() + NEW_MS_MAX; Date.now() < end; ) {
    const { total } = await search(url, { text: 'anything', k: 1 });
    if (total === cards) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error('the index misses cards');
}

async function meanNdcg(url: string, set: SetName, weights: object): Promise<number> {
  const ids = cardsOf(set).map((card) => card.skills[0]?.id ?? '');
  const queries = queriesOf(set);
  let total = 0;
  let next = 0;
  const work = async () => {
    for (let query = queries[next++]; query !== undefined; query = queries[next++]) {
      const { results } = await search(url, { text: query.text.slice(0, 2_048), k: 10, weights });
      const ranked = results.map(({ agent }) => ids[Number(agent.slice(1))] ?? '');
      total += ndcg10(ranked, query.relevant);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return total / queries.length;
}

describe('over HTTP the right agent comes first', () => {
  test.each(FLOORS)('on %s the hybrid reaches %f and is not under BM25', async (set, floor) => {
    await withEdge(async (url) => {
      const documents = cardsOf(set);
      await publishAll(url, set, documents);
      await indexed(url, documents.length);
      const hybrid = await meanNdcg(url, set, {});
      const bm25 = await meanNdcg(url, set, { vector: 0 });
      console.log(`${set}: hybrid ${hybrid.toFixed(4)}, bm25 ${bm25.toFixed(4)}`);
      expect(hybrid).toBeGreaterThanOrEqual(floor);
      expect(hybrid).toBeGreaterThanOrEqual(bm25 - UNDER_MAX);
    });
  });
});
