import type { AdmitCode } from '../decode/reader.ts';
import type { Call, CallCode, HostFault, Outcome, RunLimits } from '../outcome.ts';

/**
 * Messages between the pool and a worker process: a length of four bytes, then fields in a fixed
 * order. No JSON: an input of megabytes crosses as it is.
 */
export interface JobFrame {
  /** sha256 of the module, base64url: the key of the worker's cache. */
  readonly hash: string;
  /** Absent when the worker should know the module by its hash. */
  readonly wasm: Uint8Array | undefined;
  readonly call: Call;
  readonly limits: RunLimits;
  readonly taskId: string;
  readonly memoryHash: boolean;
}

export type ReplyFrame =
  | { kind: 'ready' }
  | { kind: 'module-needed' }
  | { kind: 'outcome'; outcome: Outcome }
  | { kind: 'fault'; fault: HostFault; detail: string }
  | { kind: 'refused'; code: AdmitCode | CallCode; detail: string; offset: number | undefined };

export const LENGTH_BYTES = 4;

class FrameWriter {
  private buffer = new Uint8Array(1024);
  private view = new DataView(this.buffer.buffer);
  private length = LENGTH_BYTES;
  private readonly encoder = new TextEncoder();

  number(value: number): void {
    this.reserve(8);
    this.view.setFloat64(this.length, value, true);
    this.length += 8;
  }

  integer(value: bigint): void {
    this.reserve(8);
    this.view.setBigUint64(this.length, value, true);
    this.length += 8;
  }

  bytes(value: Uint8Array): void {
    this.number(value.length);
    this.reserve(value.length);
    this.buffer.set(value, this.length);
    this.length += value.length;
  }

  text(value: string): void {
    this.bytes(this.encoder.encode(value));
  }

  /** The frame, with its length in front. */
  finish(): Uint8Array {
    this.view.setUint32(0, this.length - LENGTH_BYTES, true);
    return this.buffer.subarray(0, this.length);
  }

  private reserve(size: number): void {
    if (this.length + size <= this.buffer.length) return;
    const grown = new Uint8Array(Math.max(this.buffer.length * 2, this.length + size));
    grown.set(this.buffer.subarray(0, this.length));
    this.buffer = grown;
    this.view = new DataView(grown.buffer);
  }
}

/** Throws RangeError at a frame that ends early; the pool then gives the worker up. */
class FrameReader {
  private readonly frame: Uint8Array;
  private readonly view: DataView;
  private readonly decoder = new TextDecoder();
  private at = 0;

  constructor(frame: Uint8Array) {
    this.frame = frame;
    this.view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  }

  number(): number {
    const value = this.view.getFloat64(this.at, true);
    this.at += 8;
    return value;
  }

  integer(): bigint {
    const value = this.view.getBigUint64(this.at, true);
    this.at += 8;
    return value;
  }

  /** A copy, so that what is handed on does not hold the frame. */
  bytes(): Uint8Array<ArrayBuffer> {
    const length = this.number();
    if (!(length >= 0 && length <= this.frame.length - this.at)) throw new RangeError('frame');
    const value = this.frame.slice(this.at, this.at + length);
    this.at += length;
    return new Uint8Array(value);
  }

  text(): string {
    const length = this.number();
    if (!(length >= 0 && length <= this.frame.length - this.at)) throw new RangeError('frame');
    const text = this.decoder.decode(this.frame.subarray(this.at, this.at + length));
    this.at += length;
    return text;
  }
}

export function encodeJob(job: JobFrame): Uint8Array {
  const writer = new FrameWriter();
  const { call, limits } = job;
  writer.text(job.hash);
  writer.number(job.wasm === undefined ? 0 : 1);
  if (job.wasm !== undefined) writer.bytes(job.wasm);
  writer.text(call.abi);
  writer.text(call.abi === 'call' ? call.fn : '');
  writer.number(call.args.length);
  for (const arg of call.args) writer.text(arg);
  writer.bytes(call.abi === 'wasi' ? call.input : new Uint8Array(0));
  writer.integer(limits.gasMax);
  writer.number(limits.pagesMax);
  writer.number(limits.wallMsMax);
  writer.number(limits.outputMax);
  writer.text(job.taskId);
  writer.number(job.memoryHash ? 1 : 0);
  return writer.finish();
}

export function decodeJob(frame: Uint8Array): JobFrame {
  const reader = new FrameReader(frame);
  const hash = reader.text();
  const wasm = reader.number() === 1 ? reader.bytes() : undefined;
  const abi = reader.text();
  const fn = reader.text();
  const args = Array.from({ length: reader.number() }, () => reader.text());
  const input = reader.bytes();
  const limits = {
    gasMax: reader.integer(),
    pagesMax: reader.number(),
    wallMsMax: reader.number(),
    outputMax: reader.number(),
  };
  const call: Call = abi === 'wasi' ? { abi, args, input } : { abi: 'call', fn, args };
  return { hash, wasm, call, limits, taskId: reader.text(), memoryHash: reader.number() === 1 };
}

export function encodeReply(reply: ReplyFrame): Uint8Array {
  const writer = new FrameWriter();
  writer.text(reply.kind);
  if (reply.kind === 'outcome') {
    const { outcome } = reply;
    writer.text(outcome.status);
    writer.bytes(outcome.output);
    writer.bytes(outcome.stderr);
    writer.integer(outcome.gas);
    writer.number(outcome.pagesPeak);
    writer.text(outcome.memoryHash ?? '');
  } else if (reply.kind === 'fault') {
    writer.text(reply.fault);
    writer.text(reply.detail);
  } else if (reply.kind === 'refused') {
    writer.text(reply.code);
    writer.text(reply.detail);
    writer.number(reply.offset ?? -1);
  }
  return writer.finish();
}

export function decodeReply(frame: Uint8Array): ReplyFrame {
  const reader = new FrameReader(frame);
  const kind = reader.text();
  switch (kind) {
    case 'ready':
    case 'module-needed':
      return { kind };
    case 'outcome':
      return { kind, outcome: decodeOutcome(reader) };
    case 'fault':
      return { kind, fault: known(reader.text(), FAULTS), detail: reader.text() };
    case 'refused': {
      const code = known(reader.text(), CODES);
      const detail = reader.text();
      const offset = reader.number();
      return { kind, code, detail, offset: offset < 0 ? undefined : offset };
    }
    default:
      throw new RangeError('reply');
  }
}

function decodeOutcome(reader: FrameReader): Outcome {
  const outcome: Outcome = {
    status: reader.text(),
    output: reader.bytes(),
    stderr: reader.bytes(),
    gas: reader.integer(),
    pagesPeak: reader.number(),
  };
  const memoryHash = reader.text();
  if (memoryHash !== '') outcome.memoryHash = memoryHash;
  return outcome;
}

const FAULTS = ['host-memory', 'host-stack', 'wall-limit', 'worker-died', 'engine'] as const;
const CODES = [
  'not-wasm',
  'invalid',
  'limit',
  'feature',
  'import',
  'reserved',
  'engine',
  'function-unknown',
  'signature-unsupported',
  'argument-count',
  'argument-kind',
  'argument-size',
  'input-size',
  'memory-minimum',
  'limits-invalid',
  'limits-exceeded',
] as const;

function known<T extends string>(text: string, values: readonly T[]): T {
  const value = values.find((candidate) => candidate === text);
  if (value === undefined) throw new RangeError('reply');
  return value;
}
