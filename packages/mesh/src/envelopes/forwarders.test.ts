import { createSigner, type Signer } from '@zerostate/shared';
import { afterEach, describe, expect, test } from 'vitest';
import { encodeFrame } from '../frames.ts';
import { ENVELOPE_SKEW_MS, ROUTE_PEER_BURST } from '../limits.ts';
import type { Mesh } from '../node.ts';
import { DISTANCES_PROTOCOL } from '../routing/distance-exchange.ts';
import { wholeQuestion } from '../tasks/exchange.ts';
import type { Message } from '../tasks/message.ts';
import { systemPorts, until } from '../testing/adapters/system.ts';
import { chain, meshOf, settled } from '../testing/chains.ts';
import { type Carried, type Forwarder, startForwarder } from '../testing/forwarder.ts';
import { addressOf, NETWORK, TestMesh } from '../testing/nodes.ts';
import { envelopeId, openSealed, sealFor } from './envelope.ts';
import { AgreementKeys, agreementPairOf } from './key-agreement.ts';
import { ROUTE_PROTOCOL } from './outbound.ts';

const mesh = new TestMesh();
const forwarders: Forwarder[] = [];
afterEach(async () => {
  await Promise.all(forwarders.splice(0).map((one) => one.stop()));
  await mesh.stop();
});

const task = 'A'.repeat(43);
const cancel: Message = { type: 'task.cancel', body: { task } };
const { rng } = systemPorts();
const keys = new AgreementKeys();
const NOTHING = new Uint8Array(0);
type Ports = Partial<Record<'caller' | 'executor', ReturnType<typeof systemPorts>>>;
type Carry = (carried: Carried, it: Forwarder) => Promise<void>;

/** A caller and an executor that know one node only: a forwarder that does as `carry` says. */
async function between(carry: Carry = async () => undefined, ports: Ports = {}) {
  const seed = mesh.seed();
  const it = await startForwarder(seed, carry);
  forwarders.push(it);
  const [caller, executor] = await Promise.all([met(it, ports.caller), met(it, ports.executor)]);
  await settled(caller, executor.did, 2);
  await settled(executor, caller.did, 2);
  const bodies: string[] = [];
  executor.tasks.handle('task.cancel', async ({ from, body }) => {
    bodies.push(`${from} ${Buffer.from(body).toString()}`);
    return { ok: true, value: { message: null } };
  });
  return { caller, executor, it, bodies, seed };
}

async function met(it: Forwarder, ports = systemPorts()): Promise<Mesh> {
  const node = await mesh.node({ members: [it.did] }, { ports });
  await meet(it, node);
  return node;
}

async function meet(it: Forwarder, node: Mesh): Promise<void> {
  const connected = await it.wire.connect(addressOf(node), AbortSignal.timeout(10_000));
  if (!connected.ok) throw new Error(connected.code);
}

/** Hands an envelope on as it should be. */
async function handOn({ offer, sealed, say }: Carried, it: Forwarder): Promise<string[]> {
  await say({ kind: 'taken', waitMs: 0, remainingMs: 1 });
  const { to } = offer.head;
  const words = await it.offer(to, { ...offer, passed: [...offer.passed, it.did] }, sealed);
  await say(words.at(-1)?.includes('delivered') ? { kind: 'delivered' } : refused);
  return words;
}
const refused = { kind: 'refused', code: 'no-route' } as const;

/** An envelope of an author of its own, as it comes to the forwarder's neighbour. */
async function written(
  it: Forwarder,
  to: string,
  change: { from?: Signer; re?: string; issuedAt?: number; passed?: string[] } = {},
) {
  const author = change.from ?? (await createSigner(mesh.seed()));
  const about = {
    to,
    re: change.re ?? null,
    issuedAt: change.issuedAt ?? Date.now(),
    ttlMs: 10_000,
  };
  const { qos, bytes } = wholeQuestion(cancel, 'K'.repeat(22), NOTHING, 10_000);
  const made = await sealFor(NETWORK, { signer: author, rng, keys }, { ...about, qos }, bytes);
  if (!made.ok) throw new Error(made.code);
  const { head, signature, sealed } = made.value;
  const passed = change.passed ?? [author.did, it.did];
  const times = { leftMs: 10_000, waitMs: 0, remainingMs: 0 };
  return { author, offer: { head, signature, passed, ...times, bytes: sealed.length }, sealed };
}

