/**
 * Floods against real nodes: each is shed and counted, and an honest pair goes on meanwhile. A
 * tenth of the counts in `npm test`, all of them with ZS_SOAK=1.
 */

import { connect, type Socket } from 'node:net';
import type { Mesh } from '@zerostate/mesh';
import { createSigner, utf8 } from '@zerostate/shared';
import { afterEach, expect, test } from 'vitest';
import { encodeFrame } from '../../packages/mesh/src/frames.ts';
import { HANDSHAKES_PENDING_MAX, TASK_STREAMS_MAX } from '../../packages/mesh/src/limits.ts';
import { cardKey, encodeCard } from '../../packages/mesh/src/records/card-value.ts';
import { until } from '../../packages/mesh/src/testing/adapters/system.ts';
import { author, signedCard } from '../../packages/mesh/src/testing/cards.ts';
import { addressOf, NETWORK, TestMesh } from '../../packages/mesh/src/testing/nodes.ts';
import { countOf } from '../seed.ts';

const COUNT = countOf(1_000);
const TASK = 'A'.repeat(43);
const TASK_PROTOCOL = '/zerostate/task/1.0.0';
const CARDS_TOPIC = `zerostate/${NETWORK}/cards/1`;
const never = new AbortController().signal;

const mesh = new TestMesh();
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await mesh.stop();
});

/** A node under attack, one that attacks, and an honest one that asks questions all the while. */
async function world() {
  const victim = await mesh.node();
  victim.tasks.handle('task.cancel', async ({ body }) => ({
    ok: true,
    value: { message: null, body },
  }));
  const [attacker, honest] = [await mesh.node({ listen: [] }), await mesh.node({ listen: [] })];
  for (const node of [attacker, honest]) await node.connect(addressOf(victim));
  await until(() => attacker.agreed(victim.did) && honest.agreed(victim.did));
  return { victim, attacker, honest };
}

/** Honest questions while a flood runs: every one of them has its answer. */
async function during(flood: () => Promise<unknown>, honest: Mesh, victim: Mesh): Promise<void> {
  let isOver = false;
  const flooding = flood().finally(() => {
    isOver = true;
  });
  let asked = 0;
  while (!isOver || asked < 3) {
    await expectAnswer(honest, victim);
    asked += 1;
    // Within an honest peer's own rate.
    await new Promise<void>((resolve) => setTimeout(resolve, 50));
  }
  await flooding;
  await expectAnswer(honest, victim);
}

async function expectAnswer(honest: Mesh, victim: Mesh): Promise<void> {
  const body = new Uint8Array(1_000).fill(7);
  const message = { type: 'task.cancel', body: { task: TASK } } as const;
  const answered = await honest.tasks.ask(victim.did, message, { body, withinMs: 60_000 });
  expect(answered).toMatchObject({ ok: true, value: { body } });
}

const counted = (node: Mesh, name: string): number =>
  Object.entries(node.status().counters).find(([key]) => key === name)?.[1] ?? 0;

function socketTo(victim: Mesh): Socket {
  const port = Number(/tcp\/(\d+)/.exec(addressOf(victim))?.[1]);
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  sockets.push(socket);
  return socket;
}

test('streams without a question are reset past their number', async () => {
  const { victim, attacker, honest } = await world();
  const opened: { abort(reason: string): void }[] = [];
  await during(
    async () => {
      for (let i = 0; i < Math.max(COUNT, 4 * TASK_STREAMS_MAX); i++) {
        const stream = await attacker.wire.open(victim.did, TASK_PROTOCOL, never);
        if (stream.ok) opened.push(stream.value);
      }
    },
    honest,
    victim,
  );
  await until(() => counted(victim, 'streams-over-limit') > 0);
  for (const stream of opened) stream.abort('over');
  await until(() => victim.wire.isConnected(honest.did));
});

test('frames that promise too much, and heads that are none, cost their streams', async () => {
  const { victim, attacker, honest } = await world();
  const send = async (bytes: Uint8Array): Promise<void> => {
    const stream = await attacker.wire.open(victim.did, TASK_PROTOCOL, never);
    if (!stream.ok) return;
    await stream.value.write(bytes, never);
    await stream.value.read(AbortSignal.timeout(20_000));
    stream.value.abort('over');
  };
  const huge = new Uint8Array(4).fill(255);
  await during(
    async () => {
      for (let i = 0; i < COUNT; i++) await send(i % 2 === 0 ? huge : encodeFrame(utf8('{}')));
    },
    honest,
    victim,
  );
  expect(counted(victim, 'tasks-frame-too-large')).toBe(COUNT / 2);
  expect(counted(victim, 'tasks-message-invalid')).toBe(COUNT / 2);
});

