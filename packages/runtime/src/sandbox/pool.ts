import type { AdmitCode } from '../decode/reader.ts';
import { PROFILE } from '../limits.ts';
import type { Call, HostFault, RunLimits, RunRefusal, RunResult } from '../outcome.ts';
import { encodeJob, type ReplyFrame } from './frames.ts';
import type { SandboxPorts } from './ports.ts';
import { watchMemory } from './watchdog.ts';
import { Worker } from './worker.ts';

export interface SandboxJob {
  /** The original module. Read when the array is first handed in; do not change it afterwards. */
  readonly wasm: Uint8Array;
  readonly call: Call;
  readonly limits: RunLimits;
  readonly taskId: string;
  /** Also hash the whole memory at the end. */
  readonly memoryHash?: boolean;
}

/** The queue is full: nothing was taken, try again after this many milliseconds. */
export type Busy = { ok: false; busy: true; retryMs: number };

export type JobResult = RunResult | RunRefusal<AdmitCode>;

export interface PoolOptions {
  readonly workers: number;
  /** Jobs that wait beside those that run. */
  readonly queueMax: number;
  /** The most that a job may ask for. */
  readonly limits: RunLimits;
  /** Resident bytes of a worker beside the memory that its job may have. */
  readonly overheadBytesMax: number;
  hash(wasm: Uint8Array): string;
}

const PAGE_BYTES = 65_536;
/** Starts in a row that may fail before waiting jobs are told. */
const FAILED_STARTS_MAX = 3;
/** Weight of the newest job in the estimate of a job's time. */
const SMOOTHING = 0.1;

interface PendingJob {
  readonly job: SandboxJob;
  settle(result: JobResult): void;
}

interface RunningJob extends PendingJob {
  readonly startedAt: number;
  release(): void;
}

class Slot {
  worker: Worker | undefined;
  ready: boolean = false;
  running: RunningJob | undefined;
}

/** Jobs over worker processes: one at a time each, in order, every loss replaced. */
export class Pool {
  private readonly ports: SandboxPorts;
  private readonly options: PoolOptions;
  private readonly slots: Slot[];
  private readonly queue: PendingJob[] = [];
  private readonly hashes = new WeakMap<Uint8Array, string>();
  private failedStarts = 0;
  private jobMs = 1;
  private closed: boolean = false;
  private onFirstReady: ((failure: string | undefined) => void) | undefined;

  constructor(ports: SandboxPorts, options: PoolOptions) {
    this.ports = ports;
    this.options = options;
    this.slots = Array.from({ length: options.workers }, () => new Slot());
  }

  /** Starts all workers; ends when one is ready, or with the reason why none will be. */
  start(): Promise<string | undefined> {
    return new Promise((resolve) => {
      this.onFirstReady = resolve;
      for (const slot of this.slots) this.launch(slot);
    });
  }

  run(job: SandboxJob): Promise<JobResult | Busy> {
    const exceeded = this.exceeded(job.limits);
    if (exceeded !== undefined) {
      return Promise.resolve({ ok: false, code: 'limits-exceeded', detail: exceeded });
    }
    if (this.closed) return Promise.resolve(fault('worker-died', 'sandbox closed'));
    if (this.queue.length >= this.options.queueMax) return Promise.resolve(this.busy());
    return new Promise((settle) => {
      this.queue.push({ job, settle });
      this.dispatch();
    });
  }

  counts(): { workers: number; ready: number; running: number; queue: number } {
    return {
      workers: this.slots.length,
      ready: this.slots.filter((slot) => slot.ready).length,
      running: this.slots.filter((slot) => slot.running !== undefined).length,
      queue: this.queue.length,
    };
  }

  pids(): number[] {
    return this.slots.flatMap((slot) => (slot.worker === undefined ? [] : [slot.worker.pid]));
  }

  /** Ends all workers and waits until their processes are gone. */
  async close(): Promise<void> {
    this.closed = true;
    for (const waiting of this.queue.splice(0)) {
      waiting.settle(fault('worker-died', 'sandbox closed'));
    }
    for (const slot of this.slots) {
      if (slot.running === undefined) slot.worker?.end();
      else slot.worker?.giveUp('sandbox closed');
    }
    await Promise.all(this.slots.map((slot) => slot.worker?.exited));
  }

  private busy(): Busy {
    const waves = this.queue.length / Math.max(1, this.slots.length);
    return { ok: false, busy: true, retryMs: Math.max(1, Math.ceil(waves * this.jobMs)) };
  }

