import { describe, expect, test } from 'vitest';
import { decodeJob, encodeReply, LENGTH_BYTES, type ReplyFrame } from './frames.ts';
import { Pool, type SandboxJob } from './pool.ts';
import type { ProcessEvents, SandboxPorts, WorkerProcess } from './ports.ts';

const LIMITS = { gasMax: 1_000n, pagesMax: 4, wallMsMax: 1_000, outputMax: 10 };
const OUTCOME = {
  status: 'ok',
  output: new Uint8Array([1]),
  stderr: new Uint8Array(0),
  gas: 5n,
  pagesPeak: 1,
};

/** A process that the test speaks for. */
class ScriptedProcess implements WorkerProcess {
  readonly pid: number;
  readonly events: ProcessEvents;
  readonly jobs: string[] = [];
  readonly withModule: boolean[] = [];
  killed = false;

  constructor(pid: number, events: ProcessEvents) {
    this.pid = pid;
    this.events = events;
  }

  write(bytes: Uint8Array): void {
    const job = decodeJob(bytes.subarray(LENGTH_BYTES));
    this.jobs.push(job.taskId);
    this.withModule.push(job.wasm !== undefined);
  }

  kill(): void {
    this.killed = true;
    this.events.exit('SIGKILL');
  }

  end(): void {
    this.events.exit('0');
  }

  reply(frame: ReplyFrame): void {
    this.events.data(encodeReply(frame).slice());
  }
}

class ScriptedSystem implements SandboxPorts {
  readonly processes: ScriptedProcess[] = [];
  readonly timers: { at: number; call: () => void }[] = [];
  resident = 0;
  private time = 0;

  now(): number {
    return this.time;
  }

  after(ms: number, call: () => void): () => void {
    const timer = { at: this.time + ms, call };
    this.timers.push(timer);
    return () => {
      const index = this.timers.indexOf(timer);
      if (index >= 0) this.timers.splice(index, 1);
    };
  }

  spawn(events: ProcessEvents): WorkerProcess {
    const process = new ScriptedProcess(100 + this.processes.length, events);
    this.processes.push(process);
    return process;
  }

  async residentBytes(): Promise<number> {
    return this.resident;
  }

  /** Moves the clock and lets what is due happen. */
  async pass(ms: number): Promise<void> {
    this.time += ms;
    for (const timer of this.timers.filter(({ at }) => at <= this.time)) {
      this.timers.splice(this.timers.indexOf(timer), 1);
      timer.call();
    }
    await Promise.resolve();
    await Promise.resolve();
  }

  process(index: number): ScriptedProcess {
    const process = this.processes[index];
    if (process === undefined) throw new Error(`no process ${index}`);
    return process;
  }
}

function job(taskId: string): SandboxJob {
  const call = { abi: 'call', fn: 'run', args: [] } as const;
  return { wasm: new Uint8Array([taskId.charCodeAt(0)]), call, limits: LIMITS, taskId };
}

async function started(workers = 1): Promise<{ system: ScriptedSystem; pool: Pool }> {
  const system = new ScriptedSystem();
  const pool = new Pool(system, {
    workers,
    queueMax: 2,
    limits: LIMITS,
    overheadBytesMax: 1_000_000,
    hash: (wasm) => `hash ${wasm[0]}`,
  });
  const ready = pool.start();
  for (const process of system.processes) process.reply({ kind: 'ready' });
  expect(await ready).toBeUndefined();
  return { system, pool };
}

