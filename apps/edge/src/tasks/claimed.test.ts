/** Tasks that an edge hears of only when they are argued about. */
import { encodeBase64url, idOf, sealEnvelope, utf8 } from '@zerostate/shared';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeReceipt, makeTask, type TaskPair } from '../../test-support/documents.ts';
import { createPaidWorld, type EdgeWorld } from '../../test-support/world.ts';

const INPUT = utf8('a picture');

let world: EdgeWorld;
let pair: TaskPair;

/** Alice's task for Bob, which went to him without the edge. */
beforeEach(async () => {
  const made = await createPaidWorld();
  world = made.world;
  const about = { now: world.now(), ...made.channel, input: INPUT };
  pair = await makeTask(world.network, world.alice, world.bob, about);
});
afterEach(() => world.close());

async function submit(): Promise<unknown> {
  const { manifest, cond } = pair;
  const json = { manifest, cond, input: encodeBase64url(INPUT) };
  const response = await world.call('POST', '/v1/tasks', { json });
  const { code }: { code?: string } = await response.json();
  return code ?? response.status;
}

async function claim(): Promise<string> {
  const receipt = await makeReceipt(world.network, world.bob, pair, {
    now: world.now(),
    output: INPUT,
  });
  const filed = await world.ledger.fileClaim({ cond: pair.cond, receipt }, world.bob.did, null);
  expect(filed).toMatchObject({ ok: true });
  return idOf(world.network, 'task.receipt', receipt.body);
}

async function claimState(): Promise<unknown> {
  const id = idOf(world.network, 'paych.cond', pair.cond.body);
  const response = await world.call('GET', `/v1/claims/${id}`);
  const { state }: { state: string } = await response.json();
  return state;
}

test('a claim filed past the last moment of its task is disputed all the same', async () => {
  await world.pass(310_000);
  expect(await submit()).toBe('task-expired');
  const receipt = await claim();
  expect(await submit()).toBe(202);
  const body = { receipt, reason: 'output-differs' };
  const objection = await sealEnvelope(world.network, 'task.objection', body, world.alice);
  const path = `/v1/tasks/${pair.id}/objection`;
  const said = await world.call('POST', path, { json: { objection } });
  expect(said.status).toBe(200);
  expect(await claimState()).toBe('disputed');
});

test('so is one on a channel that its executor began to close', async () => {
  const receipt = await claim();
  const body = { ch: pair.cond.body.ch, nonce: encodeBase64url(new Uint8Array(16).fill(3)) };
  const close = await sealEnvelope(world.network, 'paych.close1', body, world.bob);
  expect(await world.ledger.close1Channel(close, null)).toMatchObject({ ok: true });
  expect(await submit()).toBe(202);
  const word = { receipt, reason: 'output-differs' };
  const objection = await sealEnvelope(world.network, 'task.objection', word, world.alice);
  await world.call('POST', `/v1/tasks/${pair.id}/objection`, { json: { objection } });
  expect(await claimState()).toBe('disputed');
});
