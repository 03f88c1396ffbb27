import { digestSha256, encodeBase64url, taskAnswerSchema, utf8 } from '@zerostate/shared';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { makeAccept, makeReceipt, makeTask, type TaskPair } from '../../test-support/documents.ts';
import { createPaidWorld, type EdgeWorld } from '../../test-support/world.ts';
import { outboxRead } from '../hub/outbox.ts';
import { acceptTask, finishTask } from './progress.ts';

const INPUT = utf8('a picture');
const OUTPUT = utf8('a small picture');

let world: EdgeWorld;
let channel: { ch: string; dir: 'a' | 'b' };

/** Alice pays Bob, who has a live card. */
beforeEach(async () => {
  ({ world, channel } = await createPaidWorld());
});
afterEach(() => world.close());

type Change = Parameters<typeof makeTask>[4];

function task(change: Change = {}): Promise<TaskPair> {
  const about = { now: world.now(), ...channel, input: INPUT };
  return makeTask(world.network, world.alice, world.bob, about, change);
}

function submit({ manifest, cond }: TaskPair, input: string | null = encodeBase64url(INPUT)) {
  const json = { manifest, cond, ...(input === null ? {} : { input }) };
  return world.call('POST', '/v1/tasks', { json });
}

async function codeOf(response: Response): Promise<string> {
  const problem: unknown = await response.json();
  const isProblem = typeof problem === 'object' && problem !== null && 'code' in problem;
  return isProblem ? String(problem.code) : `status ${response.status}`;
}

async function get(id: string, signer = world.alice) {
  const response = await world.call('GET', `/v1/tasks/${id}`, { signer });
  return taskAnswerSchema.parse(await response.json());
}

async function accept(pair: TaskPair, inMs = 10_000) {
  const message = await makeAccept(world.network, world.bob, pair, world.now() + inMs);
  return acceptTask(world.tasks, world.bob.did, message);
}

async function finish(pair: TaskPair, change: Parameters<typeof makeReceipt>[4] = {}) {
  const about = { now: world.now(), output: OUTPUT };
  const receipt = await makeReceipt(world.network, world.bob, pair, about, change);
  return finishTask(world.tasks, world.bob.did, { receipt, output: encodeBase64url(OUTPUT) });
}

describe('a submitted task', () => {
  test('is stored with its input and offered to its executor before it is answered', async () => {
    const pair = await task();
    const response = await submit(pair);
    expect(response.status).toBe(202);
    expect(taskAnswerSchema.parse(await response.json())).toMatchObject({
      task: pair.id,
      state: 'offered',
      manifest: pair.manifest,
    });
    const [offer] = await outboxRead(world.directory, world.bob.did, 0, 10);
    expect(offer?.type).toBe('task.offer');
    expect(JSON.parse(offer?.body ?? '')).toMatchObject({ manifest: pair.manifest });
    const input = await world.call('GET', `/v1/blobs/${await digestSha256(INPUT)}`, {
      signer: world.bob,
    });
    expect(await input.text()).toBe('a picture');
  });

  test('is the same task however often it comes', async () => {
    const pair = await task();
    await submit(pair);
    expect((await submit(pair)).status).toBe(200);
    expect(await outboxRead(world.directory, world.bob.did, 0, 10)).toHaveLength(1);
    const other = await task();
    const cond = { ...pair, cond: other.cond };
    expect((await submit(cond)).status).toBe(422);
  });

  test('does not exist for strangers, but for an arbiter', async () => {
    const pair = await task();
    await submit(pair);
    const path = `/v1/tasks/${pair.id}`;
    expect((await world.call('GET', path, { signer: world.carol })).status).toBe(404);
    expect((await world.call('GET', path, { signer: world.arbiter })).status).toBe(200);
  });
});

