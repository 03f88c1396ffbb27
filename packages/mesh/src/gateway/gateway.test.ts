import { createSigner, networkId } from '@zerostate/shared';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { deadline } from '../deadline.ts';
import { encodeFrame, FrameReader } from '../frames.ts';
import { GATEWAY_PEER_BURST, GATEWAY_REQUESTS_PER_PEER_MAX } from '../limits.ts';
import type { Mesh } from '../node.ts';
import { eventually, systemPorts, until } from '../testing/adapters/system.ts';
import { addressOf, NETWORK, TestMesh } from '../testing/nodes.ts';
import { Admission } from './admission.ts';
import { findGateways, GatewayError, gatewayFetch, gatewayInfo } from './ask.ts';
import { decodeAnswer, decodeRequest, GATEWAY_PROTOCOL, targetOf } from './message.ts';
import { serveGateway } from './serve.ts';

const mesh = new TestMesh();
afterEach(() => mesh.stop());

const ORIGIN = 'http://127.0.0.1:1';
const ports = systemPorts();
const { timers } = ports;

type Seen = { url: string; init: RequestInit };

/** A gateway whose edge is a function, and a peer that is connected with it. */
async function pair(edge: (seen: Seen) => Promise<Response> | Response, clock = ports.clock) {
  const [gateway, peer] = [await mesh.node(), await mesh.node({ listen: [] })];
  const seen: Seen[] = [];
  const fetch = async (url: string, init: RequestInit) => {
    seen.push({ url, init });
    return edge({ url, init });
  };
  await serveGateway(gateway, { origin: ORIGIN, fetch, ports: { ...ports, clock } });
  expect((await peer.connect(addressOf(gateway))).ok).toBe(true);
  const ask = gatewayFetch(peer, { did: gateway.did, origin: ORIGIN, timers });
  return { gateway, peer, seen, ask };
}

/** What a peer gets that writes its own frame. */
async function raw(peer: Mesh, gateway: Mesh, head: unknown, body = new Uint8Array()) {
  const { signal, cancel } = deadline(timers, 60_000);
  const opened = await peer.wire.open(gateway.did, GATEWAY_PROTOCOL, signal);
  if (!opened.ok) throw new Error(opened.code);
  await opened.value.write(encodeFrame(new TextEncoder().encode(JSON.stringify(head))), signal);
  if (body.length > 0) await opened.value.write(body, signal);
  const frame = await new FrameReader(opened.value).frame(65_536, signal);
  cancel();
  opened.value.abort('done');
  return frame.ok ? decodeAnswer(frame.value) : frame;
}

const plain = { method: 'GET', path: '/v1/network', headers: {}, bytes: 0, within_ms: 5_000 };

