import { afterEach, describe, expect, test } from 'vitest';
import { encodeFrame } from '../frames.ts';
import type { Mesh } from '../node.ts';
import { systemPorts, until } from '../testing/adapters/system.ts';
import { addressOf, TestMesh } from '../testing/nodes.ts';
import { TASK_PROTOCOL } from './exchange.ts';
import { encodeAsk, type Message } from './message.ts';

const mesh = new TestMesh();
afterEach(() => mesh.stop());

const task = 'A'.repeat(43);
const cancel: Message = { type: 'task.cancel', body: { task } };
const progress: Message = { type: 'task.progress', body: { task, gas: '7' } };
const key = 'K'.repeat(22);

async function pair(ports = systemPorts()): Promise<[executor: Mesh, caller: Mesh]> {
  const [executor, caller] = [await mesh.node(), await mesh.node({ listen: [] }, { ports })];
  await caller.connect(addressOf(executor));
  return [executor, caller];
}

describe('a question to another node', () => {
  test('is answered once, with its body both ways, and knows who asked', async () => {
    const [executor, caller] = await pair();
    const seen: string[] = [];
    executor.tasks.handle('task.cancel', async ({ from, body }) => {
      seen.push(from);
      return { ok: true, value: { message: progress, body: body.toReversed() } };
    });
    const body = new Uint8Array(3_000_000).map((_, i) => i % 251);
    const answered = await caller.tasks.ask(executor.did, cancel, { body });
    if (!answered.ok) throw new Error(answered.code);
    expect(answered.value.message).toEqual(progress);
    expect(Buffer.compare(answered.value.body, body.toReversed())).toBe(0);
    expect(seen).toEqual([caller.did]);
    const [account] = executor.tasks.accounts.top(1);
    expect(account).toMatchObject({ did: caller.did, messagesIn: 1 });
    expect(account?.bytesIn.bulk).toBeGreaterThan(3_000_000);
  });

  test('that is repeated runs once; the same key for something else is refused', async () => {
    const [executor, caller] = await pair();
    let runs = 0;
    executor.tasks.handle('task.cancel', async () => {
      runs += 1;
      return { ok: true, value: { message: { ...progress, body: { task, gas: String(runs) } } } };
    });
    const asks = Array.from({ length: 10 }, () => caller.tasks.ask(executor.did, cancel, { key }));
    for (const answered of await Promise.all(asks)) {
      expect(answered).toMatchObject({ ok: true, value: { message: { body: { gas: '1' } } } });
    }
    expect(runs).toBe(1);
    expect(executor.counters.of('tasks-repeated')).toBe(9);
    const other: Message = { type: 'task.cancel', body: { task: 'B'.repeat(42).concat('A') } };
    const reused = await caller.tasks.ask(executor.did, other, { key });
    expect(reused).toMatchObject({ ok: false, code: 'refused', refusal: { code: 'key-reused' } });
    const stranger = await mesh.node({ listen: [] });
    await stranger.connect(addressOf(executor));
    expect(await stranger.tasks.ask(executor.did, other, { key })).toMatchObject({ ok: true });
  });

  test('that nobody answers ends at its deadline', async () => {
    const withinMs = 200;
    const ports = systemPorts();
    let isOver: () => void = () => undefined;
    const after = (ms: number, f: () => void) => {
      if (ms !== withinMs) return ports.timers.after(ms, f);
      isOver = f;
      return () => undefined;
    };
    const timers = { ...ports.timers, after };
    const [executor, caller] = await pair({ ...ports, timers });
    let signal: AbortSignal | undefined;
    executor.tasks.handle('task.cancel', async (question) => {
      signal = question.signal;
      // The caller's time is over once the question is there, however long its way took.
      isOver();
      await until(() => question.signal.aborted);
      return { ok: false, code: 'late' };
    });
    const answered = await caller.tasks.ask(executor.did, cancel, { withinMs });
    expect(answered).toMatchObject({ ok: false, code: 'deadline' });
    await until(() => signal?.aborted);
  });

  test('is refused by name when it is not expected, and a fault is not a crash', async () => {
    const [executor, caller] = await pair();
    const unexpected = await caller.tasks.ask(executor.did, progress);
    expect(unexpected).toMatchObject({ refusal: { code: 'message-unexpected' } });
    executor.tasks.handle('task.cancel', async () => {
      throw new Error('bug');
    });
    const failed = await caller.tasks.ask(executor.did, cancel);
    expect(failed).toMatchObject({ refusal: { code: 'internal' } });
  });
});

