import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { card } from '../card-fixture.ts';
import { CardIndex, type SearchAnswer } from '../card-index.ts';
import { type Embedder, quantise } from '../embed/embedder.ts';
import { ngramHash384 } from '../embed/ngram-hash.ts';
import { EmbedFailure } from '../embed/remote.ts';
import { loadInt8Hnsw } from '../load.ts';
import type { SearchQuery } from '../query.ts';
import { direction } from '../vector/compliance.ts';
import { Int8Hnsw } from '../vector/int8-hnsw/engine.ts';
import type { CardDocument } from './document.ts';

const DIMS = 128;
/** Words that mean the same point the same way; everything else points anywhere. */
const CONCEPTS: Record<string, number> = {
  picture: 1,
  photo: 1,
  shrink: 2,
  smaller: 2,
  puzzle: 3,
  sudoku: 3,
  page: 4,
  website: 4,
};

function meaningOf(text: string): Int8Array {
  const sum = new Int32Array(DIMS);
  for (const word of text.split(/\W+/)) {
    direction(CONCEPTS[word] ?? 100 + word.length, DIMS).forEach((value, i) => {
      sum[i] = (sum[i] ?? 0) + value * (word in CONCEPTS ? 4 : 1);
    });
  }
  return quantise(sum);
}

const concepts: Embedder = {
  id: 'concepts-128',
  dims: DIMS,
  embed: async (texts) => texts.map(meaningOf),
};

const module = await loadInt8Hnsw();
const engine = (dims: number, capacity: number) => new Int8Hnsw({ module, dims, capacity });

const indexOf = async (cards: readonly CardDocument[], shardCards = 1_000) => {
  const index = new CardIndex({
    embedder: ngramHash384,
    semantic: concepts,
    engine,
    shardCards,
  });
  await index.upsertAll(cards);
  return index;
};

const meaning = ({ key, cardSha256, description }: CardDocument, ...more: string[]) => ({
  key,
  cardSha256,
  vectors: [description, ...more].map(meaningOf),
});

async function ask(index: CardIndex, text: string, more: Partial<SearchQuery> = {}) {
  const answer = await index.search({ text, now: 0, ...more });
  if (!answer.ok) throw new Error(answer.code);
  return answer;
}

const agents = (answer: SearchAnswer) => answer.results.map(({ agent }) => agent);
const scores = (answer: SearchAnswer) =>
  answer.results.map(({ agent, score, parts }) => [agent, score, parts]);

const shrinker = card('shrinker', { description: 'shrink a photo' });
const solver = card('solver', { description: 'sudoku' });
const builder = card('builder', { description: 'website' });
const three = [solver, builder, shrinker];

describe('a ranking with meaning', () => {
  test('finds a card that shares no word with the query', async () => {
    const index = await indexOf(three);
    await index.attach(three.map((one) => meaning(one)));
    const answer = await ask(index, 'smaller picture');
    expect(agents(answer)[0]).toBe('shrinker');
    expect(answer.ranking).toBe('semantic');
    expect(answer.results[0]?.parts).toMatchObject({ lexical: 0 });
    expect(answer.results[0]?.parts.semantic).toBeGreaterThan(0.8);
  });

  test('weighs .4 words, .3 n-grams and .3 meaning, and other weights when asked', async () => {
    const index = await indexOf(three);
    await index.attach(three.map((one) => meaning(one)));
    const none = { reputation: 0, price: 0, presence: 0 };
    const text = 'shrink a sudoku picture';
    for (const { score, parts } of (await ask(index, text, { weights: none })).results) {
      const { lexical, vector, semantic = Number.NaN } = parts;
      expect(score).toBeCloseTo(0.4 * lexical + 0.6 * (0.5 * vector + 0.5 * semantic), 12);
    }
    const weights = { ...none, vector: 0.9, semantic: 0.25 };
    for (const { score, parts } of (await ask(index, text, { weights })).results) {
      const { lexical, vector, semantic = Number.NaN } = parts;
      expect(score).toBeCloseTo(0.1 * lexical + 0.9 * (0.75 * vector + 0.25 * semantic), 12);
    }
  });

  test('a card is as near as the nearest part of its text', async () => {
    const index = await indexOf(three);
    await index.attach([meaning(solver, 'picture', 'page'), meaning(builder), meaning(shrinker)]);
    const { results } = await ask(index, 'picture', { k: 3 });
    const cosine = results.find(({ agent }) => agent === 'solver')?.parts.semantic;
    expect(cosine).toBe(1);
    expect(results.filter(({ agent }) => agent === 'solver')).toHaveLength(1);
  });

  test('stays inside the filters', async () => {
    const far = card('far', { description: 'photo', regions: ['us'] });
    const index = await indexOf([...three, far]);
    await index.attach([...three, far].map((one) => meaning(one)));
    expect(agents(await ask(index, 'picture', { filters: { region: 'us' } }))).toEqual(['far']);
  });
});