describe('a node that carries an envelope', () => {
  test('reads nothing of it', async () => {
    const seen: Carried[] = [];
    const carry: Carry = async (carried, it) => {
      seen.push(carried);
      await handOn(carried, it);
    };
    const { caller, executor, bodies, seed } = await between(carry);
    const body = new TextEncoder().encode('a secret of the caller');
    expect(await caller.ask(executor.did, cancel, { body })).toMatchObject({ ok: true });
    expect(bodies).toEqual([`${caller.did} a secret of the caller`]);
    // A node that is late with a word has an envelope handed to it again.
    const recipients = new Set(seen.map(({ offer }) => offer.head.to));
    expect(recipients).toEqual(new Set([executor.did, caller.did]));
    for (const { offer, sealed } of seen) {
      expect(Buffer.from(sealed).includes('secret')).toBe(false);
      expect(Buffer.from(sealed).includes('task.cancel')).toBe(false);
      const envelope = { id: '', head: offer.head, signature: offer.signature, sealed };
      const read = await openSealed(NETWORK, envelope, await agreementPairOf(seed));
      expect(read).toMatchObject({ code: 'envelope-unreadable' });
    }
  });

  test('changes nothing of it: what it altered is refused, and the caller learns that', async () => {
    const said: string[] = [];
    const carry: Carry = async ({ offer, sealed, ...rest }, it) => {
      const altered = sealed.map((byte, at) => (at === 40 ? byte ^ 1 : byte));
      said.push(...(await handOn({ offer, sealed: altered, ...rest }, it)));
    };
    const { caller, executor, bodies } = await between(carry);
    const answered = await caller.ask(executor.did, cancel, { withinMs: 30_000 });
    expect(answered).toMatchObject({ ok: false, code: 'no-route' });
    await until(() => said.join().includes('envelope-forged'));
    expect(executor.counters.of('route-in-envelope-forged')).toBe(1);
    expect(bodies).toEqual([]);
  });

  test('cannot send it again, neither at once nor as fresh much later', async () => {
    const { executor, it, bodies } = await between();
    const { offer, sealed } = await written(it, executor.did);
    expect((await it.offer(executor.did, offer, sealed)).join()).toContain('delivered');
    for (let again = 0; again < 3; again++) {
      expect((await it.offer(executor.did, offer, sealed)).join()).toContain('"repeated"');
    }
    const issuedAt = Date.now() - 10_000 - ENVELOPE_SKEW_MS - 1;
    const old = await written(it, executor.did, { issuedAt });
    expect((await it.offer(executor.did, old.offer, old.sealed)).join()).toContain('"expired"');
    const early = await written(it, executor.did, { issuedAt: Date.now() + 2 * ENVELOPE_SKEW_MS });
    const words = await it.offer(executor.did, early.offer, early.sealed);
    expect(words.join()).toContain('"envelope-early"');
    await until(() => bodies.length === 1);
    expect(executor.counters.of('route-received')).toBe(1);
  });

  test('cannot answer in the place of whom was asked', async () => {
    const carry: Carry = async ({ offer, say }, it) => {
      await say({ kind: 'taken', waitMs: 0, remainingMs: 1 });
      const re = envelopeId(NETWORK, offer.head);
      const lie = await written(it, offer.head.from, { re, from: it.signer });
      await it.offer(offer.head.from, { ...lie.offer, passed: [it.did] }, lie.sealed);
      await say({ kind: 'delivered' });
    };
    const ports = systemPorts();
    const ends: (() => void)[] = [];
    // Half a minute and more: what a question may take in all.
    const after = (ms: number, f: () => void) => {
      if (ms < 30_000 || ms > 60_000) return ports.timers.after(ms, f);
      ends.push(f);
      return () => undefined;
    };
    const timed = { ...ports, timers: { ...ports.timers, after } };
    const { caller, executor, bodies } = await between(carry, { caller: timed });
    const asked = caller.ask(executor.did, cancel, { withinMs: 55_000 });
    // It is refused while the question waits; only then is the time over.
    await until(() => caller.counters.of('route-answers-unasked') > 0);
    for (const end of ends) end();
    expect(await asked).toMatchObject({ ok: false, code: 'deadline' });
    expect(bodies).toEqual([]);
  });

  test.each(['delivered', 'working', 'nothing'] as const)(
    'and drops it, saying %s, is passed by on another way',
    async (word) => {
      const carry: Carry = async ({ say }) => {
        await say({ kind: 'taken', waitMs: 0, remainingMs: 0 });
        if (word !== 'nothing') await say({ kind: word });
      };
      const it = await startForwarder(mesh.seed(), carry);
      forwarders.push(it);
      // The way round by two honest nodes is a hop longer.
      const seeds = Array.from({ length: 4 }, () => mesh.seed());
      const [caller, , , executor] = await meshOf(mesh, chain(4), seeds, [it.did]);
      if (caller === undefined || executor === undefined) throw new Error('no nodes');
      await settled(caller, executor.did, 3);
      await settled(executor, caller.did, 3);
      for (const node of [caller, executor]) await meet(it, node);
      await settled(caller, executor.did, 2);
      executor.tasks.handle('task.cancel', async () => ({ ok: true, value: { message: null } }));
      expect(caller.routes(executor.did).destinations[0]?.next).toBe(it.did);
      const answered = await caller.ask(executor.did, cancel, { withinMs: 12_000 });
      expect(answered).toMatchObject({ ok: true });
    },
  );
});

