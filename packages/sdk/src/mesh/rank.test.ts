import type { VerifiedCard } from '@zerostate/mesh';
import type { SearchRequest } from '@zerostate/shared';
import { describe, expect, test } from 'vitest';
import { capabilitiesAsked, rankCards } from './rank.ts';

type Shape = { agent: string; name?: string; description?: string; tags?: string[]; base?: string };

/** The parts of a verified card that ranking looks at. */
function card({
  agent,
  name = agent,
  description = '',
  tags = [],
  base = '10',
}: Shape): VerifiedCard {
  const skills = [{ id: `${agent}-skill`, name: agent, description: '', tags }];
  const price = { base, per_mgas: '1', per_page: '1' };
  const params = { price, regions: ['eu'] };
  const body = { did: 'did:key:z6Mk', agent, revoked: 'false', card_sha256: agent };
  // Checked border: a card for this test alone.
  return { body, card: { name, description, skills }, params } as unknown as VerifiedCard;
}

const offline = { isOnline: () => false, loadOf: () => null };

function names(cards: VerifiedCard[], request: SearchRequest, presence = offline): string[] {
  return rankCards(cards, request, presence).map(({ agent }) => agent);
}

describe('without an index', () => {
  test('words in names, skills and tags count more than in descriptions, others leave out', () => {
    const cards = [
      card({ agent: 'told', description: 'It renders markdown to html' }),
      card({ agent: 'named', tags: ['markdown', 'html'] }),
      card({ agent: 'other', description: 'Sorts a list' }),
    ];
    const found = rankCards(cards, { text: 'render Markdown to HTML' }, offline);
    expect(found.map(({ agent, score }) => [agent, Math.round(score * 100)])).toEqual([
      ['named', 67],
      ['told', 50],
    ]);
  });

  test('among equals who is on line comes first, then the cheaper, then the name', () => {
    const equal = (agent: string, base: string) => card({ agent, name: 'x', tags: ['hash'], base });
    const cards = [equal('c', '10'), equal('b', '10'), equal('a', '90')];
    expect(names(cards, { text: 'hash' })).toEqual(['b', 'c', 'a']);
    const isOnline = (did: string) => did === 'did:key:z6Mk';
    expect(names(cards, { text: 'hash', filters: { online: true } })).toEqual([]);
    const online = { isOnline, loadOf: () => ({ queue: 1, running: 2, capacity: 3 }) };
    const [best] = rankCards(cards, { text: 'hash', filters: { online: true } }, online);
    expect(best).toMatchObject({ agent: 'b', online: true, load: { queue: 1 } });
  });

  test('filters hold, and the price is that of a whole reference run', () => {
    const cards = [
      card({ agent: 'a', tags: ['hash', 'fast'] }),
      card({ agent: 'b', tags: ['hash'] }),
    ];
    expect(names(cards, { text: '', filters: { tags: ['hash', 'fast'] } })).toEqual(['a']);
    expect(names(cards, { text: '', filters: { skills: ['b-skill'] } })).toEqual(['b']);
    expect(names(cards, { text: '', filters: { regions: ['us'] } })).toEqual([]);
    // 10 + 10 Mgas at 1 + 16 pages at 1.
    expect(names(cards, { text: '', filters: { price_max: '35' } })).toEqual([]);
    expect(names(cards, { text: '', filters: { price_max: '36' } })).toEqual(['a', 'b']);
  });
});

test('what is looked up is what capabilities are called: filters first, no small words', () => {
  const hash = 'A'.repeat(43);
  const asked = capabilitiesAsked(
    { text: `SHA-256 of a file ${hash}`, filters: { tags: ['digest'] } },
    8,
  );
  expect(asked).toEqual([
    'digest',
    `module:${hash}`,
    'sha-256',
    'sha',
    '256',
    'file',
    'a'.repeat(43),
  ]);
  expect(capabilitiesAsked({ text: 'one two three four' }, 2)).toHaveLength(2);
});