  private exceeded(limits: RunLimits): string | undefined {
    const { gasMax, pagesMax, wallMsMax, outputMax } = this.options.limits;
    if (limits.gasMax > gasMax) return 'gasMax';
    if (limits.pagesMax > pagesMax) return 'pagesMax';
    if (limits.wallMsMax > wallMsMax) return 'wallMsMax';
    return limits.outputMax > outputMax ? 'outputMax' : undefined;
  }

  private launch(slot: Slot): void {
    slot.ready = false;
    slot.worker = new Worker(this.ports, {
      reply: (frame) => this.onReply(slot, frame),
      gone: (reason) => this.onGone(slot, reason),
    });
  }

  private dispatch(): void {
    for (const slot of this.slots) {
      if (!slot.ready || slot.running !== undefined) continue;
      const next = this.queue.shift();
      if (next === undefined) return;
      this.begin(slot, next);
    }
  }

  private begin(slot: Slot, pending: PendingJob): void {
    const { worker } = slot;
    if (worker === undefined) return;
    const { wallMsMax, pagesMax } = pending.job.limits;
    const bytesMax = this.options.overheadBytesMax + pagesMax * PAGE_BYTES;
    const stopTimer = this.ports.after(wallMsMax, () => {
      this.stop(slot, 'wall-limit', `${wallMsMax} ms`);
    });
    const stopWatch = watchMemory(this.ports, worker.pid, bytesMax, (bytes) => {
      this.stop(slot, 'host-memory', `${bytes} bytes resident`);
    });
    const release = (): void => {
      stopTimer();
      stopWatch();
    };
    slot.running = { ...pending, startedAt: this.ports.now(), release };
    this.send(worker, pending.job, false);
  }

  private send(worker: Worker, job: SandboxJob, withModule: boolean): void {
    const frame = encodeJob({
      hash: this.hashOf(job.wasm),
      wasm: withModule ? job.wasm : undefined,
      call: job.call,
      limits: job.limits,
      taskId: job.taskId,
      memoryHash: job.memoryHash === true,
    });
    worker.send(frame, job.limits.outputMax + PROFILE.stderrBytesMax);
  }

  private hashOf(wasm: Uint8Array): string {
    const known = this.hashes.get(wasm);
    if (known !== undefined) return known;
    const hash = this.options.hash(wasm);
    this.hashes.set(wasm, hash);
    return hash;
  }

  private onReply(slot: Slot, frame: ReplyFrame): void {
    const { running, worker } = slot;
    if (frame.kind === 'ready' && !slot.ready) {
      slot.ready = true;
      this.failedStarts = 0;
      this.onFirstReady?.(undefined);
      this.dispatch();
    } else if (running === undefined || worker === undefined || frame.kind === 'ready') {
      worker?.giveUp('reply without a job');
    } else if (frame.kind === 'module-needed') this.send(worker, running.job, true);
    else {
      this.finish(slot, resultOf(frame));
      this.dispatch();
    }
  }

  private finish(slot: Slot, result: JobResult): void {
    const { running } = slot;
    if (running === undefined) return;
    slot.running = undefined;
    running.release();
    const ms = this.ports.now() - running.startedAt;
    this.jobMs += SMOOTHING * (ms - this.jobMs);
    running.settle(result);
  }

  /** Ends a job from outside; its process goes with it, and another takes its place. */
  private stop(slot: Slot, reason: HostFault, detail: string): void {
    this.finish(slot, fault(reason, detail));
    slot.worker?.giveUp(reason);
  }

  private onGone(slot: Slot, reason: string): void {
    this.finish(slot, fault('worker-died', reason));
    if (!slot.ready && ++this.failedStarts >= FAILED_STARTS_MAX * this.slots.length) {
      this.abandon(slot, reason);
      return;
    }
    if (!this.closed) this.launch(slot);
  }

  /** Workers do not start here: say so instead of keeping jobs for ever. */
  private abandon(slot: Slot, reason: string): void {
    slot.worker = undefined;
    this.onFirstReady?.(reason);
    if (this.slots.some((other) => other.worker !== undefined)) return;
    this.closed = true;
    for (const waiting of this.queue.splice(0)) waiting.settle(fault('worker-died', reason));
  }
}

function fault(reason: HostFault, detail: string): JobResult {
  return { ok: false, fault: reason, detail };
}

function resultOf(frame: Exclude<ReplyFrame, { kind: 'ready' | 'module-needed' }>): JobResult {
  switch (frame.kind) {
    case 'outcome':
      return { ok: true, outcome: frame.outcome };
    case 'fault':
      return fault(frame.fault, frame.detail);
    case 'refused': {
      const { code, detail, offset } = frame;
      return { ok: false, code, detail, ...(offset === undefined ? {} : { offset }) };
    }
  }
}
