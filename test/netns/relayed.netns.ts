/** Two networks behind NAT that cannot send each other a packet, and relays in the internet. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { countOf } from '../seed.ts';
import { RELAY_AT, setCable } from './networks.ts';
import type { Peer } from './peer.ts';
import type { PeerConfig } from './peer-config.ts';
import { at, isReserved, NetworkWorld, relaysOf, through, timeUntil } from './world.ts';

const ROUNDS = countOf(50);
const MOVED_MS_MAX = 1_000;
const NOTICED_MS_MAX = 5_000;
const RESERVED_AGAIN_MS_MAX = 2_000;
const BYTES = 200_000;

const world = new NetworkWorld();
beforeEach(() => world.open());
afterEach(() => world.close());

async function pair(ports: readonly number[], config: Partial<PeerConfig> = {}) {
  const relays = await Promise.all(ports.map((port) => world.relay(port)));
  const [executor, caller] = [await world.executor(relays, config), await world.caller()];
  const status = () => executor.ask({ do: 'status' });
  const reserved = async () =>
    (await relaysOf(executor)).every(({ state }) => state === 'reserved');
  await timeUntil('the executor is reserved', reserved, status);
  return { relays, executor, caller, status };
}

/** One question with its bytes, by whatever relay answers. */
async function answers(caller: Peer, executor: Peer, relays: readonly Peer[], withinMs = 5_000) {
  const addresses = relays.map((relay) => through(relay, executor));
  return caller.ask({ do: 'ask', did: executor.did, addresses, withinMs });
}

async function connectionTo(peer: Peer, did: string): Promise<Record<string, unknown> | undefined> {
  const { peers } = await peer.ask({ do: 'status' });
  return Array.isArray(peers) ? peers.find((one) => one.did === did) : undefined;
}

/** Once it is there again, a relay may for a moment not take a node for another reason. */
const UNREACHABLE = /^relay does not take this node .*"relay-unreachable"/;

function expectOnce(warnings: unknown, event: RegExp): void {
  const said = Array.isArray(warnings) ? warnings.map(String) : [];
  expect(
    said.filter((line) => event.test(line)),
    String(event),
  ).toHaveLength(1);
}

test('a question and its bytes cross the relay where no direct path is', async () => {
  const { relays, executor, caller, status } = await pair([4001]);
  const behind = at(executor, '10.91.1.2');
  const translated = behind.replace('10.91.1.2', '45.0.1.2');
  for (const address of [behind, translated]) {
    const dialled = await caller.ask({ do: 'dial', address, withinMs: 2_000 });
    expect(dialled, address).toMatchObject({ ok: false });
  }
  const answer = await answers(caller, executor, relays, 15_000);
  expect(answer).toEqual({ ok: true, bytes: BYTES });
  // dcutr is tried; over TCP from one port for each connection it cannot come through two NATs.
  const attempted = async () => executor.upgrades.some((line) => line.includes('sending connect'));
  await timeUntil('a direct connection is attempted', attempted, status);
  const outcome = async () => executor.upgrades.some((line) => /attempt 3 of 3|succeed/.test(line));
  await timeUntil('the attempts are over', outcome, status);
  expect(await connectionTo(caller, executor.did)).toMatchObject({ isRelayed: true });
  expect(await answers(caller, executor, relays)).toEqual({ ok: true, bytes: BYTES });
  console.info(`dcutr between two NATs: ${executor.upgrades.at(-1)?.split('\n')[0]}`);
});

test('a caller that can be dialled has a direct connection a moment later, and loses no answer', async () => {
  // Long enough that the relayed connection would be gone before the answer.
  const { relays, executor, status } = await pair([4001], { answersAfterDirectMs: 2_500 });
  const announce = [`/ip4/${RELAY_AT.left}/tcp/4009`];
  const listen = ['/ip4/0.0.0.0/tcp/4009'];
  const caller = await world.start('relay', { seed: 9, listen, announce });
  expect(await answers(caller, executor, relays, 30_000)).toEqual({ ok: true, bytes: BYTES });
  const direct = async () => (await connectionTo(caller, executor.did))?.isRelayed === false;
  await timeUntil('the relayed connection is gone', direct, status);
  expect(await answers(caller, executor, relays, 30_000)).toEqual({ ok: true, bytes: BYTES });
});

