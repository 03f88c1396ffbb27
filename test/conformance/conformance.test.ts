/**
 * One suite against the edge on every runtime that runs it: Node, Bun and Deno as processes with
 * embedded databases, workerd by wrangler with the Durable Object hub over Hrana.
 */

import { FRAME_BYTES_MAX } from '@zerostate/shared';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshNonce, makePublication } from '../../apps/edge/test-support/documents.ts';
import { LinkPeer } from '../../apps/edge/test-support/job.ts';
import { faultOf, junkRequest, toInit } from '../../apps/edge/test-support/junk.ts';
import { RUNTIMES, type RunningEdge, startEdge } from './edges.ts';
import {
  arrive,
  cancelOne,
  closeChannels,
  lookAround,
  objectAndClaim,
  type Parties,
  payAndRedeem,
  someSigner,
  type Trip,
  takeMoneyOut,
  workOnce,
  workThroughGateway,
} from './journey.ts';
import { wrongHttp, wrongRoutes } from './wrong.ts';

/** Junk requests of one route; ZS_SOAK=1 makes the 10 000 of the promise. */
const JUNK = process.env.ZS_SOAK === '1' ? 10_000 : 40;
/** Routes whose success needs time to pass, an arbiter or a proof of guilt: rooms test those. */
const NOT_ON_THE_WAY = [
  'POST /v1/channels/{ch}/finalize',
  'POST /v1/channels/{ch}/topup',
  'POST /v1/channels/{ch}/roll',
  'POST /v1/claims/{claim}/post',
  'POST /v1/claims/{claim}/verdicts',
  'POST /v1/claims/{claim}/equivocation',
  'GET /v1/link',
  // Numbers live outside of a workerd isolate: there the route answers 404 and says so.
  'GET /metrics',
];

