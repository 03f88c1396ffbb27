/** Finding cards over HTTP: filters, facets, pages, tags, history, rates. */
import {
  cardAnswerSchema,
  cardFacetsAnswerSchema,
  cardHistoryAnswerSchema,
  type SearchRequest,
  searchAnswerSchema,
} from '@zerostate/shared';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type CardChange, makePublication } from '../../test-support/documents.ts';
import { linkNode } from '../../test-support/linked-node.ts';
import { createEdgeWorld, type EdgeWorld } from '../../test-support/world.ts';

let world: EdgeWorld;
beforeEach(async () => {
  world = await createEdgeWorld();
});
afterEach(() => world.close());

type Change = CardChange & { agent?: string; seq?: string; revoked?: 'true' };

async function publish(signer: EdgeWorld['alice'], change: Change = {}): Promise<Response> {
  const json = await makePublication(world.network, signer, { now: world.now(), ...change });
  return world.call('POST', '/v1/cards', { json });
}

/** Past the second in which the index need not look. */
async function seen(): Promise<void> {
  await world.pass(2_000);
}

function ask(json: SearchRequest, headers: Record<string, string> = {}): Promise<Response> {
  return world.call('POST', '/v1/search', { json, headers });
}

async function search(json: SearchRequest) {
  const response = await ask(json);
  expect(response.status).toBe(200);
  return searchAnswerSchema.parse(await response.json());
}

const agentsOf = ({ results }: { results: { agent: string }[] }) =>
  results.map(({ agent }) => agent).sort((a, b) => a.localeCompare(b));

async function threeAgents(): Promise<void> {
  await world.fund(world.bob);
  await publish(world.bob, { agent: 'one', tags: ['png'], regions: ['eu'], base: '0' });
  await publish(world.bob, { agent: 'two', tags: ['png', 'jpeg'], regions: ['us'], base: '90' });
  await publish(world.bob, { agent: 'three', tags: ['gif'], regions: ['ap', 'us'], base: '5000' });
  await seen();
}

describe('a filter', () => {
  beforeEach(threeAgents);

  test.each<[string, NonNullable<SearchRequest['filters']>, string[]]>([
    ['of one region', { regions: ['eu'] }, ['one']],
    ['of several regions takes cards of any', { regions: ['EU', 'ap'] }, ['one', 'three']],
    ['of several tags takes cards with all', { tags: ['png', 'jpeg'] }, ['two']],
    ['of a price takes what a reference run costs', { price_max: '206' }, ['one', 'two']],
    ['of a skill', { skills: ['thumbnail'] }, ['one', 'three', 'two']],
    ['of who is online', { online: true }, []],
    ['of a reputation', { reputation_min: 0.6 }, []],
  ])('%s', async (_, filters, agents) => {
    expect(agentsOf(await search({ text: 'picture', filters }))).toEqual(agents);
  });

  test('that contradicts another gives an empty answer that says so, and explains it', async () => {
    const filters = { regions: ['eu'], tags: ['gif'] };
    const answer = await search({ text: 'picture', filters, explain: true });
    expect(answer).toMatchObject({ results: [], total: 0, empty: 'nothing-passes' });
    const reasons = answer.left_out?.map(({ agent, reason }) => `${agent} ${reason}`).sort();
    expect(reasons).toEqual(['one tags', 'three regions', 'two tags']);
  });

  test('fits every card and no word does: the answer says that instead', async () => {
    const answer = await search({ text: 'qqqq zzzz', weights: { vector: 0 } });
    expect(answer).toMatchObject({ results: [], total: 3, empty: 'nothing-matches' });
  });
});

test('facets count live cards by skill, tag, region and price', async () => {
  await threeAgents();
  await publish(world.bob, { agent: 'three', seq: '2', revoked: 'true' });
  await seen();
  const response = await world.call('GET', '/v1/cards/facets');
  const facets = cardFacetsAnswerSchema.parse(await response.json());
  expect(facets).toEqual({
    rev: 4,
    cards: 2,
    skills: [{ value: 'thumbnail', count: 2 }],
    tags: [
      { value: 'png', count: 2 },
      { value: 'jpeg', count: 1 },
    ],
    regions: [
      { value: 'eu', count: 1 },
      { value: 'us', count: 1 },
    ],
    prices: [{ from: '100', below: '1000', count: 2 }],
  });
  const etag = response.headers.get('etag') ?? '';
  const again = await world.call('GET', '/v1/cards/facets', { headers: { 'if-none-match': etag } });
  expect(again.status).toBe(304);
});

describe('pages', () => {
  beforeEach(async () => {
    await world.fund(world.bob);
    for (let i = 0; i < 7; i++) await publish(world.bob, { agent: `a${i}` });
    await seen();
  });

  test('of one rev hold every card once, in one order', async () => {
    const whole = await search({ text: 'picture', k: 50 });
    const paged: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await search({ text: 'picture', k: 2, ...(cursor ? { cursor } : {}) });
      paged.push(...page.results.map(({ agent }) => agent));
      cursor = page.next;
    } while (cursor !== undefined);
    expect(paged).toEqual(whole.results.map(({ agent }) => agent));
  });

  test('end with a clear code when the index has moved on', async () => {
    const { next } = await search({ text: 'picture', k: 2 });
    await publish(world.bob, { agent: 'newer' });
    await seen();
    const stale = await ask({ text: 'picture', k: 2, cursor: next ?? '' });
    expect([stale.status, (await stale.json()).code]).toEqual([410, 'cursor-stale']);
    const other = await ask({ text: 'another', k: 2, cursor: next ?? '' });
    expect([other.status, (await other.json()).code]).toEqual([400, 'cursor-invalid']);
  });
});

