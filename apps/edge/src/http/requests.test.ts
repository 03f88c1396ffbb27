import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshNonce } from '../../test-support/documents.ts';
import { faultOf, junkRequest, toInit } from '../../test-support/junk.ts';
import { createEdgeWorld, type EdgeWorld, ORIGIN } from '../../test-support/world.ts';

let world: EdgeWorld;
beforeAll(async () => {
  world = await createEdgeWorld();
});
afterAll(() => world.close());

async function codeOf(response: Response): Promise<string> {
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  const problem: unknown = await response.json();
  return typeof problem === 'object' && problem !== null && 'code' in problem
    ? String(problem.code)
    : 'none';
}

describe('a wrong request is answered with a stable code', () => {
  test.each<[string, number, string, RequestInit & { path: string }]>([
    ['no such route', 404, 'not-found', { path: '/v1/nothing' }],
    ['another method', 405, 'method-not-allowed', { path: '/v1/search', method: 'GET' }],
    ['no content type', 415, 'media-type-unsupported', post(new Uint8Array([123, 125]), {})],
    [
      'another content type',
      415,
      'media-type-unsupported',
      post('{}', { 'content-type': 'text/xml' }),
    ],
    ['not JSON', 400, 'json-invalid', post('{')],
    ['not UTF-8', 400, 'utf8-invalid', post(new Uint8Array([0x22, 0xff, 0x22]))],
    ['a member twice', 400, 'json-duplicate-key', post('{"text":"a","text":"b"}')],
    ['__proto__', 400, 'json-forbidden-key', post('{"text":"a","__proto__":{}}')],
    ['a depth bomb', 400, 'json-depth', post('['.repeat(100_000))],
    ['an unknown field', 400, 'invalid-request', post('{"text":"a","x":1}')],
    ['a wrong type', 400, 'invalid-request', post('{"text":1}')],
    [
      'an announced length over the limit',
      413,
      'body-too-large',
      post('{}', json({ 'content-length': '9999999' })),
    ],
    [
      'a length that lies',
      400,
      'body-incomplete',
      post('{"text":"a"}', json({ 'content-length': '3' })),
    ],
    ['a link that is no WebSocket', 426, 'upgrade-required', { path: '/v1/link' }],
    [
      'a compressed body',
      415,
      'media-type-unsupported',
      post('{}', json({ 'content-encoding': 'gzip' })),
    ],
  ])('%s', async (_, status, code, { path, ...init }) => {
    const response = await world.app.fetch(new Request(ORIGIN + path, init), {});
    expect({ status: response.status, code: await codeOf(response) }).toEqual({ status, code });
  });

  test('a body in chunks that does not end is cut at the limit', async () => {
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 65_536;
        controller.enqueue(new Uint8Array(65_536).fill(0x20));
      },
    });
    const init = { method: 'POST', body, duplex: 'half', headers: json() };
    const response = await world.app.fetch(new Request(`${ORIGIN}/v1/search`, init), {});
    expect(response.status).toBe(413);
    expect(sent).toBeLessThan(1_048_576);
  });

  test('it names the field that is wrong, the route and the request', async () => {
    const response = await world.call('POST', '/v1/search', {
      json: { text: 'a', filters: { tags: [7] } },
      headers: { 'x-request-id': 'mine-1' },
    });
    expect(response.headers.get('x-request-id')).toBe('mine-1');
    expect(await response.json()).toMatchObject({
      instance: '/v1/search',
      requestId: 'mine-1',
      errors: [{ pointer: '/filters/tags/0' }],
    });
  });
});

describe('a signed request', () => {
  const path = `/v1/tasks/${'A'.repeat(43)}`;

  test('is needed where the answer is private', async () => {
    const response = await world.call('GET', path);
    expect([response.status, await codeOf(response)]).toEqual([401, 'signature-missing']);
  });

  test('must be made for an origin of this edge', async () => {
    const { app, alice } = world;
    const signed = await world.call('GET', path, { signer: alice });
    expect(signed.status).toBe(404);
    const elsewhere = new Request(`http://other.test${path}`, {
      headers: { signature: 'zs=:AAAA:', 'signature-input': 'zs=()' },
    });
    expect((await app.fetch(elsewhere, {})).status).toBe(401);
  });

  test('is refused when its clock is a minute off', async () => {
    const { alice } = world;
    const signer = { did: alice.did, sign: alice.sign };
    const now = world.now();
    const { signRequest } = await import('@zerostate/shared');
    const headers = await signRequest({
      method: 'GET',
      url: ORIGIN + path,
      now: now - 61_000,
      signer,
    });
    const response = await world.app.fetch(new Request(ORIGIN + path, { headers }), {});
    expect(await codeOf(response)).toBe('signature-expired');
  });
});

