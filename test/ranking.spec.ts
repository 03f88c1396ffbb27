/**
 * Ranking as a caller meets it: every labelled document is a signed card that was published over
 * HTTP, every query a POST /v1/search. One edge for each set, as their cards must not mix.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { searchAnswerSchema } from '@zerostate/shared';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ensureEncoder } from '../packages/discovery/scripts/build-encoder.ts';
import {
  cardsOf,
  ndcg10,
  queriesOf,
  type SetName,
} from '../packages/discovery/spec/retrieval-sets.ts';
import { type Child, runToEnd } from '../scripts/start/child.ts';
import { startProcessEdge } from '../scripts/start/edge.ts';
import { layout } from '../scripts/start/state.ts';
import { publishAll } from './ranking-cards.ts';

/** nDCG@10 of words and n-grams, and with meaning. */
const FLOORS: [SetName, number, number][] = [
  ['metatool', 0.51, 0.575],
  ['sealtools', 0.86, 0.86],
  ['bfcl', 0.68, 0.71],
];
/** How far a ranking may fall under words alone, without meaning and with it. */
const UNDER_MAX = 0.01;
const UNDER_MAX_SEMANTIC = 0.005;
/** Apart from the ports of other tests. */
const PORT = 21_100;
const AT_ONCE = 4;
/** A bound against hanging: a set has thousands of texts to embed. */
const LONG_MS = 1_800_000;
const NEW_MS_MAX = 60_000;
const INDEX_BUILD = fileURLToPath(new URL('../scripts/index-build.ts', import.meta.url));

let state: string;
beforeAll(() => ensureEncoder());
beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'zs-ranking-'));
});
afterEach(() => rm(state, { recursive: true, force: true }));

async function withEdge(semantic: 'auto' | 'off', run: (url: string) => Promise<void>) {
  const children: Child[] = [];
  try {
    const settings = { LOG_LEVEL: 'warn', SEMANTIC: semantic };
    await run(await startProcessEdge(state, PORT, (child) => children.push(child), { settings }));
  } finally {
    for (const child of children) await child.stop();
  }
}

/** `npm run index:build`: every card is given its meaning. */
async function buildIndex(): Promise<void> {
  await runToEnd({
    name: 'index:build',
    command: process.execPath,
    args: [INDEX_BUILD, '--quiet'],
    env: { DIRECTORY_URL: `file:${layout(state).directory}` },
  });
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
    const { total, partial } = await search(url, { text: 'anything', k: 1 });
    if (total === cards && partial !== true) return;
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
  test.each(FLOORS)(
    'on %s words and n-grams reach %f, with meaning %f, and neither is under BM25',
    async (set, floor, semanticFloor) => {
      const documents = cardsOf(set);
      let bm25 = 0;
      await withEdge('off', async (url) => {
        await publishAll(url, set, documents);
        await indexed(url, documents.length);
        const hybrid = await meanNdcg(url, set, {});
        bm25 = await meanNdcg(url, set, { vector: 0 });
        console.log(`${set}: hybrid ${hybrid.toFixed(4)}, bm25 ${bm25.toFixed(4)}`);
        expect(hybrid).toBeGreaterThanOrEqual(floor);
        expect(hybrid).toBeGreaterThanOrEqual(bm25 - UNDER_MAX);
      });
      await buildIndex();
      await withEdge('auto', async (url) => {
        await indexed(url, documents.length);
        expect((await search(url, { text: 'anything', k: 1 })).semantic).toBe(true);
        const hybrid = await meanNdcg(url, set, {});
        console.log(`${set}: with meaning ${hybrid.toFixed(4)}`);
        expect(hybrid).toBeGreaterThanOrEqual(semanticFloor);
        expect(hybrid).toBeGreaterThanOrEqual(bm25 - UNDER_MAX_SEMANTIC);
      });
    },
    LONG_MS,
  );
});