describe('a gateway', () => {
  test('carries a request and its answer, bytes and status as they are', async () => {
    const large = new Uint8Array(3_000_000).fill(5);
    const { ask, seen } = await pair(async ({ init }) => {
      const body = new Uint8Array(await new Response(init.body ?? null).arrayBuffer());
      return new Response(body.slice().reverse(), {
        status: 418,
        headers: { 'content-type': 'x/y', 'set-cookie': 'a=b', server: 'secret' },
      });
    });
    const answer = await ask(`${ORIGIN}/v1/blobs/x?a=%20b`, {
      method: 'PUT',
      headers: { 'content-digest': 'sha-256=:x:', 'signature-input': 'zs=("@method")' },
      body: large,
    });
    expect(answer.status).toBe(418);
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(large);
    expect(Object.fromEntries(answer.headers)).toEqual({ 'content-type': 'x/y' });
    expect(seen[0]?.url).toBe(`${ORIGIN}/v1/blobs/x?a=%20b`);
    expect(seen[0]?.init).toMatchObject({
      method: 'PUT',
      redirect: 'manual',
      headers: { 'content-digest': 'sha-256=:x:', 'signature-input': 'zs=("@method")' },
    });
  });

  test('says which edge it speaks to, as the edge says it', async () => {
    const { did } = await createSigner(new Uint8Array(32).fill(3));
    const genesis = { ledger: did, asset: 'x', kind: 'local' as const, created_at: '1' };
    const about = { edge_did: did, origins: [], arbiters: [], faucet: true, now: 1, version: '1' };
    const network = networkId(genesis);
    const { gateway, peer } = await pair(() => Response.json({ network, genesis, ...about }));
    const info = await gatewayInfo(peer, gateway.did, { timers });
    expect(info).toEqual({ ok: true, value: { origin: ORIGIN, network, edge: did } });
    const [alone] = [await mesh.node()];
    await peer.connect(addressOf(alone));
    const none = await gatewayInfo(peer, alone.did, { timers });
    expect(none).toMatchObject({ ok: false, code: 'protocol-unsupported' });
  });

  test('is found in the table by who knows neither it nor the edge', async () => {
    const hub = await mesh.node();
    const { gateway, peer } = await pair(() => Response.json({}));
    await gateway.connect(addressOf(hub));
    const stranger = await mesh.node({ listen: [] });
    await stranger.connect(addressOf(hub));
    const options = { timers, max: 4, withinMs: 5_000 };
    await eventually(async () => {
      const found = await findGateways(stranger, NETWORK, options);
      return found.includes(gateway.did);
    });
    expect(await findGateways(peer, 'zs-bbbbbbbbbbbbbbbb', options)).toEqual([]);
  });

  test.each([
    ['a path outside the API', { path: '/metrics' }, 'path-refused'],
    ['a path that climbs', { path: '/v1/../metrics' }, 'path-refused'],
    ['a path that climbs in disguise', { path: '/v1/%2e%2E/metrics' }, 'path-refused'],
    ['another host', { path: '//evil.example/v1/x' }, 'path-refused'],
    ['a whole URL', { path: 'http://evil.example/v1/x' }, 'path-refused'],
    ['a fragment', { path: '/v1/network#x' }, 'path-refused'],
    ['a back slash', { path: '/v1/\\evil.example' }, 'path-refused'],
    ['a blank and a second line', { path: '/v1/x HTTP/1.1\r\nhost: y' }, 'path-refused'],
    ['play money', { method: 'POST', path: '/v1/faucet' }, 'path-refused'],
    ['a link', { path: '/v1/link?x' }, 'path-refused'],
    ['another method', { method: 'DELETE' }, 'method-refused'],
    ['a header of the node’s own', { headers: { authorization: 'x' } }, 'header-refused'],
    ['a host header', { headers: { host: 'evil.example' } }, 'header-refused'],
    ['a forwarded address', { headers: { 'x-forwarded-for': '127.0.0.1' } }, 'header-refused'],
    ['a capital spelling', { headers: { Signature: 'x' } }, 'header-refused'],
    ['a line in a value', { headers: { signature: 'a\r\nx-y: z' } }, 'header-refused'],
    ['a value of lists', { headers: { signature: ['a', 'b'] } }, 'header-refused'],
    ['a body on a GET', { bytes: 3 }, 'request-invalid'],
    ['more than a blob', { method: 'PUT', bytes: 8_388_609 }, 'request-invalid'],
    ['an hour’s wait', { within_ms: 3_600_000 }, 'request-invalid'],
    ['a member too many', { host: 'x' }, 'request-invalid'],
  ])('refuses %s and asks nobody', async (_, change, code) => {
    const { gateway, peer, seen } = await pair(() => Response.json({}));
    expect(await raw(peer, gateway, { ...plain, ...change })).toMatchObject({
      ok: true,
      value: { kind: 'error', code, retry_ms: 0 },
    });
    expect(seen).toEqual([]);
    expect(gateway.counters.of(`gateway-${code}`)).toBe(1);
  });

  test('gives up a request when whoever asked goes away', async () => {
    let aborted = false;
    const leave = new AbortController();
    const { gateway, ask } = await pair(
      ({ init }) =>
        new Promise((_, reject) => {
          leave.abort();
          init.signal?.addEventListener('abort', () => {
            aborted = true;
            reject(new Error('aborted'));
          });
        }),
    );
    const asked = ask(`${ORIGIN}/v1/tasks/x?wait=30`, { signal: leave.signal });
    await expect(asked).rejects.toThrow(GatewayError);
    await until(() => aborted);
    await until(() => gateway.counters.of('gateway-asker-gone') === 1);
  });

  test('that cannot reach its edge says so, and nothing of where it is', async () => {
    const { gateway, peer, ask } = await pair(() => {
      throw new Error('ECONNREFUSED 10.1.2.3');
    });
    const failed = await ask(`${ORIGIN}/v1/network`, {}).catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: 'refused', refusal: 'edge-unreachable' });
    const answer = await raw(peer, gateway, plain);
    expect(JSON.stringify(answer)).not.toContain('10.1.2.3');
  });

  test('does not follow an edge elsewhere, and carries no answer larger than a blob', async () => {
    let count = 0;
    const { ask, seen } = await pair(() => {
      count += 1;
      if (count === 1)
        return new Response(null, { status: 302, headers: { location: 'http://x' } });
      return new Response(new Uint8Array(8_388_609));
    });
    const moved = await ask(`${ORIGIN}/v1/network`, {});
    expect([moved.status, moved.headers.get('location'), seen.length]).toEqual([302, null, 1]);
    await expect(ask(`${ORIGIN}/v1/network`, {})).rejects.toMatchObject({
      refusal: 'answer-too-large',
    });
  });

  test('holds each peer to its share, counts it, and serves the next one', async () => {
    // Its clock stands: no bucket fills again, however slow the machine is.
    const { gateway, peer, ask } = await pair(() => new Response('x'), { now: () => 0 });
    const answers = await Promise.all(
      Array.from({ length: GATEWAY_REQUESTS_PER_PEER_MAX + 4 }, () =>
        ask(`${ORIGIN}/v1/network`, {}).then(
          () => 'carried',
          (error: GatewayError) => error.refusal,
        ),
      ),
    );
    expect(answers.filter((one) => one === 'carried').length).toBeGreaterThan(0);
    for (let left = GATEWAY_PEER_BURST; left > 0; left--)
      await ask(`${ORIGIN}/v1/x`, {}).catch(() => 0);
    await expect(ask(`${ORIGIN}/v1/network`, {})).rejects.toMatchObject({
      refusal: 'over-request-rate',
    });
    const other = await mesh.node({ listen: [] });
    await other.connect(addressOf(gateway));
    const second = gatewayFetch(other, { did: gateway.did, origin: ORIGIN, timers });
    expect((await second(`${ORIGIN}/v1/network`, {})).status).toBe(200);
    const [account] = gateway.tasks.accounts.top(10).filter(({ did }) => did === peer.did);
    expect(account?.messagesIn).toBeGreaterThan(10);
    expect(account?.bytesOut.bulk).toBeGreaterThan(0);
  });
});