describe('semantic vectors come later', () => {
  test('until the first one the ranking is that of words and n-grams', async () => {
    const index = await indexOf(three);
    const plain = new CardIndex({ embedder: ngramHash384 });
    await plain.upsertAll(three);
    const before = await ask(index, 'shrink a website');
    expect(before.ranking).toBe('base');
    expect(scores(before)).toEqual(scores(await ask(plain, 'shrink a website')));
    expect(index.withoutSemantic(2).map(({ key }) => key)).toEqual([solver.key, builder.key]);
    await index.attach([meaning(solver)], 9);
    expect([index.attached, index.rev]).toEqual([1, 9]);
    expect((await ask(index, 'shrink a website')).ranking).toBe('semantic');
    expect(index.withoutSemantic(9).map(({ key }) => key)).toEqual([builder.key, shrinker.key]);
  });

  test('one that came after a search counts in the next', async () => {
    const worded = Array.from({ length: 230 }, (_, i) =>
      card(`worded-${i}`, { description: `shrink ${i}` }),
    );
    const late = card('late', { description: 'qqqq' });
    const index = await indexOf([...worded, late]);
    await index.attach(worded.map((one) => ({ ...meaning(one), vectors: [meaningOf('bed')] })));
    expect(agents(await ask(index, 'shrink', { k: 100 }))).not.toContain('late');
    await index.attach([{ ...meaning(late), vectors: [meaningOf('shrink')] }]);
    const words = { weights: { vector: 1, semantic: 1 } };
    expect(agents(await ask(index, 'shrink', words))[0]).toBe('late');
  });

  test('parts of other cards crowd no card out', async () => {
    const crowd = Array.from({ length: 230 }, (_, i) =>
      card(`worded-${i}`, { description: `photo ${i}` }),
    );
    const single = card('single', { description: 'qqqq' });
    const index = await indexOf([...crowd, single]);
    const near = meaningOf('photo');
    const far = meaningOf('photo bed');
    await index.attach([
      ...crowd.slice(0, 60).map((one) => ({ ...meaning(one), vectors: [near, near, near, near] })),
      ...crowd.slice(60).map((one) => ({ ...meaning(one), vectors: [meaningOf('bed')] })),
      { ...meaning(single), vectors: [far] },
    ]);
    const { results } = await ask(index, 'photo', { k: 62, weights: { vector: 1, semantic: 1 } });
    expect(results.map(({ agent }) => agent)).toContain('single');
  });

  test('a published card brings its own, and the change feed does', async () => {
    const index = await indexOf([{ ...solver, semantic: [meaningOf('sudoku')] }]);
    await index.apply([
      { rev: 5, card: builder },
      { rev: 6, semantic: meaning(builder) },
    ]);
    expect([index.attached, index.rev]).toEqual([2, 6]);
  });

  test('a card that is only renewed keeps its own, and takes those it brings', async () => {
    const index = await indexOf(three);
    await index.attach([meaning(solver)]);
    await index.upsert({ ...solver, expiresAt: 9_000_000 });
    expect(index.attached).toBe(1);
    await index.upsert({ ...builder, expiresAt: 9_000_000, semantic: [meaningOf('website')] });
    expect(index.attached).toBe(2);
  });

  test('those of a card that was replaced or removed since are not taken', async () => {
    const index = await indexOf(three);
    const newer = { ...solver, description: 'chess', cardSha256: 'sha-newer' };
    await index.upsert(newer);
    await index.remove(builder.key);
    await index.attach([meaning(solver), meaning(builder)]);
    expect(index.attached).toBe(0);
  });

  test('a replaced card loses its old ones', async () => {
    const index = await indexOf(three);
    await index.attach([meaning(solver), meaning(shrinker)]);
    await index.upsert({ ...solver, description: 'picture', cardSha256: 'sha-newer' });
    expect(index.attached).toBe(1);
    expect(agents(await ask(index, 'puzzle', { k: 3 }))[0]).not.toBe('solver');
  });

  test('one card given new ones again and again keeps the last', async () => {
    const index = await indexOf([solver, builder], 2);
    for (let i = 0; i < 20; i++) await index.attach([meaning(solver, 'page', 'photo', 'shrink')]);
    await index.attach([meaning(builder), { ...meaning(solver), vectors: [meaningOf('photo')] }]);
    const { results } = await ask(index, 'picture', { k: 2 });
    expect(results[0]).toMatchObject({ agent: 'solver', parts: { semantic: 1 } });
    expect(index.attached).toBe(2);
  });

  test('too many, none or of other dims are a mistake that throws', async () => {
    const index = await indexOf(three);
    const wrong = (vectors: Int8Array[]) => index.attach([{ ...meaning(solver), vectors }]);
    await expect(wrong([])).rejects.toThrow(RangeError);
    await expect(wrong(Array(5).fill(meaningOf('x')))).rejects.toThrow(RangeError);
    await expect(wrong([new Int8Array(384)])).rejects.toThrow(RangeError);
  });
});

