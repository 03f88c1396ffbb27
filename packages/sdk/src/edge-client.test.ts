import { createSigner, createVerifier, digestSha256, verifyRequest } from '@zerostate/shared';
import { afterEach, expect, test } from 'vitest';
import { createEdgeClient, type EdgeClient } from './edge-client.ts';
import type { Timers } from './ports.ts';
import {
  answer,
  type Handler,
  problem,
  type Seen,
  startServer as startTestServer,
  type TestServer,
} from './testing/http-server.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function startServer(handler: Handler): Promise<TestServer> {
  const server = await startTestServer(handler);
  stops.push(server.stop);
  return server;
}

/** Pauses pass at once; the long timers of whole attempts never fire. */
function recordedTimers(): Timers & { pauses: number[] } {
  const pauses: number[] = [];
  return {
    pauses,
    after(ms, f) {
      if (ms >= 15_000) return () => undefined;
      pauses.push(ms);
      queueMicrotask(f);
      return () => undefined;
    },
  };
}

const signer = await createSigner(new Uint8Array(32).fill(7));
const account = { did: signer.did, available: '5', escrow: '0', withdrawing: '0' };
const transferPage = { transfers: [] };

async function clientOf(handler: Handler): Promise<{
  client: EdgeClient;
  seen: Seen[];
  pauses: number[];
  url: string;
}> {
  const { url, seen } = await startServer(handler);
  const timers = recordedTimers();
  return { client: createEdgeClient({ url, signer, timers }), seen, pauses: timers.pauses, url };
}

test('a busy edge is asked again after its Retry-After, with the same idempotency key', async () => {
  let calls = 0;
  const { client, seen, pauses } = await clientOf((_, response) => {
    calls++;
    if (calls < 3) answer(response, 503, problem(503, 'busy'), { 'retry-after': '2' });
    else answer(response, 200, account);
  });
  expect(await client.faucet(5n)).toEqual({ ok: true, value: account });
  expect(pauses).toEqual([2000, 2000]);
  const keys = new Set(seen.map(({ headers }) => headers['idempotency-key']));
  expect(keys.size).toBe(1);
  expect([...keys][0]).toMatch(/^[A-Za-z0-9_-]{22}$/);
  // A signature is spent by its nonce: each attempt has its own.
  expect(new Set(seen.map(({ headers }) => headers.signature)).size).toBe(3);
});