test('room for requests is bounded by number and bytes, and comes back', () => {
  const admission = new Admission({ now: () => 0 });
  const rooms = Array.from({ length: GATEWAY_REQUESTS_PER_PEER_MAX }, () =>
    admission.admit('a', 1),
  );
  expect(rooms.every(({ ok }) => ok)).toBe(true);
  expect(admission.admit('a', 1)).toMatchObject({ code: 'gateway-busy' });
  const other = admission.admit('b', 8_388_608);
  if (!other.ok) throw new Error(other.code);
  expect(other.value.hold(60_000_000)).toBe(false);
  expect(other.value.hold(55_000_000)).toBe(true);
  expect(admission.admit('c', 8_388_608)).toMatchObject({ code: 'gateway-busy' });
  other.value.free();
  expect(admission.admit('c', 8_388_608).ok).toBe(true);
  for (const room of rooms) if (room.ok) room.value.free();
  expect(admission.admit('a', 1).ok).toBe(true);
});

test('no bytes make a request that leaves the API or carries a header of its own', () => {
  const anything = fc.oneof(
    fc.uint8Array(),
    fc.json().map((text) => new TextEncoder().encode(text)),
  );
  fc.assert(
    fc.property(
      anything,
      (frame) => !decodeRequest(frame).ok && targetOf(ORIGIN, '/v1/..') === null,
    ),
  );
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (tail) => {
      const head = JSON.stringify({ ...plain, path: `/v1/${tail}` });
      const request = decodeRequest(new TextEncoder().encode(head));
      if (!request.ok) return;
      const target = targetOf(ORIGIN, request.value.path);
      if (target === null) return;
      const url = new URL(target);
      expect(url.origin).toBe(ORIGIN);
      expect(url.pathname.startsWith('/v1/')).toBe(true);
    }),
  );
});
