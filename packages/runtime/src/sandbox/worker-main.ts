/**
 * A worker process of the sandbox: reads a job from standard input, runs it, writes the reply, and
 * so on until its input ends. It blocks while it waits; nothing here needs an event loop but the
 * engine's own clean-up, which gets a turn now and then.
 */
import { readSync, writeSync } from 'node:fs';
import type { Execution } from '../execute.ts';
import type { RunResult } from '../outcome.ts';
import { type PreparedModule, prepareModule } from '../prepare.ts';
import { runPrepared } from '../run-prepared.ts';
import { decodeJob, encodeReply, type JobFrame, LENGTH_BYTES, type ReplyFrame } from './frames.ts';

const STDIN = 0;
const STDOUT = 1;
/** Metered bytes of the modules that are kept compiled. */
const CACHE_BYTES = 128 * 1024 * 1024;
/** Pages of ended instances after which memory is reclaimed at once. */
const GARBAGE_PAGES = 4_096;
/** Jobs between turns of the event loop, where the engine frees modules and memories. */
const JOBS_PER_TURN = 16;

interface CachedModule {
  readonly module: PreparedModule;
  readonly compiled: WebAssembly.Module;
  exact: WebAssembly.Module | undefined;
}

const modules = new Map<string, CachedModule>();
let cachedBytes = 0;
let garbagePages = 0;

function readExactly(target: Uint8Array): boolean {
  for (let at = 0; at < target.length; ) {
    const size = readSync(STDIN, target, at, target.length - at, null);
    if (size === 0) return false;
    at += size;
  }
  return true;
}

function readFrame(): Uint8Array | undefined {
  const length = new Uint8Array(LENGTH_BYTES);
  if (!readExactly(length)) return undefined;
  const frame = new Uint8Array(new DataView(length.buffer).getUint32(0, true));
  return readExactly(frame) ? frame : undefined;
}

function send(reply: ReplyFrame): void {
  const frame = encodeReply(reply);
  for (let at = 0; at < frame.length; ) at += writeSync(STDOUT, frame, at, frame.length - at);
}

function lookUp(hash: string): CachedModule | undefined {
  const known = modules.get(hash);
  if (known === undefined) return undefined;
  modules.delete(hash);
  modules.set(hash, known);
  return known;
}

/** Admits and compiles; what does not compile is refused by the engine, not a fault. */
function admitModule(hash: string, wasm: Uint8Array<ArrayBuffer>): CachedModule | ReplyFrame {
  const prepared = prepareModule(wasm);
  if (!prepared.ok) {
    return { kind: 'refused', offset: undefined, ...prepared };
  }
  const { module } = prepared;
  try {
    const compiled = new WebAssembly.Module(module.instrumented);
    const cached = { module, compiled, exact: undefined };
    keep(hash, cached);
    return cached;
  } catch (error) {
    if (!(error instanceof WebAssembly.CompileError)) throw error;
    return { kind: 'refused', code: 'engine', detail: error.message, offset: undefined };
  }
}

function keep(hash: string, cached: CachedModule): void {
  modules.set(hash, cached);
  cachedBytes += cached.module.instrumented.length;
  for (const [oldest, { module }] of modules) {
    if (cachedBytes <= CACHE_BYTES || oldest === hash) return;
    modules.delete(oldest);
    cachedBytes -= module.instrumented.length;
  }
}

async function answer(job: JobFrame): Promise<ReplyFrame> {
  const wasm = job.wasm === undefined ? undefined : new Uint8Array(job.wasm);
  const cached = lookUp(job.hash) ?? (wasm === undefined ? undefined : admitModule(job.hash, wasm));
  if (cached === undefined) return { kind: 'module-needed' };
  if ('kind' in cached) return cached;
  const compileExact = async (): Promise<WebAssembly.Module> => {
    cached.exact ??= new WebAssembly.Module(cached.module.exact());
    return cached.exact;
  };
  const { module, compiled } = cached;
  const { call, limits, taskId } = job;
  return reply(await runPrepared(module, compiled, compileExact, call, limits, taskId), job);
}

async function reply(
  execution: Execution | Exclude<RunResult, { ok: true }>,
  job: JobFrame,
): Promise<ReplyFrame> {
  if (!execution.ok) {
    return 'fault' in execution
      ? { kind: 'fault', fault: execution.fault, detail: execution.detail }
      : { kind: 'refused', code: execution.code, detail: execution.detail, offset: undefined };
  }
  const { status, output, stderr, gas, pagesPeak, memory } = execution.ending;
  garbagePages += pagesPeak;
  const outcome = { status, output, stderr, gas, pagesPeak };
  if (!job.memoryHash || memory === undefined) return { kind: 'outcome', outcome };
  const digest = await crypto.subtle.digest('SHA-256', new Uint8Array(memory.buffer));
  const memoryHash = Buffer.from(digest).toString('base64url');
  return { kind: 'outcome', outcome: { ...outcome, memoryHash } };
}

/** Ended instances hold their memory until the collector looks, which counts objects, not pages. */
async function reclaim(jobs: number): Promise<void> {
  if (garbagePages > GARBAGE_PAGES) {
    globalThis.gc?.();
    garbagePages = 0;
  } else if (jobs % JOBS_PER_TURN !== 0) return;
  await new Promise<void>((resolve) => {
    setImmediate(resolve);
  });
}

send({ kind: 'ready' });
let jobs = 0;
for (let frame = readFrame(); frame !== undefined; frame = readFrame()) {
  send(await answer(decodeJob(frame)));
  await reclaim(++jobs);
}
