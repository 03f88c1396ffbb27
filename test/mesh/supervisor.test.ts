/**
 * The relay supervisor against real relay processes: killed, frozen and started again. Five rounds
 * in `npm test`; fifty with ZS_SOAK=1, where the times of mesh.md are asserted as well.
 */

import type { Mesh } from '@zerostate/mesh';
import { afterEach, expect, test } from 'vitest';
import { until } from '../../packages/mesh/src/testing/adapters/system.ts';
import { TestMesh } from '../../packages/mesh/src/testing/nodes.ts';
import { expectNoGrowth, type Usage, usage } from './growth.ts';
import { RelayProcess } from './relay-process.ts';

const IS_SOAK = process.env.ZS_SOAK === '1';
const ROUNDS = IS_SOAK ? 50 : 5;
const MOVED_MS_MAX = 1_000;
const NOTICED_MS_MAX = 5_000;
const RESERVED_AGAIN_MS_MAX = 2_000;
/** Rounds after which every cache has what it will have. */
const WARM_ROUNDS = 10;
/** What a call may take: less than an address costs that does not answer (DIAL_ADDRESS_MS). */
const ANSWER_MS = 2_000;
const ECHO = '/test/echo/1';

const mesh = new TestMesh();
const relays: RelayProcess[] = [];
afterEach(async () => {
  await mesh.stop();
  for (const relay of relays.splice(0)) {
    relay.thaw();
    await relay.kill();
  }
});

async function world() {
  const [first, second] = [new RelayProcess(101), new RelayProcess(102)];
  relays.push(first, second);
  await Promise.all([first.start(), second.start()]);
  const executor = await mesh.node({ listen: [], relays: [first.address, second.address] });
  await executor.wire.handle(ECHO, 64, async (stream) => {
    const { signal } = new AbortController();
    const bytes = await stream.read(signal);
    if (bytes.ok && bytes.value !== null) await stream.write(bytes.value, signal);
    await stream.end(signal);
  });
  await until(() => executor.status().relays.every(({ state }) => state === 'reserved'));
  const caller = await mesh.node({ listen: [] });
  const addresses = await until(() => {
    const found = executor.addresses().filter((one) => one.includes('/p2p-circuit/'));
    return found.length >= 2 ? found : null;
  });
  await caller.wire.learn(executor.did, addresses);
  const seen = () => ({
    ended: relays.map(({ ended }) => ended),
    ...{ executor: seenOf(executor), caller: seenOf(caller) },
  });
  return { first, second, executor, caller, seen };
}

function seenOf(node: Mesh) {
  const { relays: reserved, peers, condemned } = node.status();
  return { reserved, peers, condemned, addresses: node.addresses() };
}

/** One round trip by whatever path there is; false when it does not come back in its time. */
async function answers(caller: Mesh, executor: Mesh): Promise<boolean> {
  const signal = AbortSignal.timeout(ANSWER_MS);
  const opened = await caller.wire.open(executor.did, ECHO, signal);
  if (!opened.ok) return false;
  await opened.value.write(Uint8Array.of(1), signal);
  const back = await opened.value.read(signal);
  opened.value.abort('done');
  return back.ok && back.value !== null;
}

/** Nothing here takes a fifth of this, however busy the machine is. */
const WAIT_MS = 60_000;

/** ms until `found`; what never comes fails with its name and the state of all there is. */
async function timeUntil(
  what: string,
  found: () => boolean | Promise<boolean>,
  seen: () => unknown,
): Promise<number> {
  const start = performance.now();
  while (!(await found())) {
    if (performance.now() - start > WAIT_MS) {
      throw new Error(`waited ${WAIT_MS} ms until ${what}: ${JSON.stringify(seen(), null, 1)}`);
    }
    await new Promise<void>((resolve) => setTimeout(resolve, 5));
  }
  return performance.now() - start;
}

const isReserved = (node: Mesh, relay: RelayProcess): boolean =>
  node.status().relays.some((one) => one.relay === relay.address && one.state === 'reserved');

const areReserved = (node: Mesh, of: readonly RelayProcess[]): boolean =>
  of.every((relay) => isReserved(node, relay));

test(`a relay that is killed ${ROUNDS} times never takes the node with it`, async () => {
  const { first, second, executor, caller, seen } = await world();
  const listeners = executor.status().listeners;
  let warm: Usage | null = null;
  const moved: number[] = [];
  const again: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const victim = round % 2 === 0 ? first : second;
    await timeUntil(`round ${round} begins`, () => areReserved(executor, [first, second]), seen);
    if (round === WARM_ROUNDS) warm = await usage(listeners);
    await victim.kill();
    moved.push(await timeUntil('traffic has moved', () => answers(caller, executor), seen));
    await victim.start();
    again.push(await timeUntil('it is reserved again', () => isReserved(executor, victim), seen));
  }
  expect(executor.status().listeners).toBe(listeners);
  expect(executor.status().relays.map(({ failures }) => failures)).toEqual([0, 0]);
  console.info('moved ms', Math.max(...moved), 'reserved again ms', Math.max(...again));
  if (warm !== null) expectNoGrowth(warm, await usage(executor.status().listeners));
  if (!IS_SOAK) return;
  expect(Math.max(...moved)).toBeLessThan(MOVED_MS_MAX);
  expect(Math.max(...again)).toBeLessThan(RESERVED_AGAIN_MS_MAX);
});

test(`a relay that freezes ${ROUNDS} times is noticed, left and taken again`, async () => {
  const { first, second, executor, caller, seen } = await world();
  const listeners = executor.status().listeners;
  let warm: Usage | null = null;
  const noticed: number[] = [];
  const again: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const victim = round % 2 === 0 ? first : second;
    await timeUntil(`round ${round} begins`, () => areReserved(executor, [first, second]), seen);
    if (round === WARM_ROUNDS) warm = await usage(listeners);
    victim.freeze();
    noticed.push(await timeUntil('it is noticed', () => !isReserved(executor, victim), seen));
    await timeUntil('traffic has moved', () => answers(caller, executor), seen);
    victim.thaw();
    again.push(await timeUntil('it is reserved again', () => isReserved(executor, victim), seen));
  }
  expect(executor.status().listeners).toBe(listeners);
  console.info('noticed ms', Math.max(...noticed), 'reserved again ms', Math.max(...again));
  if (warm !== null) expectNoGrowth(warm, await usage(executor.status().listeners));
  if (!IS_SOAK) return;
  expect(Math.max(...noticed)).toBeLessThan(NOTICED_MS_MAX);
  expect(Math.max(...again)).toBeLessThan(RESERVED_AGAIN_MS_MAX);
});