describe('an envelope', () => {
  test('goes in no loop, over no more hops than eight, and not under another’s name', async () => {
    const { caller, executor, it } = await between();
    const { offer, sealed, author } = await written(it, executor.did);
    const others = await Promise.all(
      Array.from({ length: 7 }, async () => (await createSigner(mesh.seed())).did),
    );
    const offered = async (passed: string[]) =>
      (await it.offer(caller.did, { ...offer, passed }, sealed)).join();
    expect(await offered([author.did, caller.did, it.did])).toContain('"loop"');
    expect(await offered([author.did, ...others.slice(1), it.did])).toContain('"hops-exhausted"');
    expect(await offered([author.did, ...others, it.did])).toContain('"envelope-invalid"');
    expect(await offered([author.did, ...others.slice(1)])).toContain('"envelope-invalid"');
    expect(await offered([author.did, it.did])).toContain('"no-route"');
  });
});

describe('junk is shed and counted, and honest questions are answered', () => {
  test('on the protocol of envelopes', async () => {
    const { caller, executor, it, bodies } = await between(async (carried, it) => {
      await handOn(carried, it);
    });
    const junk = [encodeFrame(new Uint8Array(99)), Uint8Array.of(255, 255, 255, 255, 1)];
    for (const bytes of junk) await it.send(executor.did, ROUTE_PROTOCOL, bytes);
    const { offer, sealed } = await written(it, executor.did);
    const cut = await it.offer(executor.did, { ...offer, bytes: sealed.length - 1 }, sealed);
    expect(cut.join()).toContain('"envelope-forged"');
    await until(() => executor.counters.of('route-in-frame-too-large') === 1);
    await until(() => executor.counters.of('route-in-envelope-invalid') === 1);
    expect(await caller.ask(executor.did, cancel)).toMatchObject({ ok: true });
    expect(bodies).toHaveLength(1);
  });

  test('of one neighbour over its share, whoever wrote it', async () => {
    // A clock that stands still: what flows into a bucket meanwhile is not this test's matter.
    const now = Date.now();
    const ports = { ...systemPorts(), clock: { now: () => now } };
    const { executor, it } = await between(undefined, { executor: ports });
    const { offer, sealed } = await written(it, executor.did);
    const altered = sealed.map((byte) => byte ^ 1);
    const said: string[] = [];
    for (let sent = 0; sent < ROUTE_PEER_BURST; sent += 20) {
      const words = Array.from({ length: 20 }, () => it.offer(executor.did, offer, altered));
      said.push(...(await Promise.all(words)).map((one) => one.join()));
    }
    expect(said.filter((words) => words.includes('"envelope-forged"'))).toHaveLength(
      ROUTE_PEER_BURST,
    );
    const over = await it.offer(executor.did, offer, sealed);
    expect(over.join()).toContain('"over-message-rate"');
    expect(executor.counters.of('route-in-over-message-rate')).toBe(1);
    const [account] = executor.status().routing.carried;
    expect(account).toMatchObject({ did: it.did, messagesIn: ROUTE_PEER_BURST, refused: 1 });
  });

  test('on the protocol of distances, with lies about others', async () => {
    const { caller, executor, it } = await between();
    const told = (name: string) => caller.counters.of(`distances-${name}`);
    await it.send(caller.did, DISTANCES_PROTOCOL, encodeFrame(new Uint8Array(100)));
    await until(() => told('vector-invalid') === 1);
    await it.send(caller.did, DISTANCES_PROTOCOL, Uint8Array.of(255, 255, 255, 255));
    await until(() => told('frame-too-large') === 1);
    const sequence = 4_000_000_000;
    await it.sequences.reach(sequence);
    const proof = it.sequences.newest(it.did);
    if (proof === undefined) throw new Error('no proof');
    const own = { ...proof, peer: it.did, hops: 0 };
    await it.tell(caller.did, [own, { ...proof, peer: executor.did, hops: 1 }]);
    await until(() => told('forged') === 1);
    expect(caller.routes(executor.did).destinations[0]?.hops).toBe(2);
  });
});

test('a neighbour whose health is in doubt is no way until it is well again', async () => {
  const { executor, it } = await between();
  const way = () => it.router.nextHop(executor.did, new Set());
  expect(way()).toBe(executor.did);
  it.suspects.add(executor.did);
  await until(() => way() === undefined);
  it.suspects.delete(executor.did);
  await until(() => way() === executor.did);
});
