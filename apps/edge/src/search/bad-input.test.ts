/** What strangers send: a clear code, bounded work, nothing stored (issue 5, Bad input). */
import { searchAnswerSchema, utf8 } from '@zerostate/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCard, makePublication, makeRecord } from '../../test-support/documents.ts';
import { createEdgeWorld, type EdgeWorld } from '../../test-support/world.ts';

let world: EdgeWorld;
beforeAll(async () => {
  world = await createEdgeWorld();
  await world.fund(world.bob);
  const json = await makePublication(world.network, world.bob, { now: world.now(), seq: '5' });
  expect((await world.call('POST', '/v1/cards', { json })).status).toBe(201);
});
afterAll(() => world.close());

async function codeOf(response: Response): Promise<string> {
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  return String((await response.json()).code);
}

describe('a query', () => {
  const jsonType = { 'content-type': 'application/json' };
  const raw = (bytes: Uint8Array<ArrayBuffer>) =>
    world.call('POST', '/v1/search', { bytes, headers: jsonType });
  const ask = (json: unknown) => raw(utf8(JSON.stringify(json)));

  test.each<[string, unknown, number, string]>([
    ['that is empty', { text: '' }, 400, 'query-empty'],
    ['that is blank', { text: ' \t\n　​' }, 400, 'query-empty'],
    ['of punctuation alone', { text: '?!… — 。' }, 400, 'query-empty'],
    ['of a megabyte', { text: 'a '.repeat(500_000) }, 413, 'body-too-large'],
    ['longer than a query may be', { text: 'a'.repeat(2_049) }, 400, 'invalid-request'],
    ['with k of 0', { text: 'a', k: 0 }, 400, 'invalid-request'],
    ['with k of a million', { text: 'a', k: 1_000_000 }, 400, 'invalid-request'],
    ['with k of a half', { text: 'a', k: 1.5 }, 400, 'invalid-request'],
    ['with an unknown filter', { text: 'a', filters: { colour: 'red' } }, 400, 'invalid-request'],
    ['with a filter of nothing', { text: 'a', filters: { tags: [' '] } }, 400, 'filter-invalid'],
    [
      'with ten thousand tags',
      { text: 'a', filters: { tags: Array.from({ length: 10_000 }, (_, i) => `t${i}`) } },
      400,
      'invalid-request',
    ],
    ['with a weight of two', { text: 'a', weights: { price: 2 } }, 400, 'invalid-request'],
    ['with a negative price', { text: 'a', filters: { price_max: '-1' } }, 400, 'invalid-request'],
    ['with a cursor of nobody', { text: 'a', cursor: '\u0000' }, 400, 'cursor-invalid'],
    ['with a cursor of another rev', { text: 'picture', cursor: 'STALE' }, 410, 'cursor-stale'],
  ])('%s', async (_, json, status, code) => {
    const sent = JSON.stringify(json).includes('STALE')
      ? { text: 'picture', cursor: await staleCursor() }
      : json;
    const response = await ask(sent);
    expect([response.status, await codeOf(response)]).toEqual([status, code]);
  });

  async function staleCursor(): Promise<string> {
    await world.fund(world.alice);
    for (const agent of ['one', 'two']) await publish(world.alice, agent);
    await world.pass(2_000);
    const page = await world.call('POST', '/v1/search', { json: { text: 'picture', k: 1 } });
    const { next } = searchAnswerSchema.parse(await page.json());
    await publish(world.alice, 'three');
    await world.pass(2_000);
    return next ?? '';
  }

  async function publish(signer: EdgeWorld['alice'], agent: string): Promise<void> {
    const json = await makePublication(world.network, signer, { now: world.now(), agent });
    expect((await world.call('POST', '/v1/cards', { json })).status).toBe(201);
  }

  test('that is not UTF-8', async () => {
    const response = await raw(new Uint8Array([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x7d]));
    expect([response.status, await codeOf(response)]).toEqual([400, 'utf8-invalid']);
  });

  test.each([
    ['of control characters', 'thumbnail\u0000\u0007\u001b[31m of a picture'],
    ['written right to left', 'תמונה קטנה ‮thumbnail‬ صورة'],
    ['of emoji', '🖼️ thumbnail 👩‍👩‍👧‍👦🏳️‍🌈'],
    ['of a thousand combining marks', `thumbnail e${'\u0301'.repeat(1_000)}`],
    ['of two scripts', 'ᴛʜᴜᴍʙɴᴀɪʟ thumbnail サムネイル'],
  ])('%s is answered', async (_, text) => {
    const response = await ask({ text });
    expect(response.status).toBe(200);
    const { results } = searchAnswerSchema.parse(await response.json());
    expect(results.map(({ agent }) => agent)).toContain('thumbnails');
  });
});

