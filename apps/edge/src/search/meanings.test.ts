/** Second vectors come after the cards, once for all workers, and never delay an answer. */
import { EmbedFailure, ngramHash384, quantise } from '@zerostate/discovery';
import { searchAnswerSchema } from '@zerostate/shared';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makePublication } from '../../test-support/documents.ts';
import { createEdgeWorld, type EdgeWorld } from '../../test-support/world.ts';
import { systemRng, systemTimers } from '../adapters/system.ts';
import { buildSnapshot } from './build.ts';
import { CardFeed } from './card-feed.ts';
import type { IndexDeps } from './held-index.ts';
import type { SemanticEmbedder } from './ports.ts';
import { rowSnapshotStore } from './snapshot-rows.ts';

const DIMS = 16;

/** An encoder that counts letters, and the texts that it read in parts: those of cards. */
function letters(): SemanticEmbedder & { read: string[] } {
  const read: string[] = [];
  const vectorOf = (text: string) => {
    const counts = new Float32Array(DIMS);
    for (const letter of text.toLowerCase()) {
      const at = letter.charCodeAt(0) % DIMS;
      counts[at] = (counts[at] ?? 0) + 1;
    }
    return quantise(counts);
  };
  return {
    id: 'letters-16',
    dims: DIMS,
    read,
    embed: async (texts) => texts.map(vectorOf),
    vectors: (text) => {
      read.push(text);
      return [vectorOf(text)];
    },
  };
}

let world: EdgeWorld;
let encoder: ReturnType<typeof letters>;
beforeEach(async () => {
  encoder = letters();
  world = await createEdgeWorld({}, { semantic: encoder, timers: systemTimers });
  await world.fund(world.bob);
  await world.directory.batch([
    { sql: 'CREATE TABLE score(subject TEXT PRIMARY KEY, epoch INTEGER)', args: [] },
  ]);
});
afterEach(() => world.close());

async function publish(agent: string, description: string, seq = '1'): Promise<void> {
  const about = { now: world.now(), agent, description, seq };
  const json = await makePublication(world.network, world.bob, about);
  expect((await world.call('POST', '/v1/cards', { json })).status).toBe(201);
}

async function search(text = 'chess') {
  const answer = await world.call('POST', '/v1/search', { json: { text } });
  return searchAnswerSchema.parse(await answer.json());
}

function otherWorker(semantic: SemanticEmbedder | undefined): { deps: IndexDeps; feed: CardFeed } {
  const quiet = () => {};
  const deps: IndexDeps = {
    directory: world.directory,
    clock: { now: world.now },
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    search: {
      embedder: ngramHash384,
      snapshots: rowSnapshotStore(world.directory),
      timers: systemTimers,
      delta: 1,
      ...(semantic === undefined ? {} : { semantic }),
    },
  };
  const reading = { ledger: world.directory, scores: async () => new Map() };
  return { deps, feed: new CardFeed({ ...deps, ...reading }) };
}

async function refreshed(feed: CardFeed): Promise<void> {
  const works: Promise<void>[] = [];
  await feed.refresh((work) => void works.push(work));
  while (works.length > 0) await Promise.all(works.splice(0));
}

async function until(done: () => Promise<boolean>): Promise<void> {
  while (!(await done())) await new Promise((resolve) => setImmediate(resolve));
}

test('a card is found by its words at once, and by meaning when its vectors are made', async () => {
  expect((await search()).semantic).toBe(false);
  await publish('player', 'Plays chess');
  await world.pass(1_600);
  const first = await search();
  expect(first.results.map(({ agent }) => agent)).toEqual(['player']);
  await until(async () => (await search()).semantic === true);
  const { results } = await search();
  expect(results[0]?.parts.semantic).toBeGreaterThan(0);
  expect(encoder.read).toHaveLength(1);
});

test('vectors that one worker made are taken by the others and by snapshots', async () => {
  await search();
  await publish('player', 'Plays chess');
  await until(async () => (await search()).semantic === true);
  const second = letters();
  const { deps, feed } = otherWorker(second);
  await refreshed(feed);
  await refreshed(feed);
  expect([feed.index.attached, second.read]).toEqual([1, []]);
  await buildSnapshot({ ...deps, rng: systemRng });
  await world.directory.batch([{ sql: 'DELETE FROM card_semantic', args: [] }]);
  const third = letters();
  const late = otherWorker(third).feed;
  await refreshed(late);
  expect([late.index.attached, third.read]).toEqual([1, []]);
});

test('what nobody reads is read by another worker after some turns', async () => {
  await publish('player', 'Plays chess');
  const other = letters();
  const { feed } = otherWorker(other);
  for (let turn = 0; turn < 4; turn++) await refreshed(feed);
  expect(other.read).toEqual([]);
  for (let turn = 0; turn < 4; turn++) await refreshed(feed);
  expect([other.read.length, feed.index.attached]).toEqual([1, 1]);
});

test('an encoder that comes later is taken up while the base answers', async () => {
  await publish('player', 'Plays chess');
  const { deps, feed } = otherWorker(undefined);
  await refreshed(feed);
  deps.search.semantic = letters();
  await refreshed(feed);
  for (let turn = 0; turn < 8; turn++) await refreshed(feed);
  const answer = await feed.index.search({ text: 'chess', now: world.now() });
  expect(answer.ok && [answer.ranking, answer.results.length]).toEqual(['semantic', 1]);
});

test('second vectors are given up when there is no more room for them, and stay away', async () => {
  for (const i of [1, 2, 3]) await publish(`agent-${i}`, `Does thing ${i}`);
  const { deps, feed } = otherWorker(letters());
  for (let turn = 0; turn < 8; turn++) await refreshed(feed);
  expect(feed.index.attached).toBe(3);
  deps.search.semanticCardsMax = 2;
  await refreshed(feed);
  const { index } = feed;
  expect([index.size, index.attached]).toEqual([3, 0]);
  await world.pass(10_000);
  await refreshed(feed);
  expect(feed.index).toBe(index);
});

test('an encoder that fails leaves the base ranking, and the answer says so', async () => {
  await search();
  await publish('player', 'Plays chess');
  await until(async () => (await search()).semantic === true);
  encoder.embed = async () => {
    throw new EmbedFailure('unreachable', 'gone');
  };
  expect(await search('a chess player')).toMatchObject({ semantic: false, degraded: 'base-only' });
});

test('a full build reads what no worker has read yet', async () => {
  for (const i of [1, 2, 3]) await publish(`agent-${i}`, `Does thing ${i}`);
  const made: number[] = [];
  const own = letters();
  const { deps } = otherWorker(own);
  const progress = ({ step, done }: { step: string; done: number }) => {
    if (step === 'embed') made.push(done);
  };
  await buildSnapshot({ ...deps, rng: systemRng }, { full: true, progress });
  expect([own.read.length, made.at(-1)]).toEqual([3, 3]);
  expect(new Set(own.read.map((text) => text.includes('Does thing')))).toEqual(new Set([true]));
});