test('questions past a rate are refused with the time to come again', async () => {
  const { victim, attacker, honest } = await world();
  const message = { type: 'task.cancel', body: { task: TASK } } as const;
  const refused: number[] = [];
  await during(
    async () => {
      const ask = async (): Promise<void> => {
        const answer = await attacker.tasks.ask(victim.did, message, { withinMs: 60_000 });
        if (!answer.ok && answer.refusal !== undefined) refused.push(answer.refusal.retryMs);
      };
      // As many at once as a peer may have open, until well past its rate.
      for (let i = 0; refused.length < COUNT / 4 && i < COUNT; i++) {
        await Promise.all(Array.from({ length: TASK_STREAMS_MAX }, ask));
      }
    },
    honest,
    victim,
  );
  expect(counted(victim, 'tasks-over-message-rate')).toBe(refused.length);
  expect(refused.length).toBeGreaterThan(0);
  expect(Math.min(...refused)).toBeGreaterThan(0);
});

test('connections and half handshakes past their number are closed', async () => {
  const { victim, honest } = await world();
  await during(
    async () => {
      for (let i = 0; i < Math.max(COUNT, 3 * HANDSHAKES_PENDING_MAX); i++) {
        const socket = socketTo(victim);
        await new Promise<void>((resolve) => {
          socket.once('connect', () => resolve());
          socket.once('close', () => resolve());
        });
        // A third says the first words of a handshake, a third junk, a third nothing.
        if (i % 3 === 0) socket.write('\x13/multistream/1.0.0\n');
        if (i % 3 === 1) socket.write(new Uint8Array(1_000).fill(i));
      }
    },
    honest,
    victim,
  );
  await until(() => sockets.every(({ closed }) => closed));
  await until(() => counted(victim, 'connections-refused') > 0);
  await until(() => counted(victim, 'handshakes-failed') > 0);
  // A second later this address may connect again.
  const late = await mesh.node({ listen: [] });
  await until(() => late.wire.isConnected(victim.did) || void late.connect(addressOf(victim)));
});

test('gossiped junk ends at the first node, and so does the word of its teller', async () => {
  const { victim, attacker, honest } = await world();
  await until(() => victim.gossip.listeners() === 2 && honest.gossip.listeners() === 1);
  const signer = await author(7);
  await during(
    async () => {
      for (let i = 0; i < COUNT; i++) {
        const junk = i % 2 === 0 ? utf8(`junk ${i}`) : new Uint8Array(10_000).fill(i);
        await attacker.pubsub.publish(CARDS_TOPIC, junk);
        await new Promise<void>((resolve) => setTimeout(resolve, 5));
      }
      await until(() => counted(victim, 'gossip-rejected') > 0);
    },
    honest,
    victim,
  );
  expect(counted(honest, 'gossip-rejected')).toBe(0);
  await honest.gossip.tellCard(await signedCard(signer, 'news', 1, Date.now()));
  await until(() => victim.book.card(signer.did, 'news'));
});

test('forged, stale and repeated cards are counted by what is wrong with them', async () => {
  const { victim, attacker, honest } = await world();
  await until(() => attacker.gossip.listeners() === 1 && honest.gossip.listeners() === 1);
  const [signer, mallory] = [await author(8), await author(9)];
  const now = Date.now();
  const old = await signedCard(signer, 'digest', 1, now);
  const current = await signedCard(signer, 'digest', 2, now);
  await honest.gossip.tellCard(current);
  await until(() => victim.book.record(signer.did, 'digest')?.seq === '2');
  const forged = await signedCard(signer, 'forged', 1, now, { recordSigner: mallory });
  const key = cardKey({ network: NETWORK, did: signer.did, agent: 'digest' });
  await during(
    async () => {
      // A repeated or stale card is nobody's fault; a forgery is its teller's: it comes last.
      for (let i = 0; i < COUNT / 10; i++) {
        await attacker.gossip.tellCard(i % 2 === 0 ? current : old);
        await attacker.dht.put(key, encodeCard(old), AbortSignal.timeout(10_000));
      }
      await attacker.gossip.tellCard(forged);
    },
    honest,
    victim,
  );
  await until(() => counted(victim, 'gossip-repeated') > 0);
  await until(() => counted(victim, 'cards-freshness-stale') > 0);
  await until(() => counted(victim, 'cards-signature-record') > 0);
  expect(victim.book.record(signer.did, 'digest')?.seq).toBe('2');
  expect(victim.book.card(signer.did, 'forged')).toBeNull();
});

test('an author who tells more than its rate is not heard, and its neighbours are', async () => {
  const { victim, attacker, honest } = await world();
  await until(() => attacker.gossip.listeners() === 1 && honest.gossip.listeners() === 1);
  const seed = new Uint8Array(32).fill(10);
  const signer = await createSigner(seed);
  // Signed before: what is told in one go is over the rate, however long signing takes.
  const cards: Awaited<ReturnType<typeof signedCard>>[] = [];
  for (let i = 0; i < 100; i++) {
    cards.push(await signedCard(signer, `agent-${i}`, 1, Date.now()));
  }
  await during(
    async () => {
      for (const card of cards) await attacker.gossip.tellCard(card);
      await until(() => counted(victim, 'gossip-over-rate') > 0);
    },
    honest,
    victim,
  );
  const other = await author(11);
  await honest.gossip.tellCard(await signedCard(other, 'news', 1, Date.now()));
  await until(() => victim.book.card(other.did, 'news'));
});
