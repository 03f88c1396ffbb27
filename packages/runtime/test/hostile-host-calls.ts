import { WASI_SIGNATURES } from '../src/wasi/signatures.ts';
import type { Attack } from './hostile-modules.ts';
import { buildModule, type Code, f64, get, I32, I64, i32, i64, set } from './module-builder.ts';

const POINTERS = 'out-of-bounds pointers to every host call';
const FLOODS = 'output floods';
const PROBES = 'NaN and clock probing';
const LEAKS = 'cross-task leakage';
const WASI = 'wasi_snapshot_preview1';

const COMMAND = { abi: 'wasi', args: [], input: new Uint8Array(0) } as const;

interface Import {
  readonly name: string;
  readonly params: number[];
  readonly results: number[];
}

function wasiImport(name: string): Import {
  const [params = '', results = ''] = (WASI_SIGNATURES.get(name) ?? ':').split(':');
  const types = (letters: string): number[] => [...letters].map((one) => (one === 'i' ? I32 : I64));
  return { name, params: types(params), results: types(results) };
}

/** A command that imports these functions, in order, and runs this code. */
function command(
  names: readonly string[],
  code: Code,
  locals: number[] = [],
): Uint8Array<ArrayBuffer> {
  return buildModule({
    imports: names.map((name) => ({ module: WASI, ...wasiImport(name) })),
    functions: [{ code, locals, export: '_start' }],
    memory: { min: 1 },
  });
}

/** Calls every function but proc_exit with this value for each argument. */
function callAll(value: number): Uint8Array<ArrayBuffer> {
  const names = [...WASI_SIGNATURES.keys()].filter((name) => name !== 'proc_exit');
  const code = names.map((name, index) => {
    const { params } = wasiImport(name);
    const args = params.map((type) => (type === I32 ? i32(value) : i64(BigInt(value))));
    return [args, 0x10, index, 0x1a];
  });
  return command(names, code);
}

/** Descriptor 0, 1, 2 first, then a bad value for each other argument. */
function callAllOn(fd: number, value: number): Uint8Array<ArrayBuffer> {
  const names = [...WASI_SIGNATURES.keys()].filter((name) => /^(fd|sock|path)_/.test(name));
  const code = names.map((name, index) => {
    const { params } = wasiImport(name);
    const args = params.map((type, position) => {
      const argument = position === 0 ? fd : value;
      return type === I32 ? i32(argument) : i64(BigInt(argument));
    });
    return [args, 0x10, index, 0x1a];
  });
  return command(names, code);
}

function pointers(): Attack[] {
  const values = [-1, 0x7fffffff, 65_535, 65_536, -65_536];
  const everywhere = values.map((value) => ({
    class: POINTERS,
    name: `every host call with ${value} for each argument`,
    wasm: () => callAll(value),
    call: COMMAND,
    ends: 'ok',
  }));
  const descriptors = [0, 1, 2].map((fd) => ({
    class: POINTERS,
    name: `every call on descriptor ${fd} with pointers behind the end`,
    wasm: () => callAllOn(fd, -4),
    call: COMMAND,
    ends: 'ok',
  }));
  return [
    ...everywhere,
    ...descriptors,
    {
      class: POINTERS,
      name: 'host call without a memory',
      wasm: () =>
        buildModule({
          imports: [{ module: WASI, ...wasiImport('random_get') }],
          functions: [{ code: [i32(0), i32(100), 0x10, 0, 0x1a], export: '_start' }],
        }),
      call: COMMAND,
      ends: 'ok',
    },
    {
      class: POINTERS,
      name: 'buffer lengths that add up to more than 4 GiB',
      wasm: () =>
        command(
          ['fd_write'],
          [
            [0, 8, 16].map((at) => [
              i32(at),
              i32(0),
              0x36,
              2,
              0,
              i32(at + 4),
              i32(65_536),
              0x36,
              2,
              0,
            ]),
            [i32(1), i32(0), i32(0x20000001), i32(100), 0x10, 0, 0x1a],
          ],
        ),
      call: COMMAND,
      ends: 'ok',
    },
  ];
}

/** Writes `size` bytes to a descriptor for ever. */
function flood(fd: number, size: number): Uint8Array<ArrayBuffer> {
  const prepare = [i32(4), i32(size), 0x36, 2, 0];
  const write = [i32(fd), i32(0), i32(1), i32(8), 0x10, 0, 0x1a];
  return command(['fd_write'], [prepare, 0x03, 0x40, write, 0x0c, 0, 0x0b]);
}

const floods: Attack[] = [
  {
    class: FLOODS,
    name: 'standard output in large pieces',
    wasm: () => flood(1, 60_000),
    call: COMMAND,
    ends: 'output-limit',
  },
  {
    class: FLOODS,
    name: 'standard output byte by byte',
    wasm: () => flood(1, 1),
    call: COMMAND,
    limits: { outputMax: 1_000 },
    ends: 'output-limit',
  },
  {
    class: FLOODS,
    name: 'standard error',
    wasm: () => flood(2, 60_000),
    call: COMMAND,
    ends: 'output-limit',
  },
  {
    class: FLOODS,
    name: 'empty writes for ever',
    wasm: () => flood(1, 0),
    call: COMMAND,
    ends: 'out-of-gas',
  },
  {
    class: FLOODS,
    name: 'random bytes for ever',
    wasm: () =>
      command(['random_get'], [0x03, 0x40, i32(0), i32(65_536), 0x10, 0, 0x1a, 0x0c, 0, 0x0b]),
    call: COMMAND,
    ends: 'out-of-gas',
  },
  {
    class: FLOODS,
    name: 'more results than the output may have',
    wasm: () =>
      buildModule({ functions: [{ results: [I64], code: i64(1n << 62n), export: 'run' }] }),
    limits: { outputMax: 5 },
    ends: 'output-limit',
  },
];

