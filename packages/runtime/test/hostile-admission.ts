import type { Attack } from './hostile-modules.ts';
import {
  buildModule,
  type Code,
  F64,
  FUNCREF,
  I32,
  I64,
  i32,
  i64,
  type ModuleSource,
  uleb,
} from './module-builder.ts';

const IMPORTS = 'undeclared or non-function imports';
const BOMBS = 'compile bombs';
const REFILL = 'gas-global refill';
const INVALID = 'code:invalid';

/** A module whose only function is the export `run`. */
function single(
  code: Code | Uint8Array,
  more: Partial<ModuleSource> = {},
): Uint8Array<ArrayBuffer> {
  return buildModule({ functions: [{ code, export: 'run' }], ...more });
}

function importing(entry: string, tail: Code): () => Uint8Array<ArrayBuffer> {
  const name = [...new TextEncoder().encode(entry)];
  const raw = [3, 0x65, 0x6e, 0x76, name.length, ...name, tail];
  return () => single([0x01], { rawImports: [raw] });
}

/** Bytes repeated, with something around them. */
function repeat(before: Code, bytes: readonly number[], count: number, after: Code): Code {
  return [before, Array.from({ length: count }, () => bytes), after];
}

const imports: Attack[] = [
  {
    class: IMPORTS,
    name: 'imported memory',
    wasm: importing('memory', [2, 0, 1]),
    ends: 'code:import',
  },
  {
    class: IMPORTS,
    name: 'imported table',
    wasm: importing('table', [1, 0x70, 0, 1]),
    ends: 'code:import',
  },
  {
    class: IMPORTS,
    name: 'imported mutable global',
    wasm: importing('gas', [3, 0x7e, 1]),
    ends: 'code:import',
  },
  {
    class: IMPORTS,
    name: 'imported exception tag',
    wasm: importing('tag', [4, 0, 0]),
    ends: 'code:import',
  },
  {
    class: IMPORTS,
    name: 'function of an unknown module',
    wasm: () => single([0x10, 0], { imports: [{ module: 'fs', name: 'readFileSync' }] }),
    ends: 'code:import',
  },
  {
    class: IMPORTS,
    name: 'name that every JavaScript object has',
    wasm: () =>
      single([0x10, 0], { imports: [{ module: 'wasi_snapshot_preview1', name: 'constructor' }] }),
    ends: 'code:import',
  },
  {
    class: IMPORTS,
    name: 'module named __proto__',
    wasm: () => single([0x10, 0], { imports: [{ module: '__proto__', name: 'fd_write' }] }),
    ends: 'code:import',
  },
  {
    class: IMPORTS,
    name: 'host function with floats for pointers',
    wasm: () =>
      single([0x01], {
        imports: [
          {
            module: 'wasi_snapshot_preview1',
            name: 'fd_write',
            params: [F64, F64, F64, F64],
            results: [I32],
          },
        ],
      }),
    ends: 'code:import',
  },
  {
    class: IMPORTS,
    name: 'proc_exit that claims to return a reference',
    wasm: () =>
      single([0x01], {
        imports: [
          {
            module: 'wasi_snapshot_preview1',
            name: 'proc_exit',
            params: [I32],
            results: [FUNCREF],
          },
        ],
      }),
    ends: 'code:import',
  },
];

/** Blocks nested `depth` deep with one br_table over all of them. */
function tower(depth: number): Code {
  const targets = Array.from({ length: depth }, (_, index) => uleb(index));
  return [
    Array.from({ length: depth }, () => [0x02, 0x40]),
    i32(1),
    0x0e,
    uleb(depth - 1),
    targets,
    Array.from({ length: depth }, () => 0x0b),
  ];
}

