/// <reference path="./wasm.d.ts" />
/** The edge on Cloudflare Workers: requests, links by Durable Object, the sweep by cron. */
import { waitUntil } from 'cloudflare:workers';
import engine from '@zerostate/discovery/int8-hnsw.wasm';
import encoder from '@zerostate/discovery/use-lite.wasm';
import { systemTimers } from '../adapters/system.ts';
import type { EdgeEnv } from '../http/env.ts';
import type { Env } from '../hub/durable-object-hub.ts';
import { HUBS, hubName } from '../hub/hub-name.ts';
import { createRemoteHub } from '../hub/remote-hub.ts';
import { isLinkUpgrade } from './upgrade.ts';
import { createWorkerdEdge, type WorkerdEdge } from './workerd-env.ts';

export { LinkHub } from '../hub/durable-object-hub.ts';

/**
 * One edge an isolate, made inside the first request. Results are kept, never promises: workerd
 * does not let one request wait for what another began.
 */
const edges = new WeakMap<Env, WorkerdEdge>();

async function edgeOf(env: Env): Promise<WorkerdEdge> {
  const known = edges.get(env);
  if (known !== undefined) return known;
  const made = await createWorkerdEdge(
    env,
    createRemoteHub({
      objectOf: (key) => env.LINK_HUB.get(hubId(env, key)),
      background,
      after: (ms, run) => systemTimers.after(ms, run),
    }),
    engine,
  );
  edges.set(env, made);
  return made;
}

function hubId(env: Env, key: string): DurableObjectId {
  return env.LINK_HUB.idFromName(hubName(key, Number(env.HUBS ?? HUBS)));
}

/** What needs the encoder. */
const SEARCH = '/v1/search';

/** Keeps work alive after the answer. */
function background(work: Promise<void>): void {
  waitUntil(work.catch(() => undefined));
}

export default {
  async fetch(request, env): Promise<Response> {
    const address = request.headers.get('cf-connecting-ip') ?? '';
    if (isLinkUpgrade(request)) {
      // With its DID in the query a link gets to the hub that is woken for it, without a detour.
      const did = new URL(request.url).searchParams.get('did');
      return env.LINK_HUB.get(hubId(env, did ?? address)).fetch(request);
    }
    const { edge, readEncoder } = await edgeOf(env);
    if (new URL(request.url).pathname === SEARCH) background(readEncoder(encoder));
    const bindings: EdgeEnv['Bindings'] = { address, background };
    return edge.app.fetch(request, bindings);
  },
  async scheduled(_controller, env): Promise<void> {
    const { edge, readEncoder } = await edgeOf(env);
    await edge.sweep();
    // A snapshot carries the vectors that were made for its cards.
    await readEncoder(encoder);
    await edge.build();
  },
} satisfies ExportedHandler<Env>;
