/** A hub with more links than it looks at in one turn: what other processes write reaches them all. */
import {
  type EdgeFrame,
  edgeFrameSchema,
  encodeBase64url,
  type LinkHello,
  type Signer,
  sealEnvelope,
} from '@zerostate/shared';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createEdgeWorld, type EdgeWorld, ORIGIN } from '../../test-support/world.ts';
import { systemRng, systemTimers } from '../adapters/system.ts';
import { createLinks } from './links.ts';
import { outboxInsert } from './outbox.ts';
import { createProcessHub, type ProcessHub } from './process-hub.ts';
import { createSocketGate } from './socket-gate.ts';

const BODY = { ch: 'A'.repeat(43), state: 'closed' } as const;

let world: EdgeWorld;
let hub: ProcessHub;
beforeEach(async () => {
  world = await createEdgeWorld();
  const { clock, ledger, metrics, log } = world.links;
  hub = createProcessHub({
    ...{ clock, ledger, metrics, log, directory: world.directory, timers: systemTimers },
    forwards: { look: async () => {} },
    lookLinks: 1,
  });
});
afterEach(async () => {
  await hub.stop();
  await world.close();
});

/** A link that is up, and what came over it. */
async function dial(signer: Signer) {
  const frames: EdgeFrame[] = [];
  const socket = {
    send: (text: string) => frames.push(edgeFrameSchema.parse(JSON.parse(text))),
    close: () => {},
  };
  const links = createLinks({ ...world.links, rng: systemRng, gate: createSocketGate() }, hub);
  const session = links.admit({ address: '192.0.2.1' })?.accept(socket, ORIGIN);
  if (session === undefined) throw new Error('no place');
  const body: LinkHello = {
    did: signer.did,
    edge: ORIGIN,
    edge_did: world.edgeSigner.did,
    nonce: session.link.nonce,
    session: encodeBase64url(new Uint8Array(16).fill(9)),
    seen_ledger: '0',
    seen_directory: '0',
    features: [],
  };
  const hello = await sealEnvelope(world.network, 'link.hello', body, signer);
  session.receive(JSON.stringify({ t: 'hello', hello }));
  await session.settled();
  expect(session.link.phase).toBe('open');
  return { session, frames };
}

type Dialled = Awaited<ReturnType<typeof dial>>;

const people = () => [world.alice, world.bob, world.carol];
const dialAll = () => Promise.all(people().map(dial));

/** Messages that came over each link so far. */
async function messages(links: readonly Dialled[]): Promise<number[]> {
  await Promise.all(links.map(({ session }) => session.settled()));
  return links.map(({ frames }) => frames.filter(({ t }) => t === 'msg').length);
}

/** As another process does it: nobody is woken. */
async function writeToAll(at: number): Promise<void> {
  const statements = people().flatMap(({ did }) => outboxInsert(did, 'channel.changed', BODY, at));
  await world.directory.batch(statements);
}

test('messages of another process reach every link in one turn', async () => {
  const links = await dialAll();
  await hub.tick();
  await writeToAll(world.now());
  await hub.tick();
  expect(await messages(links)).toEqual([1, 1, 1]);
});

test('messages of a process whose clock is an hour behind reach each link in its turn', async () => {
  const links = await dialAll();
  await writeToAll(world.now() - 3_600_000);
  await hub.tick();
  expect((await messages(links)).toSorted((a, b) => a - b)).toEqual([0, 0, 1]);
  await hub.tick();
  await hub.tick();
  expect(await messages(links)).toEqual([1, 1, 1]);
});

test('epochs that another process has passed end each link in its turn, and none of the others', async () => {
  const links = await dialAll();
  const [alice, bob] = people();
  const sql = 'UPDATE link SET epoch = epoch + 1 WHERE did IN (?1, ?2)';
  await world.directory.batch([{ sql, args: [alice?.did ?? '', bob?.did ?? ''] }]);
  for (let turn = 0; turn < 3; turn++) await hub.tick();
  expect(links.map(({ session }) => session.link.phase)).toEqual(['closed', 'closed', 'open']);
});

test('a link that comes and goes while turns are taken leaves none out', async () => {
  const links = await dialAll();
  await hub.tick();
  links[1]?.session.gone();
  await dial(world.operator);
  await writeToAll(world.now() - 3_600_000);
  for (let turn = 0; turn < 4; turn++) await hub.tick();
  expect(await messages(links)).toEqual([1, 0, 1]);
});
