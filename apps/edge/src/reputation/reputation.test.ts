import { sealEnvelope } from '@zerostate/shared';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  createWorld,
  DAY,
  fund,
  hash,
  must,
  type Opened,
  openActive,
  paying,
  receipt,
  START,
  UNIT,
  type World,
} from '../ledger/testing/world.ts';

let world: World;
let on: Opened;
let last: { cum: bigint; memo: string };
beforeEach(async () => {
  world = await createWorld();
  await fund(world, 'alice', 1_000n * UNIT);
  on = await openActive(world, { payer: 'alice', payee: 'bob', amount: 500n * UNIT });
  last = { cum: 0n, memo: '' };
});
afterEach(async () => {
  await world.database.close();
});
const shown = async () => must(await world.ledger.reputation(world.signers.bob.did));

async function succeed(task: string, durationMs: number, price: bigint): Promise<void> {
  world.durations.set(hash(task), durationMs);
  const made = await receipt(world, on, { task, lane: 1, price });
  const paid = await paying(world, on, { lane: 1, from: last, receipts: [{ ...made, price }] });
  must(await world.ledger.redeem([paid.redemption], null));
  last = paid;
}

async function fail(task: string, durationMs: number, cap: bigint): Promise<void> {
  const { alice, bob } = world.signers;
  const body = { task: hash(task), ch: on.ch, lane: '2', deadline: String(START + durationMs) };
  const accept = await sealEnvelope(world.network, 'task.accept', body, bob);
  const failure = { task: hash(task), executor: bob.did, creator: alice.did, accept, cap };
  await world.ledger.recordFailure({ ...failure, acceptedAt: START });
  await world.ledger.recordFailure({ ...failure, acceptedAt: START });
}

it('ten ever faster and cheaper tasks score .500, .636 at five and .647 at ten', async () => {
  const scores: string[] = [];
  for (let n = 0; n < 10; n++) {
    await succeed(`t${n}`, 30_000 - n * 1_000, 10n * UNIT - (BigInt(n) * UNIT) / 2n);
    scores.push((await shown()).score.toFixed(4));
  }
  const published = '.5000 .5000 .5000 .5000 .6360 .6381 .6403 .6426 .6449 .6473';
  expect(scores).toEqual(published.split(' ').map((score) => `0${score}`));
  expect(await shown()).toMatchObject({ n: 10, ok: 10, failed: 0, suspended_until: null });
});

it('eight failures after two successes score .278 at five and .178 at ten, and suspend', async () => {
  const scores: string[] = [];
  for (let n = 0; n < 10; n++) {
    if (n < 2) await succeed(`t${n}`, 60_000, 20n * UNIT);
    else await fail(`t${n}`, 60_000, 20n * UNIT);
    scores.push((await shown()).score.toFixed(4));
  }
  const published = '.5000 .5000 .5000 .5000 .2785 .2450 .2211 .2032 .1892 .1781';
  expect(scores).toEqual(published.split(' ').map((score) => `0${score}`));
  expect(await shown()).toMatchObject({ n: 10, ok: 2, failed: 8, suspended_until: START + DAY });
});

it('a failed task that was paid or claimed after all is not counted as a failure', async () => {
  await succeed('t0', 1_000, UNIT);
  await fail('t0', 1_000, UNIT);
  expect(await shown()).toMatchObject({ n: 1, failed: 0 });
});

it('a DID nobody knows has the neutral score and no evidence', async () => {
  const { score, n, updated_at } = await shown();
  expect([score, n, updated_at]).toEqual([0.5, 0, null]);
  const both = [world.signers.bob.did, world.signers.carol.did];
  await succeed('t0', 1_000, UNIT);
  expect([...(await world.ledger.reputations(both)).keys()]).toEqual([world.signers.bob.did]);
});
