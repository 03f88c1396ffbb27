import { LINK_BACKOFF_MS_MAX, LINK_BACKOFF_MS_MIN, LINK_DEAD_MS } from '@zerostate/shared';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sql } from '../state/database.ts';
import { World } from '../testing/world.ts';
import { backoffMs } from './backoff.ts';
import { Positions } from './positions.ts';

let world: World;
beforeEach(async () => {
  world = await World.make();
});
afterEach(async () => {
  await world.end();
  expect(world.failures).toEqual([]);
});

/** Lets the sockets work until `test` holds; time stands still. */
function eventually(test: () => boolean | Promise<boolean>): Promise<void> {
  return world.passUntil(0, test);
}

async function linkIs(state: string): Promise<void> {
  await eventually(async () => (await world.status()).link.state === state);
}

/** Time passes until the node dials again, and no longer. */
function redial(): Promise<void> {
  const before = world.edge.greetings;
  return world.passUntil(500, () => world.edge.greetings > before);
}

function linkLines(): unknown[] {
  return world.lines
    .filter(({ event }) => event.startsWith('link'))
    .map(({ fields }) => fields.code);
}

test('another edge at the pinned URL is refused before anything is signed, said once', async () => {
  const stranger = 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK';
  world.edge.lie = { edge_did: stranger };
  await world.launch();
  for (let i = 1; i <= 3; i++) {
    await eventually(() => world.edge.greetings === i);
    await linkIs('down');
    await redial();
  }
  expect(world.edge.hellos).toEqual([]);
  expect(linkLines()).toEqual(['edge-did-wrong']);
  await linkIs('down');
  world.edge.lie = { network: 'zs-aaaaaaaaaaaaaaaa' };
  await redial();
  await eventually(() => linkLines().includes('network-wrong'));
  expect((await world.status()).link.problem).toContain('network-wrong');
});

test('a message that no catalogue knows is acknowledged and answered by an error', async () => {
  await world.start();
  const first = world.edge.deliver('directory', 'task.juggle', {});
  const second = world.edge.deliver('directory', 'task.cancel', { task: 7 });
  await world.edge.acked('directory', second);
  expect(world.edge.errors).toMatchObject([
    { code: 'message-unknown', re: { db: 'directory', seq: first } },
    { code: 'message-invalid', re: { db: 'directory', seq: second } },
  ]);
});

test('what is not acknowledged is sent again after the link is lost, once', async () => {
  world.edge.isSilent = true;
  const node = await world.start();
  await node.execute({ command: 'card-add', folder: world.agentFolder });
  await world.edge.message('card.publish');
  world.edge.isSilent = false;
  world.edge.hangUp();
  await linkIs('down');
  await redial();
  await world.edge.until(() => world.edge.received.filter((m) => m.type === 'card.publish')[1]);
  const [first, again] = world.edge.received.filter((m) => m.type === 'card.publish');
  expect(again).toEqual(first);
});

test('a message that was lost on the way is asked for again, not skipped', async () => {
  const caller = await world.ready();
  const first = await world.edge.acked(
    'ledger',
    await caller.voucher({ lane: '0', cum: '1', memo: '' }),
  );
  expect(first).toBe(true);
  world.edge.lose('ledger', 'channel.changed', { ch: caller.ch, state: 'active' });
  const after = await caller.voucher({ lane: '0', cum: '2', memo: '' });
  await eventually(() => linkLines().includes('message-missing'));
  expect(world.edge.acks.ledger).toBeLessThan(after - 1);
  await redial();
  await world.edge.acked('ledger', after);
});

test('after a restart the edge is told what was seen, and repeats nothing', async () => {
  const caller = await world.ready();
  const { task, seq } = await caller.offer();
  await caller.result(task);
  await world.edge.acked('directory', seq);
  await world.stop();
  await world.start();
  const hello = world.edge.hellos.at(-1);
  expect(hello).toMatchObject({ seen_directory: String(seq), seen_ledger: '2' });
  expect(hello?.session).toBe(world.edge.hellos[0]?.session);
});

test('a silent edge is dead after 45 s and dialled again', async () => {
  await world.start();
  await linkIs('up');
  world.edge.isDeaf = true;
  world.time.advance(LINK_DEAD_MS);
  await eventually(() => linkLines().includes('edge-silent'));
  world.edge.isDeaf = false;
  await redial();
  await world.edge.until(() => world.edge.hellos.length === 2);
});

test('a state folder put back from a copy starts a new session and loses no message', async () => {
  await world.ready();
  await world.outboxEmpty();
  await world.stop();
  await world.start();
  await linkIs('up');
  await world.state?.database.write([sql('UPDATE node SET outbox_n = 0')]);
  world.edge.hangUp();
  await linkIs('down');
  await redial();
  await eventually(() => linkLines().includes('session-restarted'));
  await redial();
  await linkIs('up');
  const sessions = new Set(world.edge.hellos.map(({ session }) => session));
  expect(sessions.size).toBe(2);
});

test('positions move only past what is done, in whatever order it is done', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([1, 2, 3, 4, 5, 6, 7, 8]), (order) => {
      const positions = new Positions({ ledger: 0, directory: 0 });
      for (let seq = 1; seq <= 8; seq++) expect(positions.begin('ledger', seq)).toBe(true);
      const done = new Set<number>();
      for (const seq of order) {
        positions.done('ledger', seq);
        done.add(seq);
        let gap = 1;
        while (done.has(gap)) gap += 1;
        expect(positions.seen.ledger).toBe(gap - 1);
        expect(positions.begin('ledger', seq)).toBe(false);
      }
    }),
  );
});

test('a lost link is retried within its bounds, whatever the dice say', () => {
  fc.assert(
    fc.property(fc.nat(60), fc.uint8Array({ minLength: 4, maxLength: 4 }), (attempt, dice) => {
      const ms = backoffMs(attempt, { bytes: () => dice });
      expect(ms).toBeGreaterThanOrEqual(LINK_BACKOFF_MS_MIN);
      expect(ms).toBeLessThanOrEqual(LINK_BACKOFF_MS_MAX);
    }),
  );
});
