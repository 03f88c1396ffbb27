import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { card } from './card-fixture.ts';
import { CardIndex, type SearchAnswer } from './card-index.ts';
import { ngramHash384 } from './embed/ngram-hash.ts';
import type { CardDocument } from './index/document.ts';
import type { SearchQuery, Signals } from './query.ts';

const NOW = 1_000;

async function indexOf(cards: readonly CardDocument[], shardCards?: number): Promise<CardIndex> {
  const size = shardCards === undefined ? {} : { shardCards };
  const index = new CardIndex({ embedder: ngramHash384, ...size });
  await index.upsertAll(cards);
  return index;
}

async function ask(
  index: CardIndex,
  query: Partial<SearchQuery>,
  signals?: Signals,
): Promise<SearchAnswer> {
  const answer = await index.search({ text: '', now: NOW, ...query }, signals);
  if (!answer.ok) throw new Error(answer.code);
  return answer;
}

const agents = (answer: SearchAnswer) => answer.results.map(({ agent }) => agent);

const markdown = card('markdown', {
  description: 'Renders Markdown documents as HTML pages',
  tags: ['Text'],
  skills: [{ id: 'md-html', name: 'Markdown to HTML', tags: ['convert'], examples: ['# Title'] }],
  regions: ['eu'],
  price: { base: 100n, perMgas: 10n, perPage: 1n },
});
const sudoku = card('sudoku', {
  did: 'did:key:z6MkBob',
  description: 'Solves sudoku puzzles',
  tags: ['games'],
  regions: ['us'],
  price: { base: 5_000n, perMgas: 0n, perPage: 0n },
});
const thumbnail = card('thumbnail', { description: 'Makes a small PNG thumbnail of an image' });
const three = [markdown, sudoku, thumbnail];

describe('finding', () => {
  test('the agent that does what is asked comes first, with its parts', async () => {
    const index = await indexOf(three);
    const answer = await ask(index, { text: 'convert a markdown file into html' });
    expect(agents(answer)[0]).toBe('markdown');
    const [first] = answer.results;
    expect(first).toMatchObject({
      did: 'did:key:z6MkAlice',
      name: 'markdown',
      cardSha256: markdown.cardSha256,
      skills: [{ id: 'md-html', name: 'Markdown to HTML' }],
      parts: { lexical: 1, reputation: 0.5, presence: 0 },
    });
    expect(first?.parts.vector).toBeGreaterThan(0.3);
  });

  test('a misspelt or inflected word still finds it', async () => {
    const index = await indexOf(three);
    expect(agents(await ask(index, { text: 'thumbnial imges' }))[0]).toBe('thumbnail');
    expect(agents(await ask(index, { text: 'solving puzzle' }))[0]).toBe('sudoku');
  });

  test('a newer card replaces the older, a removed one is gone', async () => {
    const index = await indexOf(three);
    await index.upsert({ ...markdown, description: 'Plays chess', name: 'chess', skills: [] });
    expect(agents(await ask(index, { text: 'play chess' }))[0]).toBe('markdown');
    expect(index.size).toBe(3);
    await index.remove(markdown.key);
    expect(agents(await ask(index, { text: 'chess' }))).not.toContain('markdown');
    expect(index.size).toBe(2);
  });

  test('an expired card is not found from its last millisecond on', async () => {
    const index = await indexOf([{ ...markdown, expiresAt: 5_000 }, sudoku]);
    expect(agents(await ask(index, { text: 'markdown', now: 4_999 }))).toContain('markdown');
    expect(agents(await ask(index, { text: 'markdown', now: 5_000 }))).not.toContain('markdown');
    expect(agents(await ask(index, { text: 'markdown', now: 4_999 }))).toContain('markdown');
  });

  test('a removal asked for after a slow write is not undone by it', async () => {
    const slow = {
      ...ngramHash384,
      embed: async (texts: readonly string[]) => {
        if (texts.length > 0) await new Promise((resolve) => setImmediate(resolve));
        return ngramHash384.embed(texts);
      },
    };
    const index = new CardIndex({ embedder: slow });
    await Promise.all([index.upsert(markdown), index.remove(markdown.key)]);
    expect(index.size).toBe(0);
  });

  test('a failed embedding loses that write only', async () => {
    let calls = 0;
    const flaky = {
      ...ngramHash384,
      embed: async (texts: readonly string[]) => {
        calls += 1;
        if (calls === 1) throw new Error('unreachable');
        return ngramHash384.embed(texts);
      },
    };
    const index = new CardIndex({ embedder: flaky });
    const first = index.upsert(markdown);
    const second = index.upsert(sudoku);
    await expect(first).rejects.toThrow('unreachable');
    await second;
    expect(index.size).toBe(1);
  });

  test('the revision is the directory’s, and never goes back', async () => {
    const index = await indexOf([]);
    await index.upsert(markdown, 40);
    await index.remove(markdown.key, 39);
    expect(index.rev).toBe(40);
    await index.upsert(sudoku);
    expect((await ask(index, { text: 'sudoku' })).rev).toBe(41);
  });
});

