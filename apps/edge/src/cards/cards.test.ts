import { cardAnswerSchema, cardListAnswerSchema, searchAnswerSchema } from '@zerostate/shared';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeCard, makePublication, makeRecord } from '../../test-support/documents.ts';
import { createEdgeWorld, type EdgeWorld } from '../../test-support/world.ts';

let world: EdgeWorld;
beforeEach(async () => {
  world = await createEdgeWorld();
});
afterEach(() => world.close());

type Change = Partial<Parameters<typeof makePublication>[2]>;

async function publish(signer: EdgeWorld['alice'], change: Change = {}) {
  const json = await makePublication(world.network, signer, { now: world.now(), ...change });
  return world.call('POST', '/v1/cards', { json });
}

async function codeOf(response: Response): Promise<string> {
  const problem: unknown = await response.json();
  const isProblem = typeof problem === 'object' && problem !== null && 'code' in problem;
  return isProblem ? String(problem.code) : `status ${response.status}`;
}

const pathOf = (did: string, agent = 'thumbnails') => `/v1/agents/${did}/${agent}`;

describe('a published card', () => {
  test('is served byte for byte as its record hashes it', async () => {
    await world.fund(world.bob);
    const published = await publish(world.bob);
    expect(published.status).toBe(201);
    const answer = cardAnswerSchema.parse(await published.json());
    const response = await world.call('GET', `${pathOf(world.bob.did)}/card.json`);
    const { digestSha256, utf8 } = await import('@zerostate/shared');
    expect(await digestSha256(utf8(await response.text()))).toBe(answer.card_sha256);
  });

  test('is answered as unchanged to whoever has it', async () => {
    await publish(world.bob);
    const path = `${pathOf(world.bob.did)}/card.json`;
    const etag = (await world.call('GET', path)).headers.get('etag') ?? '';
    const again = await world.call('GET', path, { headers: { 'if-none-match': etag } });
    expect(again.status).toBe(304);
    expect(again.headers.get('etag')).toBe(etag);
  });

  test('gives way to a higher seq and never comes back', async () => {
    await world.fund(world.bob);
    const first = await makePublication(world.network, world.bob, { now: world.now() });
    await world.call('POST', '/v1/cards', { json: first });
    expect((await publish(world.bob, { seq: '2', name: 'Newer' })).status).toBe(201);
    const back = await world.call('POST', '/v1/cards', { json: first });
    expect([back.status, await codeOf(back)]).toEqual([409, 'card-stale']);
    const now = cardAnswerSchema.parse(
      await (await world.call('GET', pathOf(world.bob.did))).json(),
    );
    expect([now.seq, now.name]).toEqual(['2', 'Newer']);
  });

  test('published again changes nothing', async () => {
    const json = await makePublication(world.network, world.bob, { now: world.now() });
    const first = cardAnswerSchema.parse(
      await (await world.call('POST', '/v1/cards', { json })).json(),
    );
    const again = await world.call('POST', '/v1/cards', { json });
    expect([again.status, cardAnswerSchema.parse(await again.json()).rev]).toEqual([
      200,
      first.rev,
    ]);
  });

  test('is gone when it is revoked or expired', async () => {
    await world.fund(world.bob);
    await publish(world.bob, { agent: 'one' });
    await publish(world.bob, { agent: 'two' });
    await publish(world.bob, { agent: 'one', seq: '2', revoked: 'true' });
    expect((await world.call('GET', pathOf(world.bob.did, 'one'))).status).toBe(404);
    expect((await world.call('GET', pathOf(world.bob.did, 'two'))).status).toBe(200);
    await world.pass(3_600_000);
    expect((await world.call('GET', pathOf(world.bob.did, 'two'))).status).toBe(404);
  });
});

test('two records of one seq are refused, and both are kept as evidence', async () => {
  await publish(world.bob);
  const other = await publish(world.bob, { name: 'Another story' });
  expect([other.status, await codeOf(other)]).toEqual([409, 'card-equivocation']);
  const rows = await world.directory.read({
    sql: 'SELECT record, other FROM card_equivocation WHERE did = ?1',
    args: [world.bob.did],
  });
  expect(rows).toHaveLength(1);
  expect(rows[0]?.record).not.toBe(rows[0]?.other);
});

