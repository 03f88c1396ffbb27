/** Databases that come back from an older copy, under executors that have seen more. */
import {
  type EdgeFrame,
  edgeFrameSchema,
  encodeBase64url,
  type LinkHello,
  type OutboxDatabase,
  sealEnvelope,
} from '@zerostate/shared';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createEdgeWorld, type EdgeWorld, ORIGIN } from '../../test-support/world.ts';
import type { Database } from '../ports.ts';
import { outboxInsert } from './outbox.ts';

let world: EdgeWorld;
beforeEach(async () => {
  world = await createEdgeWorld();
});
afterEach(() => world.close());

const databases = (): Record<OutboxDatabase, Database> => ({
  ledger: world.links.ledger,
  directory: world.directory,
});
async function write(name: OutboxDatabase, ...tasks: string[]) {
  for (const task of tasks) {
    await databases()[name].batch(
      outboxInsert(world.bob.did, 'task.cancel', { task }, world.now()),
    );
  }
}
async function head(name: OutboxDatabase) {
  const sql = 'SELECT seq, acked FROM outbox_head WHERE did = ?1';
  const [row] = await databases()[name].read({ sql, args: [world.bob.did] });
  return row === undefined ? null : { seq: Number(row.seq), acked: Number(row.acked) };
}

/** Bob's link after its hello, with what came over it. */
async function dial(seen: { ledger: number; directory: number }) {
  const frames: EdgeFrame[] = [];
  const socket = {
    send: (text: string) => frames.push(edgeFrameSchema.parse(JSON.parse(text))),
    close: () => {},
  };
  const session = world.sockets.admit({ address: '192.0.2.1' })?.accept(socket, ORIGIN);
  if (session === undefined) throw new Error('no place');
  const body: LinkHello = {
    did: world.bob.did,
    edge: ORIGIN,
    edge_did: world.edgeSigner.did,
    nonce: session.link.nonce,
    session: encodeBase64url(new Uint8Array(16).fill(9)),
    seen_ledger: String(seen.ledger),
    seen_directory: String(seen.directory),
    features: [],
  };
  const hello = await sealEnvelope(world.network, 'link.hello', body, world.bob);
  session.receive(JSON.stringify({ t: 'hello', hello }));
  await session.settled();
  /** As the executor does: what it has seen it does not look at again. */
  const taken = () =>
    frames.flatMap((frame) =>
      frame.t === 'msg' && frame.seq > seen[frame.db] ? [String(frame.body.task)] : [],
    );
  return { session, frames, taken };
}

describe.each(['ledger', 'directory'] as const)('a %s that was restored', (name) => {
  test('drops no message that it takes after the restore, before or after the hello', async () => {
    await write(name, 'old', 'new 1', 'new 2');
    const seen = { ledger: 0, directory: 0, [name]: 9 };
    const { session, taken } = await dial(seen);
    expect(taken()).toEqual(['old', 'new 1', 'new 2']);
    await write(name, 'new 3');
    session.pump(name);
    await session.settled();
    expect(taken()).toEqual(['old', 'new 1', 'new 2', 'new 3']);
    const ack = { ledger: 0, directory: 0, [name]: 13 };
    session.receive(JSON.stringify({ t: 'ack', ...ack }));
    await world.hub.tick();
    expect(await head(name)).toEqual({ seq: 13, acked: 13 });
  });

  test('that has forgotten the executor goes on above what it has seen', async () => {
    await dial({ ledger: 0, directory: 0, [name]: 9 });
    await write(name, 'first');
    const { taken } = await dial({ ledger: 0, directory: 0, [name]: 9 });
    expect(taken()).toEqual(['first']);
    expect(await head(name)).toEqual({ seq: 10, acked: 9 });
  });

  test('is raised once: the next hello changes nothing', async () => {
    await write(name, 'a');
    await dial({ ledger: 0, directory: 0, [name]: 9 });
    const raised = await head(name);
    await dial({ ledger: 0, directory: 0, [name]: 9 });
    await dial({ ledger: 0, directory: 0, [name]: 10 });
    expect(await head(name)).toEqual(raised);
  });
});

test('a hello that has seen no more than was sent moves nothing', async () => {
  await write('ledger', 'a', 'b', 'c');
  const { taken } = await dial({ ledger: 2, directory: 0 });
  expect(taken()).toEqual(['c']);
  expect(await head('ledger')).toEqual({ seq: 3, acked: 0 });
  expect(await head('directory')).toBeNull();
});

test('a hello with numbers beyond exactness is refused', async () => {
  const { frames } = await dial({ ledger: Number.MAX_SAFE_INTEGER, directory: 0 });
  expect(frames.at(-1)).toMatchObject({ t: 'error', code: 'hello-invalid' });
  expect(await head('ledger')).toBeNull();
});