describe('a flood is shed and counted, and an honest caller is served', () => {
  async function flooded() {
    // A clock that stands still: what flows into a bucket meanwhile is not this test's matter.
    const clock = { now: () => 1_800_000_000_000 };
    const executor = await mesh.node({}, { ports: { ...systemPorts(), clock } });
    const honest = await mesh.node({ listen: [] });
    await honest.connect(addressOf(executor));
    executor.tasks.handle('task.cancel', async () => ({ ok: true, value: { message: null } }));
    const flooder = await mesh.node({ listen: [] });
    await flooder.connect(addressOf(executor));
    const send = async (bytes: Uint8Array, isEnded = true): Promise<void> => {
      const signal = AbortSignal.timeout(60_000);
      const opened = await flooder.wire.open(executor.did, TASK_PROTOCOL, signal);
      if (!opened.ok) return;
      await opened.value.write(bytes, signal);
      if (isEnded) await opened.value.end(signal);
    };
    const isHonestServed = async () => (await honest.tasks.ask(executor.did, cancel)).ok;
    return { executor, flooder, send, isHonestServed };
  }

  test('of frames that promise 4 GiB', async () => {
    const { executor, send, isHonestServed } = await flooded();
    await Promise.all(
      Array.from({ length: 20 }, () => send(Uint8Array.of(255, 255, 255, 255, 1), false)),
    );
    await until(() => executor.counters.of('tasks-frame-too-large') === 20);
    expect(await isHonestServed()).toBe(true);
  });

  test('of junk and half frames', async () => {
    const { executor, send, isHonestServed } = await flooded();
    await Promise.all(Array.from({ length: 10 }, () => send(encodeFrame(new Uint8Array(99)))));
    await Promise.all(Array.from({ length: 10 }, () => send(Uint8Array.of(0, 0, 1))));
    await until(() => executor.counters.of('tasks-message-invalid') === 10);
    await until(() => executor.counters.of('tasks-stream-ended') === 10);
    expect(await isHonestServed()).toBe(true);
  });

  test('of streams that say nothing', async () => {
    const { flooder, send, isHonestServed } = await flooded();
    await Promise.all(Array.from({ length: 60 }, () => send(Uint8Array.of(0), false)));
    expect(await isHonestServed()).toBe(true);
    expect(flooder.wire.connections().length).toBeLessThanOrEqual(1);
  });

  test('of good messages over the rate', async () => {
    const { executor, flooder, isHonestServed } = await flooded();
    const asks = await Promise.all(
      Array.from({ length: 30 }, async () => {
        const refused = [];
        for (let i = 0; i < 10; i++) refused.push(await flooder.tasks.ask(executor.did, cancel));
        return refused;
      }),
    );
    const refused = asks.flat().filter((answer) => !answer.ok && answer.code === 'refused');
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]).toMatchObject({ refusal: { code: 'over-message-rate' } });
    expect(executor.counters.of('tasks-over-message-rate')).toBe(refused.length);
    expect(await isHonestServed()).toBe(true);
  });

  test('of one message replayed with a new stream each time: it has one effect', async () => {
    const { executor, send } = await flooded();
    let effects = 0;
    executor.tasks.handle('task.cancel', async () => {
      effects += 1;
      return { ok: true, value: { message: null } };
    });
    const frame = encodeFrame(encodeAsk({ key, message: cancel, bytes: 0, within_ms: 5_000 }));
    for (let i = 0; i < 20; i++) await send(frame);
    await until(() => executor.counters.of('tasks-repeated') === 19);
    expect(effects).toBe(1);
  });
});
