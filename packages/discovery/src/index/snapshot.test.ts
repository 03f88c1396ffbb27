import { beforeAll, describe, expect, test } from 'vitest';
import { card } from '../card-fixture.ts';
import { CardIndex } from '../card-index.ts';
import { ngramHash384 } from '../embed/ngram-hash.ts';
import { loadInt8Hnsw } from '../load.ts';
import { Int8Hnsw } from '../vector/int8-hnsw/engine.ts';

const module = await loadInt8Hnsw();
const VERBS = ['render', 'resize', 'translate', 'sort', 'hash', 'solve', 'plot', 'compress'];
const NOUNS = ['markdown', 'image', 'sudoku', 'table', 'archive', 'poem', 'map', 'invoice', 'song'];

function fresh(shardCards = 1_000): CardIndex {
  const engine = (dims: number, capacity: number) => new Int8Hnsw({ module, dims, capacity });
  return new CardIndex({ embedder: ngramHash384, engine, shardCards });
}

function cards(count: number) {
  return Array.from({ length: count }, (_, i) => {
    const description = `${VERBS[i % 8]} any ${NOUNS[i % 9]} number ${i}`;
    return card(`agent-${i}`, { description, tags: [NOUNS[i % 9] ?? ''] });
  });
}

async function answers(index: CardIndex): Promise<unknown[]> {
  const queries = ['sort a table', 'resize image 77', 'poem', 'number 205', 'zip archives'];
  return Promise.all(
    queries.map((text) => index.search({ text, now: 0, k: 20, filters: { tags: [] } })),
  );
}

const chunksOf = (index: CardIndex) => index.snapshots().map((chunks) => [...chunks]);

describe('a snapshot', () => {
  let index: CardIndex;
  let chunks: Uint8Array[][];

  beforeAll(async () => {
    index = fresh();
    await index.upsertAll(cards(400), 77);
    await index.remove('did:key:z6MkAlice#agent-5', 78);
    index.link(1_000);
    index.calibrate();
    chunks = chunksOf(index);
  });

  test('answers as the index it was taken of, and takes the delta after it', async () => {
    const copy = fresh();
    expect(await copy.restore(chunks)).toEqual({ ok: true, rev: 78 });
    expect(await answers(copy)).toEqual(await answers(index));
    await copy.apply([
      { rev: 79, card: card('agent-7', { description: 'forecast the weather' }) },
      { rev: 80, removed: 'did:key:z6MkAlice#agent-8' },
    ]);
    const answer = await copy.search({ text: 'weather forecast', now: 0 });
    expect(answer.ok && [answer.rev, answer.results[0]?.agent]).toEqual([80, 'agent-7']);
    expect(copy.size).toBe(398);
  });

  test('is the same bytes whatever chunks it comes in', async () => {
    const bytes = Buffer.concat(chunks.flat());
    async function* small() {
      for (let at = 0; at < bytes.length; at += 1_013) yield bytes.subarray(at, at + 1_013);
    }
    const copy = fresh();
    expect(await copy.restore([small()])).toMatchObject({ ok: true });
    expect(Buffer.concat(chunksOf(copy).flat()).equals(bytes)).toBe(true);
  });

  test('cut short anywhere is refused and changes nothing', async () => {
    const bytes = Buffer.concat(chunks.flat());
    const copy = fresh();
    await copy.upsert(card('own', { description: 'own words' }));
    for (let i = 0; i < 60; i++) {
      const cut = bytes.subarray(0, Math.floor((i / 60) * bytes.length));
      expect(await copy.restore([[cut]])).toMatchObject({ ok: false, code: 'truncated' });
    }
    expect(copy.size).toBe(1);
  });

  test('with one bit flipped is refused', async () => {
    const bytes = Buffer.concat(chunks.flat());
    for (let i = 0; i < 120; i++) {
      const bad = new Uint8Array(bytes);
      const at = i < 40 ? i * 7 : Math.floor((i / 120) * bytes.length);
      bad[at] = (bad[at] ?? 0) ^ (1 << (i % 8));
      expect(await fresh().restore([[bad]])).toMatchObject({ ok: false });
    }
  });

  test('of another embedder, engine or format is refused by name', async () => {
    const other = new CardIndex({ embedder: { ...ngramHash384, id: 'other-384' } });
    expect(await other.restore(chunks)).toMatchObject({ code: 'other-embedder' });
    const plain = new CardIndex({ embedder: ngramHash384 });
    expect(await plain.restore(chunks)).toMatchObject({ code: 'other-version' });
    expect(await fresh(100).restore(chunks)).toMatchObject({ code: 'other-shape' });
    const text = new TextEncoder().encode('{"this": "is no snapshot at all"}');
    expect(await plain.restore([[text]])).toMatchObject({ code: 'not-a-snapshot' });
  });
});

describe('shards', () => {
  test('answer as one index does, before and after a snapshot', async () => {
    const [one, many] = [fresh(1_000), fresh(64)];
    for (const index of [one, many]) await index.upsertAll(cards(300), 9);
    expect(chunksOf(many)).toHaveLength(5);
    expect(await answers(many)).toEqual(await answers(one));
    const copy = fresh(64);
    expect(await copy.restore(chunksOf(many))).toEqual({ ok: true, rev: 9 });
    expect(await answers(copy)).toEqual(await answers(one));
  });

  test('compaction changes no answer and frees the slots of removed cards', async () => {
    const [index, expected] = [fresh(400), fresh(400)];
    await index.upsertAll(cards(300), 5);
    await index.upsertAll(cards(100), 6);
    await expected.upsertAll(cards(300), 6);
    await index.compact();
    expect(await answers(index)).toEqual(await answers(expected));
    await index.upsertAll(cards(100));
    expect(chunksOf(index)).toHaveLength(1);
  });
});
