import { PROFILE } from '../limits.ts';
import { COSTS } from '../meter/cost-table.ts';
import { CLOCK_RESOLUTION_NS, GasClock } from './clock.ts';
import { Errno } from './errno.ts';
import { GasCounter } from './gas-counter.ts';
import { GuestEnd } from './guest-end.ts';
import { GuestMemory } from './memory-view.ts';
import { pollOneoff } from './poll.ts';
import { TaskRandom } from './random.ts';
import { BoundedBuffer, InputStream } from './streams.ts';

export interface HostOptions {
  /** args[0] and the rest. */
  readonly args: readonly string[];
  readonly input: Uint8Array;
  readonly taskId: string;
  readonly gasMax: bigint;
  /** Bytes that fd 1 takes; undefined sends fd 1 to standard error. */
  readonly outputMax: number | undefined;
}

export type HostFunction = (...args: never[]) => number | undefined;

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
/** More buffers in one call than POSIX systems take (IOV_MAX). */
const VECTORS_MAX = 1024;
const CLOCKS = 4;
const RIGHT_FD_READ = 1n << 1n;
const RIGHT_FD_WRITE = 1n << 6n;
const FILESTAT_BYTES = 64;

/**
 * WASI preview 1 for one run: args, clock, random, standard streams and exit. There is no file
 * system, no environment and no socket; what asks for one gets the errno that says so. All that a
 * guest can see comes from the task, so every host gives the same.
 */
export class WasiHost {
  readonly gas: GasCounter;
  readonly memory = new GuestMemory();
  readonly stderr = new BoundedBuffer(PROFILE.stderrBytesMax);
  readonly stdout: BoundedBuffer | undefined;
  private readonly clock: GasClock;
  private readonly random: TaskRandom;
  private readonly stdin: InputStream;
  private readonly args: Uint8Array[];
  private readonly open = new Set([STDIN, STDOUT, STDERR]);

  constructor(options: HostOptions) {
    const encoder = new TextEncoder();
    this.gas = new GasCounter(options.gasMax);
    this.clock = new GasClock(this.gas);
    this.random = new TaskRandom(options.taskId);
    this.stdin = new InputStream(options.input);
    this.args = options.args.map((arg) => encoder.encode(`${arg}\0`));
    if (options.outputMax !== undefined) this.stdout = new BoundedBuffer(options.outputMax);
  }

  /** The import of this name, as admission let it through. */
  function(module: string, name: string): HostFunction {
    if (module === 'env') return this.abort;
    return this.implemented(name) ?? this.refused(name);
  }

  private implemented(name: string): HostFunction | undefined {
    switch (name) {
      case 'args_sizes_get':
        return this.argsSizesGet;
      case 'args_get':
        return this.argsGet;
      case 'environ_sizes_get':
        return this.environSizesGet;
      case 'environ_get':
      case 'sched_yield':
        return this.nothing;
      case 'clock_res_get':
        return this.clockResGet;
      case 'clock_time_get':
        return this.clockTimeGet;
      case 'random_get':
        return this.randomGet;
      case 'fd_write':
        return this.fdWrite;
      case 'fd_read':
        return this.fdRead;
      case 'fd_close':
        return this.fdClose;
      case 'fd_fdstat_get':
        return this.fdFdstatGet;
      case 'fd_filestat_get':
        return this.fdFilestatGet;
      case 'fd_datasync':
      case 'fd_sync':
        return this.fdSync;
      case 'poll_oneoff':
        return this.pollOneoff;
      case 'proc_exit':
        return this.procExit;
      default:
        return undefined;
    }
  }

  /** What has nothing to work on here, by what its first argument is. */
  private refused(name: string): HostFunction {
    const known = name.startsWith('path_')
      ? Errno.notdir
      : name.startsWith('sock_')
        ? Errno.notsock
        : name === 'fd_seek' || name === 'fd_tell' || name === 'fd_pread' || name === 'fd_pwrite'
          ? Errno.spipe
          : Errno.notsup;
    // path_symlink begins with the old path; its descriptor is the third argument.
    const position = name === 'path_symlink' ? 2 : 0;
    return (...args: unknown[]) => {
      this.gas.chargeCall();
      if (name === 'proc_raise') return Errno.nosys;
      const prestat = name === 'fd_prestat_get' || name === 'fd_prestat_dir_name';
      return !prestat && this.open.has(Number(args[position])) ? known : Errno.badf;
    };
  }

  private readonly nothing = (): number => {
    this.gas.chargeCall();
    return Errno.success;
  };

  private readonly argsSizesGet = (count: number, size: number): number => {
    this.gas.chargeCall();
    const bytes = this.args.reduce((sum, arg) => sum + arg.length, 0);
    const written = this.memory.setU32(count, this.args.length) && this.memory.setU32(size, bytes);
    return written ? Errno.success : Errno.fault;
  };

  private readonly argsGet = (pointers: number, buffer: number): number => {
    this.gas.chargeCall();
    this.gas.chargeBytes(this.args.reduce((sum, arg) => sum + arg.length, 0) * COSTS.hostByte);
    let pointer = pointers >>> 0;
    let at = buffer >>> 0;
    for (const arg of this.args) {
      const target = this.memory.range(at, arg.length);
      if (target === undefined || !this.memory.setU32(pointer, at)) return Errno.fault;
      target.set(arg);
      pointer += 4;
      at += arg.length;
    }
    return Errno.success;
  };

  private readonly environSizesGet = (count: number, size: number): number => {
    this.gas.chargeCall();
    const written = this.memory.setU32(count, 0) && this.memory.setU32(size, 0);
    return written ? Errno.success : Errno.fault;
  };