describe('a card is refused', () => {
  test('when somebody else signed its record', async () => {
    const card = await makeCard(world.bob);
    const now = world.now();
    const record = await makeRecord(world.network, world.alice, card, { now, did: world.bob.did });
    const response = await world.call('POST', '/v1/cards', { json: { card, record } });
    expect([response.status, await codeOf(response)]).toEqual([403, 'signer-missing']);
  });

  test('when it was signed for another network', async () => {
    const card = await makeCard(world.bob);
    const record = await makeRecord('zs-aaaaaaaaaaaaaaaa', world.bob, card, { now: world.now() });
    const response = await world.call('POST', '/v1/cards', { json: { card, record } });
    expect([response.status, await codeOf(response)]).toEqual([401, 'signature-invalid']);
  });

  test('when it is not the card that its record names', async () => {
    const { record } = await makePublication(world.network, world.bob, { now: world.now() });
    const card = await makeCard(world.bob, { name: 'Other' });
    const response = await world.call('POST', '/v1/cards', { json: { card, record } });
    expect([response.status, await codeOf(response)]).toEqual([422, 'record-hash']);
  });

  test('when the card itself carries no signature of its DID', async () => {
    const card = await makeCard(world.alice);
    const record = await makeRecord(world.network, world.bob, card, { now: world.now() });
    const response = await world.call('POST', '/v1/cards', { json: { card, record } });
    expect([response.status, await codeOf(response)]).toEqual([422, 'card-signature-key']);
  });

  test.each([
    ['ahead of the clock', 'record-from-future', (now: number) => ({ now: now + 61_000 })],
    ['after its end', 'record-expired', (now: number) => ({ now: now - 3_600_000 })],
    [
      'for longer than a day without money',
      'card-lifetime',
      (now: number) => ({ now, expires_at: String(now + 86_400_001) }),
    ],
  ])('when it is issued %s', async (_, code, change) => {
    const response = await publish(world.bob, change(world.now()));
    expect(await codeOf(response)).toBe(code);
  });

  test('when a DID without money publishes a second one', async () => {
    expect((await publish(world.bob, { agent: 'one' })).status).toBe(201);
    expect(await codeOf(await publish(world.bob, { agent: 'two' }))).toBe('card-limit');
    await world.fund(world.bob);
    expect((await publish(world.bob, { agent: 'two' })).status).toBe(201);
  });
});

test('a list by cursor shows every live card once', async () => {
  for (const signer of [world.alice, world.bob, world.carol]) {
    await world.fund(signer);
    for (const agent of ['one', 'two', 'three']) await publish(signer, { agent });
  }
  const seen: string[] = [];
  let cursor = '';
  do {
    const response = await world.call('GET', `/v1/cards?limit=2${cursor}`);
    const page = cardListAnswerSchema.parse(await response.json());
    seen.push(...page.cards.map(({ did, agent }) => `${did}#${agent}`));
    cursor = page.next === undefined ? '' : `&cursor=${page.next}`;
  } while (cursor !== '');
  expect(seen).toHaveLength(9);
  expect(new Set(seen).size).toBe(9);
  const one = await (await world.call('GET', `/v1/cards?did=${world.bob.did}`)).json();
  expect(cardListAnswerSchema.parse(one).cards).toHaveLength(3);
  expect((await world.call('GET', '/v1/cards?cursor=bm9uc2Vuc2U')).status).toBe(400);
});

describe('search', () => {
  const search = async (json: object) =>
    searchAnswerSchema.parse(await (await world.call('POST', '/v1/search', { json })).json());

  test('finds what fits the words, with its price', async () => {
    await world.fund(world.bob);
    await publish(world.bob);
    await publish(world.bob, { agent: 'sudoku', name: 'Sudoku', description: 'Solves sudokus' });
    const { results, rev, embedder } = await search({ text: 'solve a sudoku puzzle' });
    expect(results[0]).toMatchObject({
      agent: 'sudoku',
      description: 'Solves sudokus',
      online: false,
      price: { base: '1000', per_mgas: '10', per_page: '1' },
    });
    expect([rev, embedder]).toEqual([2, 'ngram-hash-384']);
  });

  test('knows a new card within two seconds and forgets a revoked one', async () => {
    await world.fund(world.bob);
    expect((await search({ text: 'thumbnail' })).results).toEqual([]);
    await publish(world.bob);
    await settle();
    expect((await search({ text: 'thumbnail' })).results).toHaveLength(1);
    await publish(world.bob, { seq: '2', revoked: 'true' });
    await settle();
    expect((await search({ text: 'thumbnail' })).results).toEqual([]);
  });

  test('sees what another worker published, at the latest a second later', async () => {
    await search({ text: 'thumbnail' });
    const other = await makePublication(world.network, world.carol, { now: world.now() });
    const { publishCard } = await import('./publish.ts');
    const { directory, verifier, clock, network } = world.tasks;
    await publishCard({ directory, verifier, clock, network, ledger: world.ledger }, other);
    await world.pass(1_000);
    // On the way of a request, without delaying it: the next one has it.
    await search({ text: 'thumbnail' });
    await settle();
    expect((await search({ text: 'thumbnail' })).results[0]?.did).toBe(world.carol.did);
  });

  test('after a quiet time knows at once what happened meanwhile', async () => {
    await search({ text: 'thumbnail' });
    const other = await makePublication(world.network, world.carol, { now: world.now() + 60_000 });
    await world.pass(60_000);
    const { publishCard } = await import('./publish.ts');
    const { directory, verifier, clock, network } = world.tasks;
    await publishCard({ directory, verifier, clock, network, ledger: world.ledger }, other);
    expect((await search({ text: 'thumbnail' })).results[0]?.did).toBe(world.carol.did);
  });

  test('ranks a DID without money last', async () => {
    await world.fund(world.bob);
    await publish(world.alice);
    await publish(world.bob);
    const { results } = await search({ text: 'thumbnail a png' });
    expect(results.map(({ did }) => did)).toEqual([world.bob.did, world.alice.did]);
  });

  test('says what is wrong with a query', async () => {
    const empty = await world.call('POST', '/v1/search', { json: { text: ' ' } });
    expect([empty.status, await codeOf(empty)]).toEqual([400, 'query-empty']);
    const cursor = await world.call('POST', '/v1/search', { json: { text: 'a', cursor: 'x' } });
    expect([cursor.status, await codeOf(cursor)]).toEqual([400, 'cursor-invalid']);
  });
});

/** Lets work that no answer waits for come to its end. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}
