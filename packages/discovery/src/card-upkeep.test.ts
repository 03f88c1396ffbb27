import { describe, expect, test } from 'vitest';
import { card } from './card-fixture.ts';
import { CardIndex } from './card-index.ts';
import { ngramHash384 } from './embed/ngram-hash.ts';
import type { CardDocument } from './index/document.ts';

const markdown = card('markdown', {
  description: 'Renders Markdown documents as HTML pages',
  skills: [{ id: 'md-html', name: 'Markdown to HTML', tags: ['convert'] }],
});
const sudoku = card('sudoku', { did: 'did:key:z6MkBob', description: 'Solves', tags: ['games'] });
const thumbnail = card('thumbnail', { description: 'Makes a small PNG of an image' });

async function indexOf(cards: readonly CardDocument[], shardCards = 100): Promise<CardIndex> {
  const index = new CardIndex({ embedder: ngramHash384, shardCards });
  await index.upsertAll(cards);
  return index;
}

async function found(index: CardIndex, text: string, now: number): Promise<string[]> {
  const answer = await index.search({ text, now });
  return answer.ok ? answer.results.map(({ agent }) => agent) : [answer.code];
}

describe('a card that is only renewed', () => {
  test('lives on in its slot, until its new end', async () => {
    const index = await indexOf([markdown, sudoku]);
    await index.upsert({ ...markdown, expiresAt: 2_000_000 });
    expect([index.size, index.spent]).toEqual([2, 0]);
    expect(await found(index, 'markdown', 1_500_000)).toEqual(['markdown']);
  });

  test('takes another slot when its words changed', async () => {
    const index = await indexOf([markdown]);
    await index.upsert({ ...markdown, cardSha256: 'another', description: 'Plays chess' });
    expect([index.size, index.spent]).toEqual([1, 1]);
    expect(await found(index, 'chess', 0)).toEqual(['markdown']);
  });
});

test('expired cards are taken out and the others stay', async () => {
  const index = await indexOf([markdown, { ...sudoku, expiresAt: 10 }]);
  await index.dropExpired(10);
  expect([index.size, index.spent]).toEqual([1, 1]);
  expect(await found(index, 'markdown sudoku', 5)).toEqual(['markdown']);
});

test('facets count the live cards once each, over all shards', async () => {
  const cards = [markdown, { ...sudoku, expiresAt: 10 }, thumbnail];
  const one = (await indexOf(cards)).facets(50, 10);
  expect(one).toEqual((await indexOf(cards, 1)).facets(50, 10));
  expect(one.cards).toBe(2);
  expect(one.skills).toEqual([{ value: 'md-html', count: 1 }]);
  expect(one.tags.map(({ value }) => value)).not.toContain('games');
  expect(one.prices.reduce((sum, { count }) => sum + count, 0)).toBe(2);
});