describe('filters', () => {
  const filtered = async (filters: NonNullable<SearchQuery['filters']>, signals?: Signals) =>
    agents(await ask(await indexOf(three), { filters }, signals)).sort();

  test('each one keeps exactly the cards that meet it', async () => {
    expect(await filtered({ tags: ['TEXT'] })).toEqual(['markdown']);
    expect(await filtered({ tags: ['text', 'convert'] })).toEqual(['markdown']);
    expect(await filtered({ tags: ['text', 'games'] })).toEqual([]);
    expect(await filtered({ skills: ['md-html'] })).toEqual(['markdown']);
    expect(await filtered({ region: 'us' })).toEqual(['sudoku']);
    expect(await filtered({ regions: ['US', 'eu'] })).toEqual(['markdown', 'sudoku']);
    expect(await filtered({ region: 'eu', regions: ['us', 'ap'] })).toEqual([]);
    expect(await filtered({ priceMax: 216n })).toEqual(['markdown', 'thumbnail']);
    expect(await filtered({ priceMax: 215n })).toEqual(['thumbnail']);
  });

  test('a price ceiling is exact beyond what a double can hold', async () => {
    const price = { base: 9_007_199_254_740_993n, perMgas: 0n, perPage: 0n };
    const index = await indexOf([card('dear', { price })]);
    const passing = async (priceMax: bigint) =>
      (await ask(index, { filters: { priceMax } })).passed;
    expect(await passing(9_007_199_254_740_992n)).toBe(0);
    expect(await passing(9_007_199_254_740_993n)).toBe(1);
  });

  test('presence and reputation are those of the publisher', async () => {
    const signals: Signals = (did) => ({
      online: did.endsWith('Bob'),
      score: did.endsWith('Bob') ? 0.7 : 0.2,
      tasks: 9,
    });
    expect(await filtered({ online: true }, signals)).toEqual(['sudoku']);
    expect(await filtered({ minReputation: 0.7 }, signals)).toEqual(['sudoku']);
    expect(await filtered({ minReputation: 0.71 }, signals)).toEqual([]);
  });

  test('remembered signals are asked anew when their version changes or cards come', async () => {
    const index = await indexOf(three);
    const online = new Set(['did:key:z6MkBob']);
    const at = (version: number): Signals =>
      Object.assign((did: string) => ({ online: online.has(did), score: 0.5, tasks: 1 }), {
        version,
      });
    const asked = async (version: number) =>
      agents(await ask(index, { filters: { online: true } }, at(version))).sort();
    expect(await asked(1)).toEqual(['sudoku']);
    online.add('did:key:z6MkAlice');
    expect(await asked(2)).toEqual(['markdown', 'sudoku', 'thumbnail']);
    await index.upsert(card('newcomer', { did: 'did:key:z6MkBob' }));
    expect(await asked(2)).toEqual(['markdown', 'newcomer', 'sudoku', 'thumbnail']);
    await index.remove(sudoku.key);
    expect(await asked(2)).toEqual(['markdown', 'newcomer', 'thumbnail']);
  });

  test('contradicting filters give an empty answer that says so', async () => {
    const answer = await ask(await indexOf(three), {
      text: 'markdown',
      filters: { tags: ['text'], regions: ['us', 'ap'] },
    });
    expect(answer).toMatchObject({ results: [], passed: 0, live: 3, empty: 'nothing-passes' });
  });

  test('explain names the first reason for each card left out', async () => {
    const index = await indexOf([...three, card('old', { description: 'markdown', expiresAt: 1 })]);
    const answer = await ask(index, {
      text: 'markdown puzzles image',
      k: 1,
      explain: true,
      filters: { region: 'eu' },
    });
    const reasons = Object.fromEntries(
      (answer.leftOut ?? []).map(({ agent, reason }) => [agent, reason]),
    );
    expect(reasons).toEqual({ sudoku: 'region', thumbnail: 'region', old: 'expired' });
    const second = await ask(index, { text: 'markdown puzzles image', k: 1, explain: true });
    expect(second.leftOut?.some(({ reason }) => reason === 'rank')).toBe(true);
  });
});