const bombs: Attack[] = [
  {
    class: BOMBS,
    name: 'module over the size limit',
    wasm: () => {
      const module = single([0x01]);
      const padded = new Uint8Array(9 * 1024 * 1024);
      padded.set(module);
      return padded;
    },
    ends: 'code:limit',
  },
  {
    class: BOMBS,
    name: 'function body of 2 MiB',
    wasm: () => single(repeat([], [0x41, 0, 0x1a], 700_000, [])),
    ends: 'code:limit',
  },
  {
    class: BOMBS,
    name: 'blocks nested 20 000 deep',
    wasm: () => single(repeat([], [0x02, 0x40], 20_000, repeat([], [0x0b], 20_000, []))),
    ends: 'code:limit',
  },
  {
    class: BOMBS,
    name: 'br_table of a million targets',
    wasm: () => single([i32(0), 0x0e, uleb(1_000_000), new Array(1_000_001).fill(0)]),
    ends: 'code:limit',
  },
  {
    class: BOMBS,
    name: 'br_table over 4 000 open blocks, 40 times',
    wasm: () => single(Array.from({ length: 40 }, () => tower(4_000))),
    ends: 'ok',
  },
  {
    class: BOMBS,
    name: '50 000 locals',
    wasm: () =>
      single([0x01], {
        functions: [{ code: [0x01], export: 'run', locals: new Array(49_000).fill(I64) }],
      }),
    ends: 'code:limit',
  },
  {
    class: BOMBS,
    name: 'thousands of locals at thousands of joins',
    wasm: () => {
      const join = [0x41, 0, 0x04, 0x40, 0x05, 0x0b];
      const code = repeat([], join, 20_000, []);
      return buildModule({
        functions: [{ code, export: 'run', locals: new Array(9_000).fill(I64) }],
      });
    },
    ends: 'code:limit',
  },
  {
    class: BOMBS,
    name: 'operand stack of 200 000 values',
    wasm: () => single(repeat(repeat([], [0x41, 0], 200_000, []), [0x1a], 200_000, [])),
    ends: 'code:limit',
  },
  {
    class: BOMBS,
    name: '300 000 empty functions',
    wasm: () => buildModule({ functions: new Array(300_000).fill({ code: [] }) }),
    ends: 'code:limit',
  },
  {
    class: BOMBS,
    name: 'truncated in the code section',
    wasm: () => {
      const module = single([i32(1), 0x1a]);
      return new Uint8Array(module.subarray(0, module.length - 2));
    },
    ends: INVALID,
  },
  {
    class: BOMBS,
    name: 'no WebAssembly at all',
    wasm: () => new Uint8Array(new TextEncoder().encode('#!/bin/sh\nrm -rf /\n')),
    ends: 'code:not-wasm',
  },
];

const refill: Attack[] = [
  {
    class: REFILL,
    name: 'writes the global that metering will append',
    wasm: () => single([i64(1n << 60n), 0x24, 0]),
    ends: INVALID,
  },
  {
    class: REFILL,
    name: 'writes the stack global that metering will append',
    wasm: () => single([i32(0x7fffffff), 0x24, 1], { globals: [{ type: I64, init: [0x42, 0] }] }),
    ends: INVALID,
  },
  {
    class: REFILL,
    name: 'calls the helper that metering will append',
    wasm: () => single([i32(1), 0x10, 1, 0x1a]),
    ends: INVALID,
  },
  {
    class: REFILL,
    name: 'exports a name of the meter',
    wasm: () => buildModule({ functions: [{ code: [], export: '__zs_gas' }] }),
    ends: 'code:reserved',
  },
  {
    class: REFILL,
    name: 'exports the global that metering will append',
    wasm: () => single([], { globals: [{ type: I64, init: [0x42, 0], export: '__zs_gas' }] }),
    ends: 'code:reserved',
  },
  {
    class: REFILL,
    name: 'references the helper in a table',
    wasm: () => single([], { tables: [{ min: 2 }], elements: [0, 1] }),
    ends: INVALID,
  },
];

export const HOSTILE_ADMISSION: readonly Attack[] = [...imports, ...bombs, ...refill];