describe('a card without a semantic vector', () => {
  test('is given its n-gram cosine and the gap of the others', async () => {
    const cards = Array.from({ length: 30 }, (_, i) =>
      card(`a${i}`, { description: `shrink photo ${'ab'.repeat(i % 7)}` }),
    );
    const index = await indexOf(cards);
    await index.attach(cards.slice(0, 20).map((one) => meaning(one)));
    const { results } = await ask(index, 'shrink one thing', { k: 30 });
    const known = results.filter(({ agent }) => Number(agent.slice(1)) < 20);
    const gaps = known.map(({ parts }) => (parts.semantic ?? 0) - parts.vector);
    const gap = gaps.reduce((sum, one) => sum + one, 0) / gaps.length;
    const others = results.filter(({ agent }) => Number(agent.slice(1)) >= 20);
    expect(others).toHaveLength(10);
    for (const { parts } of others) expect(parts.semantic).toBeCloseTo(parts.vector + gap, 12);
  });

  test('is not held against cards that only meaning found', async () => {
    const worded = Array.from({ length: 260 }, (_, i) =>
      card(`worded-${i}`, { description: `shrink ${i}` }),
    );
    const meant = Array.from({ length: 150 }, (_, i) =>
      card(`meant-${i}`, { description: `xyz${'q'.repeat(i)}` }),
    );
    const index = await indexOf([...worded, ...meant]);
    await index.attach([
      ...worded.slice(0, 255).map((one) => ({ ...meaning(one), vectors: [meaningOf('bed')] })),
      ...meant.map((one) => ({ ...meaning(one), vectors: [meaningOf('shrink')] })),
    ]);
    const { results } = await ask(index, 'shrink 257', { k: 100 });
    const [first, ...rest] = results;
    expect(first?.agent).toBe('worded-257');
    const alike = rest.find(({ agent }) => agent.startsWith('worded-'))?.parts;
    const gap = (alike?.semantic ?? 0) - (alike?.vector ?? 0);
    expect((first?.parts.semantic ?? 0) - (first?.parts.vector ?? 0)).toBeLessThan(gap + 0.2);
  });
});

describe('without the semantic embedder’s answer', () => {
  test('the base ranking answers and says so', async () => {
    const failures = ['weights'];
    const loading: Embedder = {
      ...concepts,
      embed: async (texts) => {
        for (const detail of failures) throw new EmbedFailure('loading', detail);
        return concepts.embed(texts);
      },
    };
    const index = new CardIndex({ embedder: ngramHash384, semantic: loading });
    await index.upsertAll(three);
    await index.attach(three.map((one) => meaning(one)));
    expect(await ask(index, 'sudoku')).toMatchObject({ ranking: 'base', degraded: 'base-only' });
    failures.pop();
    expect(await ask(index, 'sudoku')).toMatchObject({ ranking: 'semantic' });
    expect(await ask(index, '', { filters: { tags: ['x'] } })).not.toHaveProperty('degraded');
  });
});

