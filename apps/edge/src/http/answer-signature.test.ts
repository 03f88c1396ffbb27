import {
  type AnsweredRequest,
  acceptSignature,
  contentDigest,
  createVerifier,
  networkAnswerSchema,
  utf8,
  verifyAnswer,
} from '@zerostate/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEdgeWorld, type EdgeWorld, ORIGIN } from '../../test-support/world.ts';

let world: EdgeWorld;
let ledger: string;
beforeAll(async () => {
  world = await createEdgeWorld();
  const network = await world.app.fetch(new Request(`${ORIGIN}/v1/network`), {});
  ledger = networkAnswerSchema.parse(await network.json()).genesis.ledger;
});
afterAll(() => world.close());

const verifier = createVerifier();
const nonce = 'A'.repeat(22);

/** What a caller behind a gateway sees, and whether the ledger says it. */
async function ask(
  path: string,
  init: { body?: string; digestOf?: string; headers?: object } = {},
) {
  const { body, digestOf = body } = init;
  const digest = digestOf === undefined ? undefined : contentDigest(utf8(digestOf));
  const request: AnsweredRequest = {
    method: body === undefined ? 'GET' : 'POST',
    path,
    digest,
    nonce,
  };
  const response = await world.app.fetch(
    new Request(ORIGIN + path, {
      method: request.method,
      headers: {
        'accept-signature': acceptSignature(request),
        'content-type': 'application/json',
        ...(digest === undefined ? {} : { 'content-digest': digest }),
        ...init.headers,
      },
      ...(body === undefined ? {} : { body }),
    }),
    {},
  );
  const bytes = new Uint8Array(await response.arrayBuffer());
  const { status } = response;
  const header = (name: string) => response.headers.get(name);
  const verified = await verifyAnswer(
    { request, status, body: bytes, header, by: ledger },
    verifier,
  );
  return { status, verified, text: new TextDecoder().decode(bytes) };
}

test('what the edge says is signed by its ledger for whoever asks: answers and problems', async () => {
  for (const [path, status] of [
    ['/v1/network', 200],
    ['/v1/ledger/conservation?x=%20', 200],
    [`/v1/channels/${'A'.repeat(43)}?wait=0`, 404],
    ['/v1/nothing', 404],
  ] as const) {
    const answer = await ask(path);
    expect(answer, path).toMatchObject({ status, verified: { ok: true } });
  }
  const found = await ask('/v1/search', { body: '{"text":"hash"}' });
  expect(found).toMatchObject({ status: 200, verified: { ok: true } });
});

test('an answer is not signed for another body than the one that came', async () => {
  const swapped = await ask('/v1/search', { body: '{"text":"hash"}', digestOf: '{"text":"x"}' });
  expect(swapped.status).toBe(401);
  expect(swapped.text).toContain('content-digest-wrong');
});

test('nothing is signed for who does not ask, or asks in other words', async () => {
  const plain = await world.app.fetch(new Request(`${ORIGIN}/v1/network`), {});
  expect(plain.headers.get('signature')).toBeNull();
  const odd = await ask('/v1/network', { headers: { 'accept-signature': 'zs=("@status")' } });
  expect(odd).toMatchObject({ status: 200, verified: { code: 'signature-missing' } });
});
