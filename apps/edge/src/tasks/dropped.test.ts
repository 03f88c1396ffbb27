/** Tasks that come to nothing before their deadline: given up by the executor, or cancelled. */
import { encodeBase64url, sealEnvelope, taskAnswerSchema, utf8 } from '@zerostate/shared';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeAccept, makeReceipt, makeTask, type TaskPair } from '../../test-support/documents.ts';
import { createPaidWorld, type EdgeWorld } from '../../test-support/world.ts';
import { outboxAck, outboxRead } from '../hub/outbox.ts';
import { acceptTask, finishTask, rejectTask } from './progress.ts';

const INPUT = utf8('a picture');
const OUTPUT = utf8('a small picture');

let world: EdgeWorld;
let pair: TaskPair;

/** Alice's task for Bob, offered. */
beforeEach(async () => {
  const made = await createPaidWorld();
  world = made.world;
  const about = { now: world.now(), ...made.channel, input: INPUT };
  pair = await makeTask(world.network, world.alice, world.bob, about);
  const { manifest, cond } = pair;
  const json = { manifest, cond, input: encodeBase64url(INPUT) };
  expect((await world.call('POST', '/v1/tasks', { json })).status).toBe(202);
});
afterEach(() => world.close());

async function accept() {
  const message = await makeAccept(world.network, world.bob, pair, world.now() + 10_000);
  expect(await acceptTask(world.tasks, world.bob.did, message)).toMatchObject({ ok: true });
}
const reject = (code: string, did = world.bob.did) =>
  rejectTask(world.tasks, did, { task: pair.id, code });
async function get(query = '') {
  const response = await world.call('GET', `/v1/tasks/${pair.id}${query}`, { signer: world.alice });
  return taskAnswerSchema.parse(await response.json());
}
async function reputation() {
  const answer = await world.ledger.reputation(world.bob.did);
  if (!answer.ok) throw new Error(answer.code);
  return answer.value;
}
async function cancel(signer = world.alice, about: { task?: string; id?: string } = {}) {
  const body = { task: about.task ?? pair.id };
  const signed = await sealEnvelope(world.network, 'task.cancel', body, signer);
  const path = `/v1/tasks/${about.id ?? pair.id}/cancel`;
  const response = await world.call('POST', path, { json: { cancel: signed } });
  const answer: Record<string, unknown> = await response.json();
  return { status: response.status, code: answer.code, state: answer.state };
}
const told = async () =>
  (await outboxRead(world.directory, world.bob.did, 0, 10)).map(({ type }) => type);

describe('an accepted task that its executor gives up', () => {
  test('ends its caller’s wait with the reason and counts as failed, once', async () => {
    await accept();
    const waiting = get('?wait=30');
    expect(await reject('abandoned')).toMatchObject({ ok: true });
    expect(await waiting).toMatchObject({
      state: 'rejected',
      reject: { code: 'abandoned' },
      accept: { type: 'task.accept' },
    });
    expect(await reject('abandoned')).toMatchObject({ ok: true });
    await world.pass(60_000);
    await world.sweep();
    expect(await reputation()).toMatchObject({ n: 1, failed: 1 });
    expect((await get()).state).toBe('rejected');
  });

  test('counts once when a crash cut it short between the two databases', async () => {
    await accept();
    const { recordFailure } = world.tasks.ledger;
    const cut = { ...world.tasks.ledger };
    cut.recordFailure = async (failure) => {
      await recordFailure(failure);
      throw new Error('cut');
    };
    const tasks = { ...world.tasks, ledger: cut };
    const rejecting = rejectTask(tasks, world.bob.did, { task: pair.id, code: 'abandoned' });
    await expect(rejecting).rejects.toThrow('cut');
    expect((await get()).state).toBe('accepted');
    expect(await reject('abandoned')).toMatchObject({ ok: true });
    expect(await reputation()).toMatchObject({ n: 1, failed: 1 });
  });

  test('is final: no receipt comes after it, and no stranger can say it', async () => {
    await accept();
    expect(await reject('abandoned', world.carol.did)).toMatchObject({ code: 'forbidden' });
    expect((await get()).state).toBe('accepted');
    await reject('abandoned');
    const about = { now: world.now(), output: OUTPUT };
    const receipt = await makeReceipt(world.network, world.bob, pair, about);
    const result = { receipt, output: encodeBase64url(OUTPUT) };
    expect(await finishTask(world.tasks, world.bob.did, result)).toMatchObject({
      code: 'task-state',
    });
  });

  test('leaves its condition to the ledger’s rules: a receipt is claimed all the same', async () => {
    await accept();
    await reject('abandoned');
    const about = { now: world.now(), output: OUTPUT };
    const receipt = await makeReceipt(world.network, world.bob, pair, about);
    const filed = await world.ledger.fileClaim({ cond: pair.cond, receipt }, world.bob.did, null);
    expect(filed).toMatchObject({ ok: true });
  });

  test('is not given up when its receipt is there already', async () => {
    await accept();
    const about = { now: world.now(), output: OUTPUT };
    const receipt = await makeReceipt(world.network, world.bob, pair, about);
    const result = { receipt, output: encodeBase64url(OUTPUT) };
    expect(await finishTask(world.tasks, world.bob.did, result)).toMatchObject({ ok: true });
    expect(await reject('abandoned')).toMatchObject({ code: 'task-state' });
    expect((await reputation()).failed).toBe(0);
  });
});

test('a task that was only offered is rejected without a failure', async () => {
  expect(await reject('busy')).toMatchObject({ ok: true });
  expect(await get()).toMatchObject({ state: 'rejected', accept: null });
  expect((await reputation()).n).toBe(0);
});

describe('a cancel', () => {
  test('reaches the executor, whose word ends the task', async () => {
    expect(await cancel()).toMatchObject({ status: 200, state: 'offered' });
    expect(await told()).toEqual(['task.offer', 'task.cancel']);
    expect(await reject('cancelled')).toMatchObject({ ok: true });
    expect(await cancel()).toMatchObject({ status: 200, state: 'rejected' });
    expect((await reputation()).n).toBe(0);
  });

  test('that crosses an accept is no failure of the executor that obeys it', async () => {
    await cancel();
    await accept();
    expect(await reject('cancelled')).toMatchObject({ ok: true });
    expect(await get()).toMatchObject({ state: 'rejected', reject: { code: 'cancelled' } });
    expect((await reputation()).n).toBe(0);
  });

  test('is no excuse that an executor can make up', async () => {
    await accept();
    await reject('cancelled');
    expect(await reputation()).toMatchObject({ n: 1, failed: 1 });
  });

  test('is told once while it waits, and again when it may have been lost', async () => {
    for (let n = 0; n < 3; n++) expect((await cancel()).status).toBe(200);
    expect(await told()).toEqual(['task.offer', 'task.cancel']);
    await world.directory.batch(outboxAck(world.bob.did, 2));
    await cancel();
    expect(await told()).toEqual(['task.cancel']);
  });

  test('is taken from the creator alone, while the task is offered', async () => {
    expect(await cancel(world.bob)).toMatchObject({ status: 403, code: 'signer-missing' });
    expect(await cancel(world.carol)).toMatchObject({ status: 403 });
    const other = pair.cond.body.ch;
    expect(await cancel(world.alice, { task: other })).toMatchObject({ code: 'task-terms' });
    expect(await cancel(world.alice, { task: other, id: other })).toMatchObject({ status: 404 });
    expect(await told()).toEqual(['task.offer']);
    await accept();
    expect(await cancel()).toMatchObject({ status: 409, code: 'task-state' });
  });
});