describe('a task is refused', () => {
  test.each<[string, number, string, () => Change]>([
    ['with a condition for another cap', 422, 'task-terms', () => ({ cond: { cap: '9999' } })],
    [
      'with a condition that ends early',
      422,
      'task-terms',
      () => ({ cond: { not_after: String(world.now()) } }),
    ],
    [
      'past its last moment',
      422,
      'task-expired',
      () => ({ manifest: { not_after: String(world.now()) } }),
    ],
    ['for an agent that is not there', 404, 'agent-unknown', () => ({ manifest: { agent: 'x' } })],
    [
      'on a channel that is not there',
      404,
      'channel-unknown',
      () => ({ cond: { ch: 'A'.repeat(43) } }),
    ],
    [
      'paid from the other side',
      403,
      'channel-not-party',
      () => ({ cond: { dir: channel.dir === 'a' ? 'b' : 'a' } }),
    ],
    [
      'with another input than it names',
      422,
      'task-input-wrong',
      () => ({ manifest: { input_len: '1' } }),
    ],
  ])('%s', async (_, status, code, change) => {
    const response = await submit(await task(change()));
    expect([response.status, await codeOf(response)]).toEqual([status, code]);
  });

  test('when its creator has not put the input', async () => {
    const pair = await task();
    expect(await codeOf(await submit(pair, null))).toBe('task-input-missing');
    // Another's blob of the same bytes does not count.
    const path = `/v1/blobs/${await digestSha256(INPUT)}`;
    await world.call('PUT', path, { bytes: INPUT, signer: world.bob });
    expect(await codeOf(await submit(pair, null))).toBe('task-input-missing');
    await world.call('PUT', path, { bytes: INPUT, signer: world.alice });
    expect((await submit(pair, null)).status).toBe(202);
  });

  test('when a signature is another’s', async () => {
    const pair = await task();
    const [sig] = pair.cond.sigs;
    const forged = { ...pair.cond, sigs: [{ by: world.bob.did, sig: sig?.sig ?? '' }] };
    const response = await submit({ ...pair, cond: forged });
    expect([response.status, await codeOf(response)]).toEqual([403, 'signer-missing']);
  });
});