describe('rates', () => {
  test('one address has its tokens, another one its own', async () => {
    const rates = {
      address: { perSecond: 1, burst: 3 },
      did: { perSecond: 1, burst: 100 },
      link: { perSecond: 1, burst: 100 },
    };
    const small = await createEdgeWorld({ rates, trustedProxies: ['10.0.0.1'] });
    const get = (address: string, headers: Record<string, string> = {}) =>
      small.call('GET', '/healthz', { address, headers });
    for (let i = 0; i < 3; i++) expect((await get('10.0.0.2')).status).toBe(200);
    const refused = await get('10.0.0.2');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
    expect((await get('10.0.0.3')).status).toBe(200);
    // A stranger's header changes nothing; a trusted proxy's names the client.
    expect((await get('10.0.0.2', { 'x-forwarded-for': '9.9.9.9' })).status).toBe(429);
    expect((await get('10.0.0.1', { 'x-forwarded-for': '10.0.0.2' })).status).toBe(429);
    expect((await get('10.0.0.1', { 'x-forwarded-for': '9.9.9.9' })).status).toBe(200);
    await small.pass(1_000);
    expect((await get('10.0.0.2')).status).toBe(200);
    await small.close();
  });
});

describe('what operators and browsers see', () => {
  test('any origin may call the API', async () => {
    const response = await world.app.fetch(
      new Request(`${ORIGIN}/v1/search`, { method: 'OPTIONS', headers: { origin: 'https://a.b' } }),
      {},
    );
    expect(response.status).toBe(204);
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(response.headers.get('access-control-allow-headers')).toContain('signature-input');
  });

  test('metrics are for loopback and operators', async () => {
    const from = (address: string, signer?: EdgeWorld['alice']) =>
      world.call('GET', '/metrics', { address, ...(signer && { signer }) });
    // The numbers of this test's edge live elsewhere: 404 means that the door was open.
    expect((await from('127.0.0.1')).status).toBe(404);
    expect((await from('203.0.113.9')).status).toBe(401);
    expect((await from('203.0.113.9', world.alice)).status).toBe(403);
    expect((await from('203.0.113.9', world.operator)).status).toBe(404);
  });

  test('the OpenAPI document has every route, and the page lists them without a script', async () => {
    const document: unknown = await (await world.call('GET', '/openapi.json')).json();
    expect(document).toMatchObject({ openapi: '3.1.0' });
    const page = await (await world.call('GET', '/docs')).text();
    for (const path of pathsOf(document)) expect(page).toContain(path);
    expect(pathsOf(document).length).toBeGreaterThan(10);
  });

  test('a ready edge says so', async () => {
    expect((await world.call('GET', '/readyz')).status).toBe(200);
    expect(await (await world.call('GET', '/v1/network')).json()).toMatchObject({
      network: world.network,
      edge_did: world.edgeSigner.did,
      origins: [ORIGIN],
      faucet: true,
    });
  });
});

test('junk on any route is answered with a problem and never with an error of ours', async () => {
  const document: unknown = await (await world.call('GET', '/openapi.json')).json();
  for (const route of routesOf(document)) {
    await fc.assert(
      fc.asyncProperty(junkRequest(route), async (junk) => {
        const response = await world.app.fetch(new Request(ORIGIN + junk.path, toInit(junk)), {});
        expect(await faultOf(response), JSON.stringify(junk).slice(0, 500)).toBeNull();
      }),
      { numRuns: 60 },
    );
  }
  expect(world.logged.filter((line) => line.startsWith('error'))).toEqual([]);
});

test('a nonce is good once', async () => {
  const nonce = freshNonce();
  const { alice } = world;
  const { rowNonceStore } = await import('./nonce-store.ts');
  const nonces = rowNonceStore(world.directory);
  expect(await nonces.use(alice.did, nonce, world.now())).toBe(true);
  expect(await nonces.use(alice.did, nonce, world.now())).toBe(false);
  expect(await nonces.use(world.bob.did, nonce, world.now())).toBe(true);
});

function json(more: Record<string, string> = {}): Record<string, string> {
  return { 'content-type': 'application/json', ...more };
}

function post(body: BodyInit, headers: Record<string, string> = json()) {
  return { path: '/v1/search', method: 'POST', body, headers };
}

function pathsOf(document: unknown): string[] {
  return routesOf(document).map(({ path }) => path);
}

function routesOf(document: unknown): { method: string; path: string }[] {
  if (typeof document !== 'object' || document === null || !('paths' in document)) return [];
  return Object.entries(document.paths ?? {}).flatMap(([path, methods]: [string, object]) =>
    Object.keys(methods).map((method) => ({ method, path })),
  );
}