describe('ranking', () => {
  test('by default a clearly better match stays above, whatever the rest', async () => {
    const index = await indexOf(three);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('markdown html', 'sudoku solver', 'image', 'solve a small image'),
        fc.infiniteStream(
          fc.record({
            online: fc.boolean(),
            score: fc.double({ min: 0, max: 1, noNaN: true }),
            tasks: fc.nat(),
          }),
        ),
        async (text, stream) => {
          const known = new Map<string, ReturnType<Signals>>();
          const signals: Signals = (did) => {
            const signal = known.get(did) ?? stream.next().value;
            known.set(did, signal);
            return signal;
          };
          const { results } = await ask(index, { text }, signals);
          const match = results.map(({ parts }) => 0.5 * parts.lexical + 0.5 * parts.vector);
          match.forEach((better, i) => {
            for (const earlier of match.slice(0, i))
              expect(better - earlier).toBeLessThanOrEqual(0.05 + 1e-9);
          });
        },
      ),
    );
  });

  test('between equal matches the online, better reputed and cheaper one comes first', async () => {
    const twin = (name: string, base: bigint) =>
      card('echo', {
        did: `did:key:${name}`,
        description: 'Echoes text',
        price: { base, perMgas: 0n, perPage: 0n },
      });
    const index = await indexOf([twin('a', 10n), twin('b', 10n)]);
    const first = async (signals: Signals) =>
      (await ask(index, { text: 'echo text' }, signals)).results[0]?.did;
    const signal = { online: false, score: 0.5, tasks: 5 };
    for (const did of ['did:key:a', 'did:key:b']) {
      expect(await first((who) => ({ ...signal, online: who === did }))).toBe(did);
      expect(await first((who) => ({ ...signal, score: who === did ? 0.6 : 0.5 }))).toBe(did);
      expect(await first((who) => ({ ...signal, rankedLast: who !== did }))).toBe(did);
    }
    await index.upsert(twin('b', 9n));
    expect(await first(() => signal)).toBe('did:key:b');
  });

  test('pages of one revision hold every card once', async () => {
    const cards = Array.from({ length: 37 }, (_, i) =>
      card(`echo-${i}`, { description: 'echo text back' }),
    );
    const index = await indexOf(cards);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const answer = await ask(index, {
        text: 'echo',
        k: 10,
        ...(cursor === undefined ? {} : { cursor }),
      });
      seen.push(...agents(answer));
      cursor = answer.next;
    } while (cursor !== undefined);
    expect(new Set(seen).size).toBe(37);
    expect(seen.length).toBe(37);
  });

  test('a cursor of another revision, query or hand is refused', async () => {
    const index = await indexOf(three);
    const { next } = await ask(index, { text: 'small markdown puzzle', k: 1 });
    const again = (text: string, cursor: string | undefined) =>
      index.search({ text, k: 1, now: NOW, ...(cursor === undefined ? {} : { cursor }) });
    expect(await again('other', next)).toMatchObject({ code: 'cursor-invalid' });
    expect(await again('small markdown puzzle', 'x')).toMatchObject({ code: 'cursor-invalid' });
    await index.remove(sudoku.key);
    expect(await again('small markdown puzzle', next)).toMatchObject({ code: 'cursor-stale' });
  });
});