describe('an executor', () => {
  test('accepts and finishes; the output travels with the answer', async () => {
    const pair = await task();
    await submit(pair);
    expect(await accept(pair)).toMatchObject({ ok: true });
    expect((await get(pair.id)).state).toBe('accepted');
    await world.pass(700);
    expect(await finish(pair)).toMatchObject({ ok: true });
    const done = await get(pair.id);
    expect(done).toMatchObject({ state: 'done', output: encodeBase64url(OUTPUT) });
    expect((done.done_at ?? 0) - (done.accepted_at ?? 0)).toBe(700);
  });

  test('may say everything twice', async () => {
    const pair = await task();
    await submit(pair);
    const message = await makeAccept(world.network, world.bob, pair, world.now() + 9_000);
    await acceptTask(world.tasks, world.bob.did, message);
    expect(await acceptTask(world.tasks, world.bob.did, message)).toMatchObject({ ok: true });
    await finish(pair);
    expect(await finish(pair)).toMatchObject({ ok: true });
    expect(await acceptTask(world.tasks, world.bob.did, message)).toMatchObject({ ok: true });
  });

  test('wakes whoever waits for the task', async () => {
    const pair = await task();
    await submit(pair);
    await accept(pair);
    const waiting = world.call('GET', `/v1/tasks/${pair.id}?wait=30`, { signer: world.alice });
    await finish(pair);
    expect(taskAnswerSchema.parse(await (await waiting).json()).state).toBe('done');
  });

  test('answers the submission itself where that waits, with what became of the task', async () => {
    const pair = await task();
    const { manifest, cond } = pair;
    const json = { manifest, cond, input: encodeBase64url(INPUT) };
    const submitted = world.call('POST', '/v1/tasks?wait=30', { json });
    await vi.waitFor(async () => expect((await get(pair.id)).state).toBe('offered'));
    await accept(pair);
    await finish(pair);
    const response = await submitted;
    expect(response.status).toBe(202);
    const answer = taskAnswerSchema.parse(await response.json());
    expect(answer).toMatchObject({ state: 'done', output: encodeBase64url(OUTPUT) });
  });

  test('gets no second receipt in, and both are kept', async () => {
    const pair = await task();
    await submit(pair);
    await accept(pair);
    await finish(pair);
    expect(await finish(pair, { gas: '1' })).toMatchObject({ code: 'receipt-equivocation' });
    const rows = await world.directory.read({ sql: 'SELECT * FROM task_equivocation', args: [] });
    expect(rows).toHaveLength(1);
  });

  test('cannot touch another’s task or finish what it did not accept', async () => {
    const pair = await task();
    await submit(pair);
    const message = await makeAccept(world.network, world.carol, pair, world.now() + 9_000);
    expect(await acceptTask(world.tasks, world.carol.did, message)).toMatchObject({
      code: 'forbidden',
    });
    expect(await finish(pair)).toMatchObject({ code: 'task-state' });
  });

  test('cannot promise a deadline after the task’s last moment', async () => {
    const pair = await task();
    await submit(pair);
    expect(await accept(pair, 300_001)).toMatchObject({ code: 'task-terms' });
  });

  test('must put an output that is not inline', async () => {
    const pair = await task();
    await submit(pair);
    await accept(pair);
    const about = { now: world.now(), output: OUTPUT };
    const receipt = await makeReceipt(world.network, world.bob, pair, about);
    const finishing = () => finishTask(world.tasks, world.bob.did, { receipt });
    expect(await finishing()).toMatchObject({ code: 'output-wrong' });
    const path = `/v1/blobs/${await digestSha256(OUTPUT)}`;
    await world.call('PUT', path, { bytes: OUTPUT, signer: world.bob });
    expect(await finishing()).toMatchObject({ ok: true });
    expect((await world.call('GET', path, { signer: world.alice })).status).toBe(200);
  });
});

describe('an accepted task', () => {
  test('fails past its deadline and counts against its executor, once', async () => {
    const pair = await task();
    await submit(pair);
    await accept(pair, 10_000);
    const { sweep } = world;
    await world.pass(10_000);
    await sweep();
    expect((await get(pair.id)).state).toBe('accepted');
    await world.pass(1);
    await sweep();
    await sweep();
    expect((await get(pair.id)).state).toBe('failed');
    const reputation = await world.ledger.reputation(world.bob.did);
    expect(reputation).toMatchObject({ ok: true, value: { n: 1, failed: 1 } });
    expect(await finish(pair)).toMatchObject({ code: 'task-state' });
  });
});

describe('an objection', () => {
  const object = async (pair: TaskPair, signer: EdgeWorld['alice']) => {
    const done = await get(pair.id);
    const { idOf, sealEnvelope } = await import('@zerostate/shared');
    const receipt = idOf(world.network, 'task.receipt', done.receipt?.body ?? {});
    const body = { receipt, reason: 'output-differs' } as const;
    const objection = await sealEnvelope(world.network, 'task.objection', body, signer);
    return world.call('POST', `/v1/tasks/${pair.id}/objection`, { json: { objection } });
  };

  test('of the creator stands with the task and reaches the executor', async () => {
    const pair = await task();
    await submit(pair);
    await accept(pair);
    await finish(pair);
    const response = await object(pair, world.alice);
    expect(response.status).toBe(200);
    expect((await get(pair.id)).objection).not.toBeNull();
    expect((await object(pair, world.alice)).status).toBe(200);
    const offers = await outboxRead(world.directory, world.bob.did, 0, 10);
    expect(offers.map(({ type }) => type)).toEqual(['task.offer', 'task.objection']);
  });

  test('of anybody else is refused', async () => {
    const pair = await task();
    await submit(pair);
    await accept(pair);
    await finish(pair);
    expect(await codeOf(await object(pair, world.bob))).toBe('signer-missing');
  });
});