describe('an answer', () => {
  test('is not sent again while it is the same, and is when anything in it changed', async () => {
    await world.fund(world.bob);
    await publish(world.bob, { agent: 'one' });
    await seen();
    const first = await ask({ text: 'picture' });
    expect(first.headers.get('cache-control')).toBe('private, max-age=0, must-revalidate');
    const etag = first.headers.get('etag') ?? '';
    const asked = { 'if-none-match': etag };
    expect((await ask({ text: 'picture' }, asked)).status).toBe(304);
    expect((await ask({ text: 'large pictures' }, asked)).status).toBe(200);
    // No rev says so, but the card has expired: a cache must not keep it.
    await world.pass(3_600_000);
    const later = await ask({ text: 'picture' }, asked);
    expect(later.status).toBe(200);
    expect(searchAnswerSchema.parse(await later.json()).results).toEqual([]);
  });

  test('says which tiers ranked it', async () => {
    await publish(world.bob);
    expect(await search({ text: 'picture' })).toMatchObject({
      embedder: 'ngram-hash-384',
      semantic: false,
    });
  });
});

describe('the history of a DID', () => {
  const history = async (query = '') => {
    const did = encodeURIComponent(world.bob.did);
    const response = await world.call('GET', `/v1/cards/history?did=${did}${query}`);
    return cardHistoryAnswerSchema.parse(await response.json());
  };

  test('has every record it published, newest first, by pages and by agent', async () => {
    await world.fund(world.bob);
    await publish(world.bob, { agent: 'one' });
    await publish(world.bob, { agent: 'two' });
    await publish(world.bob, { agent: 'one', seq: '2', revoked: 'true' });
    const named = ({ records }: Awaited<ReturnType<typeof history>>) =>
      records.map(({ agent, seq, revoked }) => `${agent} ${seq}${revoked ? ' revoked' : ''}`);
    expect(named(await history())).toEqual(['one 2 revoked', 'two 1', 'one 1']);
    expect(named(await history('&agent=two'))).toEqual(['two 1']);
    const first = await history('&limit=2');
    expect(named(await history(`&limit=2&cursor=${first.next}`))).toEqual(['one 1']);
    expect(first.records[0]?.record.body).toMatchObject({ did: world.bob.did, revoked: 'true' });
  });

  test('shows two records of one seq, both signed, and the card says how many', async () => {
    await publish(world.bob);
    expect((await publish(world.bob, { name: 'Another story' })).status).toBe(409);
    const { equivocations } = await history();
    expect(equivocations).toHaveLength(1);
    const [{ record, other, seq } = { record: null, other: null, seq: '' }] = equivocations;
    expect(seq).toBe('1');
    expect(record?.sigs[0]?.by ?? record?.sigs[0]).toBeDefined();
    expect(record?.body).not.toEqual(other?.body);
    const path = `/v1/agents/${encodeURIComponent(world.bob.did)}/thumbnails`;
    const card = cardAnswerSchema.parse(await (await world.call('GET', path)).json());
    expect(card.equivocations).toBe(1);
  });

  test('keeps the newest 64 records of an agent', async () => {
    await world.fund(world.bob);
    for (let seq = 1; seq <= 66; seq++) await publish(world.bob, { seq: String(seq) });
    const { records } = await history('&limit=100');
    expect([records.length, records[0]?.seq, records.at(-1)?.seq]).toEqual([64, '66', '3']);
  });
});

test('one DID that publishes too often is told to wait, and others are not', async () => {
  const rates = {
    address: { perSecond: 1_000, burst: 1_000 },
    did: { perSecond: 1, burst: 2 },
    link: { perSecond: 1, burst: 1 },
  };
  await world.close();
  world = await createEdgeWorld({ rates });
  await world.fund(world.bob);
  const answers: number[] = [];
  for (const seq of ['1', '2', '3']) answers.push((await publish(world.bob, { seq })).status);
  expect(answers).toEqual([201, 201, 429]);
  const limited = await publish(world.bob, { seq: '4' });
  expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await publish(world.alice)).status).toBe(201);
});

test('an answer says how much work waits and runs where an executor is linked', async () => {
  await threeAgents();
  const { load } = (await search({ text: 'png' })).results[0] ?? {};
  expect(load).toBeUndefined();
  const bob = await linkNode(world, world.bob);
  await seen();
  expect((await search({ text: 'png' })).results[0]).toMatchObject({ online: true });
  await bob.say('presence', { queue: 3, running: 2, capacity: 2 });
  await world.hub.save();
  await seen();
  const [told] = (await search({ text: 'png' })).results;
  expect(told?.load).toEqual({ queue: 3, running: 2, capacity: 2 });
  await bob.drop();
  await seen();
  expect((await search({ text: 'png' })).results[0]?.load).toBeUndefined();
});