describe('a snapshot with semantic vectors', () => {
  const chunksOf = (index: CardIndex) => index.snapshots().map((chunks) => [...chunks]);

  async function attached() {
    const index = await indexOf(three);
    await index.attach([meaning(solver, 'page'), meaning(shrinker)], 12);
    index.link(100);
    index.calibrate();
    return index;
  }

  test('answers as the index it was taken of, and takes more', async () => {
    const index = await attached();
    const copy = await indexOf([]);
    expect(await copy.restore(chunksOf(index))).toEqual({ ok: true, rev: 12 });
    for (const text of ['picture', 'puzzle', 'shrink a website']) {
      expect(await ask(copy, text)).toEqual(await ask(index, text));
    }
    await copy.attach([meaning(builder)]);
    expect(copy.attached).toBe(3);
    const { results } = await ask(copy, 'page');
    expect(results.find(({ agent }) => agent === 'builder')?.parts.semantic).toBeGreaterThan(0.8);
  });

  test('of another model serves the base until the cards are read anew', async () => {
    const chunks = chunksOf(await attached());
    const newer = { ...concepts, id: 'concepts-2' };
    const index = new CardIndex({ embedder: ngramHash384, semantic: newer, engine });
    expect(await index.restore(chunks)).toMatchObject({ ok: true });
    expect([index.size, index.attached]).toEqual([3, 0]);
    expect(index.withoutSemantic(9)).toHaveLength(3);
    const base = new CardIndex({ embedder: ngramHash384, engine });
    expect(await base.restore(chunks)).toMatchObject({ ok: true });
    expect((await ask(base, 'sudoku')).ranking).toBe('base');
  });

  test('cut short or with a bit flipped is refused', async () => {
    const bytes = Buffer.concat(chunksOf(await attached()).flat());
    for (let i = 1; i <= 40; i++) {
      const at = bytes.length - i * 97;
      const copy = await indexOf([]);
      const cut = await copy.restore([[bytes.subarray(0, at)]]);
      expect(cut).toMatchObject({ ok: false, code: 'truncated' });
      const bad = new Uint8Array(bytes);
      bad[at] = (bad[at] ?? 0) ^ (1 << (i % 8));
      expect(await copy.restore([[bad]])).toMatchObject({ ok: false });
    }
  });
});

test('any history of writes answers as a fresh index, in one shard and in many', async () => {
  const texts = ['shrink a photo', 'sudoku puzzle', 'website page', 'smaller picture', 'chess'];
  const write = fc.record({
    agent: fc.integer({ min: 0, max: 7 }),
    text: fc.option(fc.constantFrom(...texts)),
    attach: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(write, { maxLength: 30 }), async (writes) => {
      const known = new Map<string, CardDocument>();
      const [one, many] = [await indexOf([]), await indexOf([], 3)];
      for (const { agent, text, attach } of writes) {
        const fields = { description: text ?? '', cardSha256: `${text}` };
        const own = card(`a${agent}`, fields);
        const last = known.get(own.key);
        for (const index of [one, many]) {
          if (text === null) await index.remove(own.key);
          else if (last?.description !== text) await index.upsert(own);
          if (attach) await index.attach([meaning(own)]);
        }
        if (text === null) known.delete(own.key);
        else if (attach) known.set(own.key, { ...own, semantic: [meaningOf(text)] });
        else if (last?.description !== text) known.set(own.key, own);
      }
      const fresh = await indexOf([...known.values()]);
      await many.compact();
      for (const text of ['picture of a puzzle', 'page']) {
        const wanted = scores(await ask(fresh, text, { k: 20 }));
        for (const index of [one, many]) {
          const got = scores(await ask(index, text, { k: 20 }));
          expect(got.map(([agent]) => agent)).toEqual(wanted.map(([agent]) => agent));
          got.forEach(([, score], i) => {
            expect(score).toBeCloseTo(Number(wanted[i]?.[1]), 9);
          });
        }
      }
    }),
    { numRuns: 60 },
  );
});