  private readonly clockResGet = (clock: number, result: number): number => {
    this.gas.chargeCall();
    if (clock >>> 0 >= CLOCKS) return Errno.inval;
    return this.memory.setU64(result, CLOCK_RESOLUTION_NS) ? Errno.success : Errno.fault;
  };

  private readonly clockTimeGet = (clock: number, _precision: bigint, result: number): number => {
    this.gas.chargeCall();
    if (clock >>> 0 >= CLOCKS) return Errno.inval;
    return this.memory.setU64(result, this.clock.now()) ? Errno.success : Errno.fault;
  };

  private readonly randomGet = (pointer: number, length: number): number => {
    this.gas.chargeCall();
    const target = this.memory.range(pointer, length);
    if (target === undefined) return Errno.fault;
    this.gas.chargeBytes(target.length * COSTS.randomByte);
    this.random.fill(target);
    return Errno.success;
  };

  private readonly fdWrite = (
    fd: number,
    vectors: number,
    count: number,
    result: number,
  ): number => {
    this.gas.chargeCall();
    if ((fd !== STDOUT && fd !== STDERR) || !this.open.has(fd)) return Errno.badf;
    const ranges = this.vectors(vectors, count);
    if (typeof ranges === 'number') return ranges;
    const size = ranges.reduce((sum, range) => sum + range.length, 0);
    this.gas.chargeBytes(size * COSTS.hostByte);
    if (!this.memory.setU32(result, size)) return Errno.fault;
    const buffer = fd === STDOUT && this.stdout !== undefined ? this.stdout : this.stderr;
    if (!buffer.fits(size)) throw new GuestEnd('output-limit');
    for (const range of ranges) buffer.write(range);
    return Errno.success;
  };

  private readonly fdRead = (
    fd: number,
    vectors: number,
    count: number,
    result: number,
  ): number => {
    this.gas.chargeCall();
    if (fd !== STDIN || !this.open.has(fd)) return Errno.badf;
    const ranges = this.vectors(vectors, count);
    if (typeof ranges === 'number') return ranges;
    if (!this.memory.setU32(result, 0)) return Errno.fault;
    let size = 0;
    for (const range of ranges) {
      const chunk = this.stdin.read(range.length);
      range.set(chunk);
      size += chunk.length;
    }
    this.gas.chargeBytes(size * COSTS.hostByte);
    this.memory.setU32(result, size);
    return Errno.success;
  };

  /** The buffers of a scattered read or write, or an errno. */
  private vectors(pointer: number, count: number): Uint8Array[] | number {
    if (count >>> 0 > VECTORS_MAX) return Errno.inval;
    const ranges: Uint8Array[] = [];
    for (let i = 0; i < count; i++) {
      const at = (pointer >>> 0) + 8 * i;
      const start = this.memory.u32(at);
      const length = this.memory.u32(at + 4);
      if (start === undefined || length === undefined) return Errno.fault;
      const range = this.memory.range(start, length);
      if (range === undefined) return Errno.fault;
      ranges.push(range);
    }
    return ranges;
  }

  private readonly fdClose = (fd: number): number => {
    this.gas.chargeCall();
    return this.open.delete(fd) ? Errno.success : Errno.badf;
  };

  private readonly fdSync = (fd: number): number => {
    this.gas.chargeCall();
    return this.open.has(fd) ? Errno.success : Errno.badf;
  };

  private readonly fdFdstatGet = (fd: number, result: number): number => {
    this.gas.chargeCall();
    if (!this.open.has(fd)) return Errno.badf;
    const rights = fd === STDIN ? RIGHT_FD_READ : RIGHT_FD_WRITE;
    // Type and flags are 0: an unknown kind of file, which libc buffers in full.
    const first = this.memory.setU64(result, 0n);
    const written = first && this.memory.setU64(result + 8, rights);
    return written && this.memory.setU64(result + 16, 0n) ? Errno.success : Errno.fault;
  };

  private readonly fdFilestatGet = (fd: number, result: number): number => {
    this.gas.chargeCall();
    if (!this.open.has(fd)) return Errno.badf;
    const target = this.memory.range(result, FILESTAT_BYTES);
    target?.fill(0);
    return target === undefined ? Errno.fault : Errno.success;
  };

  private readonly pollOneoff = (
    subscriptions: number,
    events: number,
    count: number,
    result: number,
  ): number => {
    this.gas.chargeCall();
    return pollOneoff(this.memory, this.clock, this.gas, subscriptions, events, count, result);
  };

  private readonly procExit = (code: number): undefined => {
    this.gas.chargeCall();
    throw new GuestEnd(code === 0 ? 'ok' : `exit:${code >>> 0}`);
  };

  /** AssemblyScript's `abort(message, file, line, column)`. */
  private readonly abort = (
    message: number,
    file: number,
    line: number,
    column: number,
  ): undefined => {
    this.gas.chargeCall();
    const text = `abort: ${this.text16(message)} in ${this.text16(file)}`;
    const bytes = new TextEncoder().encode(`${text}(${line >>> 0}:${column >>> 0})\n`);
    if (this.stderr.fits(bytes.length)) this.stderr.write(bytes);
    throw new GuestEnd('trap:abort');
  };

  /** An AssemblyScript string: UTF-16, its length in bytes before it. At most 1 KiB of it. */
  private text16(pointer: number): string {
    const length = this.memory.u32((pointer >>> 0) - 4);
    if (pointer === 0 || length === undefined) return '';
    const bytes = this.memory.range(pointer, Math.min(length, 1024));
    return bytes === undefined ? '' : new TextDecoder('utf-16le').decode(bytes);
  }
}