describe('any history of writes answers as a fresh index does', () => {
  const words = ['render', 'markdown', 'html', 'image', 'resize', 'solve', 'puzzle', 'hash'];
  const text = fc
    .array(fc.constantFrom(...words), { minLength: 1, maxLength: 6 })
    .map((w) => w.join(' '));
  const write = fc.record({ agent: fc.integer({ min: 0, max: 8 }), text: fc.option(text) });

  async function sameAnswers(
    writes: { agent: number; text: string | null }[],
    query: string,
    shardCards: number,
  ) {
    const index = await indexOf([], shardCards);
    const model = new Map<string, CardDocument>();
    for (const { agent, text: description } of writes) {
      const document = card(`a${agent}`, { description: description ?? '' });
      if (description === null) {
        await index.remove(document.key);
        model.delete(document.key);
      } else {
        await index.upsert(document);
        model.set(document.key, document);
      }
    }
    const fresh = await indexOf([...model.values()]);
    const results = async (which: CardIndex) =>
      (await ask(which, { text: query, k: 20 })).results.map(({ agent, score }) => [
        agent,
        score.toFixed(9),
      ]);
    expect(await results(index)).toEqual(await results(fresh));
  }

  test('in one shard', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(write, { maxLength: 40 }), text, (writes, query) =>
        sameAnswers(writes, query, 100_000),
      ),
    );
  });

  test('in many shards, which answer as one', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(write, { maxLength: 40 }), text, (writes, query) =>
        sameAnswers(writes, query, 3),
      ),
    );
  });
});

describe('bad queries', () => {
  test('get a code and the field', async () => {
    const index = await indexOf(three);
    const refused = (query: Partial<SearchQuery>) =>
      index.search({ text: 'x', now: NOW, ...query });
    expect(await refused({ text: '' })).toEqual({ ok: false, code: 'query-empty', field: 'text' });
    expect(await refused({ text: ' \t\u0000\u202e🎉' })).toMatchObject({ code: 'query-empty' });
    expect(await refused({ text: 'x'.repeat(1_000_000) })).toMatchObject({
      code: 'query-too-long',
    });
    expect(await refused({ k: 0 })).toMatchObject({ code: 'k-out-of-range' });
    expect(await refused({ k: 1_000_000 })).toMatchObject({ code: 'k-out-of-range' });
    expect(await refused({ k: 1.5 })).toMatchObject({ code: 'k-out-of-range' });
    expect(await refused({ filters: { tags: ['  '] } })).toMatchObject({
      code: 'filter-invalid',
      field: 'filters.tags',
    });
    expect(await refused({ filters: { minReputation: Number.NaN } })).toMatchObject({
      code: 'filter-invalid',
    });
    expect(await refused({ filters: { priceMax: -1n } })).toMatchObject({ code: 'filter-invalid' });
    const unknown: object = { colour: 'red' };
    expect(await refused({ filters: unknown })).toMatchObject({
      code: 'filter-unknown',
      field: 'filters.colour',
    });
    expect(await refused({ weights: { vector: 2 } })).toMatchObject({ code: 'weight-invalid' });
  });

  test('odd but honest texts are answered', async () => {
    const index = await indexOf([...three, card('rtl', { description: 'ترجمة النص' })]);
    expect(agents(await ask(index, { text: '\u202eترجمة\u202c 🎉' }))[0]).toBe('rtl');
    expect(agents(await ask(index, { text: 'mark\ud800 markdown \u0007' }))[0]).toBe('markdown');
    expect(agents(await ask(index, { text: 'the of and' })).length).toBeGreaterThanOrEqual(0);
  });

  test('an empty index and words nobody has give an empty answer that says so', async () => {
    expect(await ask(await indexOf([]), { text: 'anything' })).toMatchObject({
      results: [],
      empty: 'nothing-passes',
    });
  });

  test('a hostile card is indexed within limits', async () => {
    const tags = Array.from({ length: 10_000 }, (_, i) => `tag-${i}`);
    const huge = card('huge', {
      description: 'w '.repeat(500_000),
      tags,
      skills: tags.map((id) => ({ id, name: id.repeat(100) })),
    });
    const index = await indexOf([huge, card('__proto__', { description: 'constructor toString' })]);
    expect(index.size).toBe(2);
    expect(agents(await ask(index, { text: 'constructor' }))[0]).toBe('__proto__');
  });
});
