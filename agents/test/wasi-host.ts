import { readFileSync } from 'node:fs';

/**
 * A plain host for WASI preview 1 commands: streams and arguments in memory, a clock that
 * stands at 0, bytes 0, 1, 2… for random. What a command may not have answers an errno.
 */

const ERRNO_BADF = 8;
const ERRNO_NOSYS = 52;
const ERRNO_SPIPE = 70;

export interface AgentRun {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
  /** 64 KiB pages of memory at the end. */
  readonly pages: number;
}

class ProcessExit extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

type HostCall = (...words: number[]) => number;

interface Streams {
  readonly args: readonly Buffer[];
  readonly stdin: Uint8Array;
  readonly stdout: Buffer[];
  readonly stderr: Buffer[];
  stdinAt: number;
}

function hostCalls(io: Streams, memory: () => Buffer): Record<string, HostCall> {
  const vectors = (at: number, count: number): Buffer[] =>
    Array.from({ length: count }, (_, i) => {
      const from = memory().readUInt32LE(at + 8 * i);
      return memory().subarray(from, from + memory().readUInt32LE(at + 8 * i + 4));
    });
  return {
    args_sizes_get: (count = 0, size = 0) => {
      memory().writeUInt32LE(io.args.length, count);
      memory().writeUInt32LE(Buffer.concat(io.args).length, size);
      return 0;
    },
    args_get: (pointers = 0, text = 0) => {
      let at = text;
      for (const [i, arg] of io.args.entries()) {
        memory().writeUInt32LE(at, pointers + 4 * i);
        at += arg.copy(memory(), at);
      }
      return 0;
    },
    environ_sizes_get: (count = 0, size = 0) => {
      memory().writeUInt32LE(0, count);
      memory().writeUInt32LE(0, size);
      return 0;
    },
    environ_get: () => 0,
    clock_res_get: (_clock = 0, result = 0) => {
      memory().writeBigUInt64LE(1n, result);
      return 0;
    },
    clock_time_get: (_clock = 0, _precision = 0, result = 0) => {
      memory().writeBigUInt64LE(0n, result);
      return 0;
    },
    random_get: (at = 0, length = 0) => {
      for (let i = 0; i < length; i++) memory()[at + i] = i & 255;
      return 0;
    },
    fd_read: (fd = 0, at = 0, count = 0, result = 0) => {
      if (fd !== 0) return ERRNO_BADF;
      let done = 0;
      for (const target of vectors(at, count)) {
        const piece = io.stdin.subarray(io.stdinAt, io.stdinAt + target.length);
        target.set(piece);
        io.stdinAt += piece.length;
        done += piece.length;
      }
      memory().writeUInt32LE(done, result);
      return 0;
    },
    fd_write: (fd = 0, at = 0, count = 0, result = 0) => {
      if (fd !== 1 && fd !== 2) return ERRNO_BADF;
      const data = Buffer.concat(vectors(at, count));
      (fd === 1 ? io.stdout : io.stderr).push(data);
      memory().writeUInt32LE(data.length, result);
      return 0;
    },
    fd_fdstat_get: (fd = 0, result = 0) => {
      if (fd > 2) return ERRNO_BADF;
      memory().fill(0, result, result + 24);
      return 0;
    },
    fd_close: () => 0,
    fd_seek: () => ERRNO_SPIPE,
    fd_prestat_get: () => ERRNO_BADF,
    fd_prestat_dir_name: () => ERRNO_BADF,
    sched_yield: () => 0,
    proc_exit: (code = 0) => {
      throw new ProcessExit(code);
    },
  };
}

/** Imports an agent may have, with those a command's libc links but never needs. */
export const IMPORTS_GIVEN: readonly string[] = Object.keys(
  hostCalls({ args: [], stdin: new Uint8Array(), stdout: [], stderr: [], stdinAt: 0 }, () =>
    Buffer.alloc(0),
  ),
);

const compiled = new Map<string, WebAssembly.Module>();

/** The module of `agents/<agent>/<agent>.wasm`. */
export function agentModule(agent: string): WebAssembly.Module {
  const known = compiled.get(agent);
  if (known) return known;
  const file = new URL(`../${agent}/${agent}.wasm`, import.meta.url);
  const module = new WebAssembly.Module(readFileSync(file));
  compiled.set(agent, module);
  return module;
}

function memoryOf(agent: string, instance: WebAssembly.Instance): WebAssembly.Memory {
  const { memory } = instance.exports;
  if (!(memory instanceof WebAssembly.Memory)) throw new Error(`${agent} exports no memory`);
  return memory;
}

export function runAgent(
  agent: string,
  args: readonly string[],
  stdin: Uint8Array | string = '',
): AgentRun {
  const io: Streams = {
    args: ['agent', ...args].map((arg) => Buffer.from(`${arg}\0`)),
    stdin: typeof stdin === 'string' ? Buffer.from(stdin) : stdin,
    stdout: [],
    stderr: [],
    stdinAt: 0,
  };
  const module = agentModule(agent);
  const calls = hostCalls(io, () => Buffer.from(memoryOf(agent, instance).buffer));
  const imports = WebAssembly.Module.imports(module).map(({ name }) => [
    name,
    calls[name] ?? (() => ERRNO_NOSYS),
  ]);
  const instance: WebAssembly.Instance = new WebAssembly.Instance(module, {
    wasi_snapshot_preview1: Object.fromEntries(imports),
  });
  const { _start } = instance.exports;
  if (typeof _start !== 'function') throw new Error(`${agent} exports no _start`);
  let code = 0;
  try {
    _start();
  } catch (thrown) {
    if (!(thrown instanceof ProcessExit)) throw thrown;
    code = thrown.code;
  }
  return {
    code,
    stdout: Buffer.concat(io.stdout),
    stderr: Buffer.concat(io.stderr).toString(),
    pages: memoryOf(agent, instance).buffer.byteLength / 65536,
  };
}