describe.each(RUNTIMES)('the edge on %s', (runtime) => {
  let edge: RunningEdge;
  let parties: Parties;
  let trip: Trip;

  beforeAll(async () => {
    const [caller, executor, operator] = [
      await someSigner(),
      await someSigner(),
      await someSigner(),
    ];
    parties = { caller, executor, operator };
    edge = await startEdge(runtime, { OPERATORS: operator.did });
    trip = await arrive(edge.url, parties);
  });

  afterAll(async () => {
    trip.link.socket.close();
    await edge.stop();
  });

  test('pays for a task from offer to redemption, counts it once and keeps the sums', async () => {
    const { receipt } = await workOnce(trip, { lane: '1', base: '0' });
    const { price } = await payAndRedeem(trip, receipt);
    const { go, executor } = trip;
    const did = { params: { did: executor.did } };
    const account = await go.must({ method: 'GET', route: '/v1/accounts/{did}', ...did });
    expect(account.available).toBe(String(1_000_000_000n + price));
    const score = await go.must({ method: 'GET', route: '/v1/reputation/{did}', ...did });
    expect(score).toMatchObject({ n: 1, ok: 1, failed: 0, score: 0.5 });
    const sums = await go.must({ method: 'GET', route: '/v1/ledger/conservation' });
    expect(sums.difference).toBe('0');
  });

  test('finds the published agent by what it can do', async () => {
    const json = { text: 'make a picture smaller', filters: { online: true } };
    const search = { method: 'POST', route: '/v1/search', json };
    // The promise is two seconds; the loop ends by the test's own time otherwise.
    let results: unknown;
    do {
      results = (await trip.go.must(search)).results;
    } while (Array.isArray(results) && results.length === 0);
    expect(results).toMatchObject([{ did: trip.executor.did, agent: 'thumbnails' }]);
  });

  test('lets an objected claim wait and both parties leave in every way', async () => {
    await lookAround(trip);
    await objectAndClaim(trip);
    expect(await closeChannels(trip)).toEqual(['closed', 'closing', 'closed']);
  });

  test('takes back an offered task, and pays money out or returns it', async () => {
    expect(await cancelOne(trip)).toBe('rejected');
    expect(await takeMoneyOut(trip)).toEqual(['done', 'failed']);
    const sums = await trip.go.must({ method: 'GET', route: '/v1/ledger/conservation' });
    expect(sums.difference).toBe('0');
  });

  test('answers each wrong request with its own status and code', async () => {
    const wrongs = [...wrongHttp(), ...(await wrongRoutes(trip, await someSigner()))];
    const got: string[] = [];
    for (const { name, sent } of wrongs) {
      const { status, headers, body } = await trip.go.send(sent);
      const type = headers.get('content-type');
      got.push(
        `${name}: ${status} ${body.code} ${type === 'application/problem+json' ? '' : type}`,
      );
    }
    expect(got).toEqual(wrongs.map(({ name, status, code }) => `${name}: ${status} ${code} `));
  });

  test('has no route that this suite does not visit', async () => {
    const answer = await fetch(`${edge.url}/openapi.json`);
    const { openapi, paths } = (await answer.json()) as {
      openapi: string;
      paths: Record<string, Record<string, unknown>>;
    };
    const routes = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(openapi).toMatch(/^3\.1/);
    expect(new Set([...trip.go.right, ...NOT_ON_THE_WAY])).toEqual(new Set(routes));
    expect((await fetch(`${edge.url}/docs`)).status).toBe(200);
  });

  test('takes a message again after a reconnect without a second effect', async () => {
    const session = freshNonce();
    const origin = trip.network.origins[0] ?? edge.url;
    const executor = await someSigner();
    const about = { now: Date.now() };
    const publication = await makePublication(trip.network.network, executor, about);
    const first = new LinkPeer(edge.url, executor);
    const welcome = await first.open(trip.network, origin, session);
    expect(welcome).toMatchObject({ t: 'welcome', welcome: { body: { epoch: '1', seen: '0' } } });
    first.say('card.publish', publication);
    await first.next((frame) => frame.t === 'ack' && frame.n === 1);
    const second = new LinkPeer(edge.url, executor);
    const again = await second.open(trip.network, origin, session);
    expect(again).toMatchObject({ t: 'welcome', welcome: { body: { epoch: '2' } } });
    expect(await first.closed).toBeGreaterThanOrEqual(1000);
    second.say('card.publish', publication);
    const answer = await second.next(({ t }) => t === 'ack' || t === 'error');
    expect(answer).toEqual({ t: 'ack', n: 1 });
    const query = `?did=${encodeURIComponent(executor.did)}`;
    const { cards } = await trip.go.must({ method: 'GET', route: '/v1/cards', query });
    expect(cards).toMatchObject([{ seq: '1', agent: 'thumbnails' }]);
    second.socket.close();
  });

  test('reaches an executor without a link through a gateway node', async () => {
    expect(await workThroughGateway(trip)).toEqual({
      forward: { to: trip.executor.did, type: 'task.offer' },
      state: 'done',
      repeated: 'answer-repeated',
    });
  });

  test.each<[string, (peer: LinkPeer) => Promise<void>]>([
    [
      'a frame before hello',
      async (peer) => {
        await peer.next(({ t }) => t === 'nonce');
        peer.send({ t: 'ping' });
      },
    ],
    [
      'an oversized frame',
      async (peer) => {
        await peer.next(({ t }) => t === 'nonce');
        peer.socket.send(' '.repeat(FRAME_BYTES_MAX + 1));
      },
    ],
    [
      'another edge’s hello',
      async (peer) =>
        void (await peer.open(trip.network, 'https://elsewhere.example', freshNonce())),
    ],
    [
      'a hello of another network',
      async (peer) => {
        const network = { ...trip.network, network: 'zs-aaaaaaaaaaaaaaaa' };
        await peer.open(network, trip.network.origins[0] ?? edge.url, freshNonce());
      },
    ],
  ])('closes a link on %s', async (_name, say) => {
    const peer = new LinkPeer(edge.url, await someSigner());
    await say(peer);
    expect(await peer.closed).toBeGreaterThanOrEqual(1000);
  });

  test('answers junk on every route with a problem and never with its own fault', async () => {
    const answer = await fetch(`${edge.url}/openapi.json`);
    const { paths } = (await answer.json()) as { paths: Record<string, Record<string, unknown>> };
    for (const [path, methods] of Object.entries(paths)) {
      for (const method of Object.keys(methods)) {
        await fc.assert(
          fc.asyncProperty(junkRequest({ method, path }), async (request) => {
            const response = await fetch(`${edge.url}${request.path}`, toInit(request));
            const fault = await faultOf(response);
            if (!response.bodyUsed) await response.body?.cancel();
            expect(fault).toBeNull();
          }),
          { numRuns: JUNK },
        );
      }
    }
  }, 1_200_000);
});