/** Exits with 1 when a condition on the stack is not 0. */
const failIf: Code = [0x04, 0x40, i32(1), 0x10, 1, 0x0b];

const probes: Attack[] = [
  {
    class: PROBES,
    name: 'NaN bits of 0/0, before and after warm-up',
    wasm: () => {
      const divide = [get(0), get(0), 0xa3, 0xbd];
      const differs = [divide, i64(0x7ff8000000000000n), 0x52, 0x04, 0x40, 0x00, 0x0b];
      const next = [get(1), i32(1), 0x6b, 0x22, 1, 0x0d, 0];
      const code = [i32(20_000), set(1), 0x03, 0x40, differs, next, 0x0b];
      return buildModule({ functions: [{ code, locals: [0x7c, I32], export: 'run' }] });
    },
    limits: { gasMax: 50_000_000n },
    ends: 'ok',
  },
  {
    class: PROBES,
    name: 'sign of a NaN through copysign',
    wasm: () => {
      const nan = [f64(0), f64(0), 0xa3];
      const negative = [f64(1), nan, 0xa6, f64(0), 0x63];
      const code = [negative, 0x04, 0x40, 0x00, 0x0b];
      return buildModule({ functions: [{ code, export: 'run' }] });
    },
    ends: 'ok',
  },
  {
    class: PROBES,
    name: 'NaN bits of an infinity minus itself in vector lanes',
    wasm: () => {
      const infinity = [0x44, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f];
      const splat = [infinity, 0xfd, 0x14];
      const lane = [splat, splat, 0xfd, 0xf1, 0x01, 0xfd, 0x1d, 1];
      const code = [lane, i64(0x7ff8000000000000n), 0x52, 0x04, 0x40, 0x00, 0x0b];
      return buildModule({ functions: [{ code, export: 'run' }] });
    },
    ends: 'ok',
  },
  {
    class: PROBES,
    name: 'clock that does not start near 0',
    wasm: () =>
      command(
        ['clock_time_get', 'proc_exit'],
        [i32(0), i64(1n), i32(0), 0x10, 0, 0x1a, i32(0), 0x29, 3, 0, i64(1_000_000n), 0x56, failIf],
      ),
    call: COMMAND,
    ends: 'ok',
  },
  {
    class: PROBES,
    name: 'waiting for the clock',
    wasm: () => {
      const now = [i32(1), i64(1n), i32(0), 0x10, 0, 0x1a, i32(0), 0x29, 3, 0];
      return command(['clock_time_get'], [0x03, 0x40, now, i64(1n << 40n), 0x54, 0x0d, 0, 0x0b]);
    },
    call: COMMAND,
    ends: 'out-of-gas',
  },
  {
    class: PROBES,
    name: 'environment that is not empty',
    wasm: () =>
      command(
        ['environ_sizes_get', 'proc_exit'],
        [i32(0), i32(4), 0x10, 0, 0x1a, i32(0), 0x28, 2, 0, failIf],
      ),
    call: COMMAND,
    ends: 'ok',
  },
  {
    class: PROBES,
    name: 'open descriptors beside the three',
    wasm: () =>
      command(['fd_prestat_get', 'proc_exit'], [i32(3), i32(0), 0x10, 0, i32(8), 0x47, failIf]),
    call: COMMAND,
    ends: 'ok',
  },
];

const leaks: Attack[] = [
  {
    class: LEAKS,
    name: 'finds what an earlier task left in memory',
    wasm: () => {
      const found = [i32(0), 0x28, 2, 0, 0x04, 0x40, 0x00, 0x0b];
      const leave = [i32(0), i32(0x5ec4e7), 0x36, 2, 0];
      return buildModule({
        functions: [{ code: [found, leave], export: 'run' }],
        memory: { min: 1 },
      });
    },
    ends: 'ok',
  },
  {
    class: LEAKS,
    name: 'finds what an earlier task left in a global',
    wasm: () => {
      const found = [0x23, 0, 0x04, 0x40, 0x00, 0x0b];
      return buildModule({
        functions: [{ code: [found, i32(1), 0x24, 0], export: 'run' }],
        globals: [{ type: I32, init: [0x41, 0] }],
      });
    },
    ends: 'ok',
  },
  {
    class: LEAKS,
    name: 'finds what an earlier task left in a table',
    wasm: () => {
      const found = [i32(0), 0x25, 0, 0xd1, 0x45, 0x04, 0x40, 0x00, 0x0b];
      const leave = [i32(0), 0xd2, 0, 0x26, 0];
      return buildModule({
        functions: [{ code: [found, leave], export: 'run' }],
        tables: [{ min: 2 }],
        globals: [{ type: 0x70, init: [0xd2, 0] }],
      });
    },
    ends: 'ok',
  },
  {
    class: LEAKS,
    name: 'finds gas that an earlier task left',
    wasm: () => buildModule({ functions: [{ code: [0x03, 0x40, 0x0c, 0, 0x0b], export: 'run' }] }),
    limits: { gasMax: 300_000n },
    ends: 'out-of-gas',
  },
];

export const HOSTILE_HOST_CALLS: readonly Attack[] = [
  ...pointers(),
  ...floods,
  ...probes,
  ...leaks,
];