test.each(['idempotency-in-progress', 'nonce-reused'])(
  'a request that meets its own copy (%s) comes back for the answer, signed afresh',
  async (code) => {
    const { client, seen, pauses } = await clientOf((_, response) => {
      if (seen.length === 1) answer(response, 409, problem(409, code));
      else answer(response, 200, account);
    });
    expect(await client.faucet(5n)).toEqual({ ok: true, value: account });
    expect(pauses).toEqual([200]);
    expect(new Set(seen.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
    expect(new Set(seen.map(({ headers }) => headers['signature-input'])).size).toBe(2);
  },
);

test('two operations never share an idempotency key', async () => {
  const { client, seen } = await clientOf((_, response) => answer(response, 200, account));
  await client.faucet(5n);
  await client.faucet(5n);
  expect(new Set(seen.map(({ headers }) => headers['idempotency-key'])).size).toBe(2);
});

test('an edge that stays busy is left after three attempts with its own code', async () => {
  const { client, seen } = await clientOf((_, response) =>
    answer(response, 429, problem(429, 'rate-limited'), { 'retry-after': '1' }),
  );
  expect(await client.account(signer.did)).toMatchObject({ ok: false, code: 'rate-limited' });
  expect(seen).toHaveLength(3);
});

test('a Retry-After longer than a caller would wait is handed on instead of waited for', async () => {
  const { client, seen } = await clientOf((_, response) =>
    answer(response, 429, problem(429, 'rate-limited'), { 'retry-after': '600' }),
  );
  expect(await client.account(signer.did)).toMatchObject({ code: 'rate-limited' });
  expect(seen).toHaveLength(1);
});

test('a refusal is not repeated and keeps the problem of the edge', async () => {
  const body = { ...problem(409, 'funds-insufficient'), detail: '4 < 5' };
  const { client, seen } = await clientOf((_, response) => answer(response, 409, body));
  const result = await client.account(signer.did);
  expect(result).toEqual({ ok: false, code: 'funds-insufficient', detail: '4 < 5', problem: body });
  expect(seen).toHaveLength(1);
});

test('an edge that is down is `edge-unreachable`, never an exception', async () => {
  const { url } = await startServer(() => undefined);
  for (const stop of stops.splice(0)) await stop();
  const client = createEdgeClient({ url, timers: recordedTimers() });
  const result = await client.network();
  expect(result).toMatchObject({ ok: false, code: 'edge-unreachable' });
});

test('an answer of another shape is refused at the border and names the field', async () => {
  const { client } = await clientOf((_, response) =>
    answer(response, 200, { ...account, available: '-5' }),
  );
  const result = await client.account(signer.did);
  expect(result).toEqual({ ok: false, code: 'edge-answer-invalid', detail: 'field available' });
});

test('an answer that is not JSON, and an error page, are failures with a code', async () => {
  const { client } = await clientOf((seen, response) => {
    response.writeHead(seen.path.includes('transfers') ? 200 : 502, {
      'content-type': 'text/html',
    });
    response.end('<h1>Bad gateway</h1>');
  });
  expect(await client.transfers()).toMatchObject({ code: 'edge-answer-invalid' });
  expect(await client.conservation()).toMatchObject({
    code: 'edge-answer-invalid',
    detail: 'status 502',
  });
});

test('a redirect is not followed: the signature was made for this host alone', async () => {
  const other = await startServer((_, response) => answer(response, 200, account));
  const { client } = await clientOf((_, response) => {
    response.writeHead(307, { location: other.url }).end();
  });
  expect((await client.faucet(5n)).ok).toBe(false);
  expect(other.seen).toHaveLength(0);
});

test('private requests are signed over method, URL and body as the edge verifies them', async () => {
  const { client, seen, url } = await clientOf((_, response) => answer(response, 200, account));
  await client.faucet(5n);
  const [sent] = seen;
  if (sent === undefined) throw new Error('nothing was sent');
  const received = {
    method: sent.method,
    urls: [url + sent.path],
    body: new Uint8Array(sent.body),
    now: Date.now(),
    header: (name: string) => sent.headers[name]?.toString(),
  };
  expect(await verifyRequest(received, createVerifier())).toMatchObject({
    ok: true,
    value: { did: signer.did },
  });
  const other = { ...received, body: new TextEncoder().encode('{"amount":"6"}') };
  expect((await verifyRequest(other, createVerifier())).ok).toBe(false);
});

test('public reads carry no signature, so that caches can serve them', async () => {
  const { client, seen } = await clientOf((_, response) => answer(response, 200, transferPage));
  expect(await client.transfers(41)).toEqual({ ok: true, value: transferPage });
  expect(seen[0]?.path).toBe('/v1/ledger/transfers?after=41');
  expect(seen[0]?.headers.signature).toBeUndefined();
});

test('what needs a signature is refused before it is sent when there is no key', async () => {
  const { url, seen } = await startServer((_, response) => answer(response, 200, account));
  const client = createEdgeClient({ url });
  expect(await client.faucet(5n)).toEqual({ ok: false, code: 'identity-missing' });
  expect(seen).toHaveLength(0);
});

test('blob bytes with another hash than asked for never reach the caller', async () => {
  const bytes = new TextEncoder().encode('module');
  const { client } = await clientOf((_, response) => response.end('another'));
  const hash = await digestSha256(bytes);
  expect(await client.getBlob(hash)).toEqual({ ok: false, code: 'blob-hash-wrong', detail: hash });
});

test('an abort ends a waiting request with the code `aborted`', async () => {
  const abort = new AbortController();
  const { client, seen } = await clientOf(() => abort.abort());
  const result = await client.task('A'.repeat(43), { waitMs: 30_000, signal: abort.signal });
  expect(result).toEqual({ ok: false, code: 'aborted' });
  expect(seen[0]?.path).toBe(`/v1/tasks/${'A'.repeat(43)}?wait=30`);
});

test('an edge that never answers is `edge-timeout` and is not asked again', async () => {
  const { url, seen } = await startServer(() => undefined);
  const fired: number[] = [];
  const timers: Timers = {
    after(ms, f) {
      fired.push(ms);
      setImmediate(f);
      return () => undefined;
    },
  };
  const client = createEdgeClient({ url, timers });
  expect(await client.network()).toMatchObject({ ok: false, code: 'edge-timeout' });
  expect(fired).toEqual([15_000]);
  expect(seen.length).toBeLessThanOrEqual(1);
});