describe('a card', () => {
  /** Everything that publishing could have written. */
  async function stored(): Promise<unknown> {
    const tables = ['card', 'card_rev', 'card_module', 'card_history', 'card_equivocation'];
    return world.directory.readMany(
      tables.map((table) => ({ sql: `SELECT * FROM ${table}`, args: [] })),
    );
  }

  type Wrong = () => Promise<{ card: Record<string, unknown>; record: unknown }>;
  const bob = (change: object = {}) =>
    makePublication(world.network, world.bob, { now: world.now(), seq: '6', ...change });
  const tags = (count: number) => Array.from({ length: count }, (_, i) => `tag-${i}`);
  const signed = async (card: Record<string, unknown>) => ({
    card,
    record: await makeRecord(world.network, world.bob, card, { now: world.now(), seq: '6' }),
  });

  test.each<[string, Wrong, number, string, string?]>([
    ['of a megabyte', () => bob({ description: 'x'.repeat(1_048_576) }), 413, 'body-too-large'],
    [
      'with too long a description',
      () => bob({ description: 'x'.repeat(8_193) }),
      422,
      'card-invalid',
      'description',
    ],
    [
      'with ten thousand tags',
      () => bob({ tags: tags(10_000) }),
      422,
      'card-invalid',
      'skills.0.tags',
    ],
    [
      'with a control character in its name',
      () => bob({ name: 'Thumb\u0000nails' }),
      422,
      'card-invalid',
      'name',
    ],
    [
      'with a price that is none',
      () => bob({ base: '-1' }),
      422,
      'card-invalid',
      'params.price.base',
    ],
    [
      'with a price of a float',
      () => bob({ base: '0.5' }),
      422,
      'card-invalid',
      'params.price.base',
    ],
    [
      'signed by another key',
      async () => signed(await makeCard(world.alice)),
      422,
      'card-signature-key',
    ],
    [
      'changed after it was signed',
      async () => signed({ ...(await makeCard(world.bob)), name: 'Other' }),
      422,
      'card-signature-invalid',
    ],
    [
      'under the name of another DID',
      async () => {
        const card = await makeCard(world.bob);
        const about = { now: world.now(), did: world.bob.did, seq: '6' };
        return { card, record: await makeRecord(world.network, world.alice, card, about) };
      },
      403,
      'signer-missing',
    ],
    ['replayed although a newer one is there', () => bob({ seq: '4' }), 409, 'card-stale'],
    ['from the future', () => bob({ now: world.now() + 61_000 }), 422, 'record-from-future'],
    ['that has expired', () => bob({ now: world.now() - 7_200_000 }), 422, 'record-expired'],
  ])('%s is refused and nothing is stored', async (_, make, status, code, field) => {
    const before = await stored();
    const json = await make();
    const response = await world.call('POST', '/v1/cards', { json });
    const problem = await response.clone().json();
    expect([response.status, await codeOf(response)]).toEqual([status, code]);
    if (field !== undefined) expect(problem.detail).toBe(field);
    expect(await stored()).toEqual(before);
  });

  test.each([
    ['right to left', 'מקטין תמונות ‮gnp‬ تصغير'],
    ['with emoji', '🖼️ Makes thumbnails 👩‍👩‍👧‍👦'],
  ])('written %s is published and found as it was written', async (_, description) => {
    const agent = `a${description.length}`;
    const json = await makePublication(world.network, world.bob, {
      now: world.now(),
      agent,
      description,
    });
    expect((await world.call('POST', '/v1/cards', { json })).status).toBe(201);
    await world.pass(2_000);
    const answer = await world.call('POST', '/v1/search', { json: { text: description, k: 50 } });
    const { results } = searchAnswerSchema.parse(await answer.json());
    expect(results.find((result) => result.agent === agent)?.description).toBe(description);
  });
});