describe('the pool', () => {
  test('sends a module only to a worker that does not know it', async () => {
    const { system, pool } = await started();
    const result = pool.run(job('a'));
    const worker = system.process(0);
    worker.reply({ kind: 'module-needed' });
    worker.reply({ kind: 'outcome', outcome: OUTCOME });
    expect(await result).toEqual({ ok: true, outcome: OUTCOME });
    expect(worker.withModule).toEqual([false, true]);
  });

  test('kills a job at its wall limit and loses no other', async () => {
    const { system, pool } = await started();
    const stuck = pool.run(job('a'));
    const waiting = pool.run(job('b'));
    await system.pass(1_000);
    expect(await stuck).toMatchObject({ ok: false, fault: 'wall-limit' });
    expect(system.process(0).killed).toBe(true);
    const successor = system.process(1);
    successor.reply({ kind: 'ready' });
    expect(successor.jobs).toEqual(['b']);
    successor.reply({ kind: 'outcome', outcome: OUTCOME });
    expect(await waiting).toMatchObject({ ok: true });
  });

  test('names a worker that died under its job', async () => {
    const { system, pool } = await started();
    const lost = pool.run(job('a'));
    system.process(0).events.exit('exit SIGSEGV');
    expect(await lost).toEqual({ ok: false, fault: 'worker-died', detail: 'exit SIGSEGV' });
    expect(pool.counts()).toMatchObject({ workers: 1, ready: 0 });
    expect(system.processes).toHaveLength(2);
  });

  test('kills a worker whose memory is over its job and its overhead', async () => {
    const { system, pool } = await started();
    const greedy = pool.run(job('a'));
    system.resident = 1_000_000 + 4 * 65_536;
    await system.pass(50);
    expect(system.process(0).killed).toBe(false);
    system.resident++;
    await system.pass(50);
    expect(await greedy).toMatchObject({ ok: false, fault: 'host-memory' });
  });

  test('says busy, with a time, when the queue is full, and takes nothing', async () => {
    const { system, pool } = await started();
    const taken = [pool.run(job('a')), pool.run(job('b')), pool.run(job('c'))];
    const refused = await pool.run(job('d'));
    expect(refused).toMatchObject({ ok: false, busy: true });
    expect('retryMs' in refused && refused.retryMs).toBeGreaterThan(0);
    for (let i = 0; i < 3; i++) system.process(0).reply({ kind: 'outcome', outcome: OUTCOME });
    expect(await Promise.all(taken)).toHaveLength(3);
    expect(system.process(0).jobs).toEqual(['a', 'b', 'c']);
  });

  test.each(['gasMax', 'pagesMax', 'wallMsMax', 'outputMax'] as const)(
    'refuses a job over the limit %s of the node',
    async (name) => {
      const { system, pool } = await started();
      const limits = { ...LIMITS, [name]: name === 'gasMax' ? 1_001n : LIMITS[name] + 1 };
      expect(await pool.run({ ...job('a'), limits })).toEqual({
        ok: false,
        code: 'limits-exceeded',
        detail: name,
      });
      expect(system.process(0).jobs).toEqual([]);
    },
  );

  test.each([
    ['says something unasked', (worker: ScriptedProcess) => worker.reply({ kind: 'ready' })],
    [
      'writes no frame',
      (worker: ScriptedProcess) => worker.events.data(new Uint8Array([1, 0, 0, 0, 9])),
    ],
    [
      'writes without end',
      (worker: ScriptedProcess) => worker.events.data(new Uint8Array(1_000_000)),
    ],
  ])('gives up a worker that %s', async (_, misbehave) => {
    const { system, pool } = await started();
    const result = pool.run(job('a'));
    misbehave(system.process(0));
    expect(await result).toMatchObject({ ok: false, fault: 'worker-died' });
    expect(system.process(0).killed).toBe(true);
  });

  test('says why when no worker ever starts', async () => {
    const system = new ScriptedSystem();
    const options = { queueMax: 1, limits: LIMITS, overheadBytesMax: 1, hash: () => '' };
    const ready = new Pool(system, { workers: 1, ...options }).start();
    for (let i = 0; i < 3; i++) system.process(i).events.exit('no such file');
    expect(await ready).toBe('no such file');
  });

  test('leaves no timer and no process behind', async () => {
    const { system, pool } = await started(2);
    const running = pool.run(job('a'));
    await pool.close();
    expect(await running).toMatchObject({ fault: 'worker-died' });
    expect(system.timers).toEqual([]);
    expect(system.processes).toHaveLength(2);
  });
});