test(`relays that die ${ROUNDS} times cost a second, and are used again`, async () => {
  const { relays, executor, caller, status } = await pair([4001, 4002]);
  expect(await answers(caller, executor, relays, 15_000)).toMatchObject({ ok: true });
  const [moved, again]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    const i = round % 2;
    await relays[i]?.stop();
    const isMoved = async () => (await answers(caller, executor, relays)).ok === true;
    moved.push(await timeUntil('traffic has moved', isMoved, status));
    const returned = await world.relay(4001 + i);
    relays[i] = returned;
    again.push(
      await timeUntil('it is reserved again', () => isReserved(executor, returned), status),
    );
  }
  console.info('moved ms', Math.max(...moved), 'reserved again ms', Math.max(...again));
  expect(Math.max(...moved)).toBeLessThan(MOVED_MS_MAX);
  expect(Math.max(...again)).toBeLessThan(RESERVED_AGAIN_MS_MAX);
});

test('a relay that freezes is noticed and left, and taken again when it thaws', async () => {
  const { relays, executor, caller, status } = await pair([4001, 4002]);
  expect(await answers(caller, executor, relays, 15_000)).toMatchObject({ ok: true });
  const [victim] = relays;
  if (victim === undefined) throw new Error('no relay');
  victim.freeze();
  const left = async () => !(await isReserved(executor, victim));
  const noticed = await timeUntil('it is noticed', left, status);
  const isMoved = async () => (await answers(caller, executor, relays)).ok === true;
  await timeUntil('traffic has moved', isMoved, status);
  victim.thaw();
  const again = await timeUntil('it is taken', () => isReserved(executor, victim), status);
  console.info('noticed ms', noticed, 'reserved again ms', again);
  expect(noticed).toBeLessThan(NOTICED_MS_MAX);
  expect(again).toBeLessThan(RESERVED_AGAIN_MS_MAX);
});

test('an executor whose cable was out is back through its relay by itself', async () => {
  const { relays, executor, caller, status } = await pair([4001]);
  expect(await answers(caller, executor, relays, 15_000)).toMatchObject({ ok: true });
  setCable('left', 'down');
  const lost = async () => (await relaysOf(executor)).every(({ state }) => state !== 'reserved');
  await timeUntil('the loss is noticed', lost, status);
  const named = async () => String((await status()).problems).includes('relay-unreachable');
  await timeUntil('status names it', named, status);
  setCable('left', 'up');
  await timeUntil('it is back', async () => !(await lost()), status);
  const asked = async () => (await answers(caller, executor, relays)).ok === true;
  await timeUntil('it answers', asked, status);
  const { warnings, problems } = await status();
  expect(problems).toEqual([]);
  for (const event of [/^relay lost/, UNREACHABLE]) expectOnce(warnings, event);
});

test('an executor that starts without a network says so once and joins when it is there', async () => {
  const relay = await world.relay(4001);
  setCable('left', 'down');
  const bootstrap = [at(relay, RELAY_AT.left)];
  const config = { seed: 2, listen: ['/ip4/0.0.0.0/tcp/4001'], relays: bootstrap, bootstrap };
  const executor = await world.start('left', config);
  const status = () => executor.ask({ do: 'status' });
  const tried = async () => JSON.stringify(await status()).split('does not').length > 2;
  await timeUntil('both are said', tried, status);
  setCable('left', 'up');
  await timeUntil('it is reserved', () => isReserved(executor, relay), status);
  const calm = async () => String((await status()).problems) === '';
  await timeUntil('nothing is wrong', calm, status);
  const { warnings } = await status();
  for (const event of [/^bootstrap node does not answer/, UNREACHABLE]) expectOnce(warnings, event);
});
