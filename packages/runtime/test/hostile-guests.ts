import type { Attack } from './hostile-modules.ts';
import {
  buildModule,
  type Code,
  call,
  FUNCREF,
  type FunctionSource,
  get,
  I32,
  I64,
  i32,
  i64,
  type ModuleSource,
  set,
  uleb,
} from './module-builder.ts';

const LOOPS = 'loops';
const RECURSION = 'deep recursion';
const BOMBS = 'memory and table bombs';
const START = 'start-function work';
const BULK = 'bulk-memory and grow evasion of gas';

function guest(
  code: Code,
  more: Partial<ModuleSource> & { locals?: number[] } = {},
): Uint8Array<ArrayBuffer> {
  const { locals = [], ...source } = more;
  const { functions = [] } = source;
  return buildModule({ ...source, functions: [{ code, locals, export: 'run' }, ...functions] });
}

const forever = (body: Code): Code => [0x03, 0x40, body, 0x0c, 0, 0x0b];
const ENDLESS: FunctionSource = { code: forever([]) };

const loops: Attack[] = [
  { class: LOOPS, name: 'empty loop', wasm: () => guest(forever([])), ends: 'out-of-gas' },
  {
    class: LOOPS,
    name: 'loop of instructions that cost nothing',
    wasm: () => guest(forever([0x01, 0x01, 0x02, 0x40, 0x0b])),
    ends: 'out-of-gas',
  },
  {
    class: LOOPS,
    name: 'loop by br_table',
    wasm: () => guest([0x03, 0x40, i32(0), 0x0e, 1, 0, 0, 0x0b]),
    ends: 'out-of-gas',
  },
  {
    class: LOOPS,
    name: 'loop whose exit is never taken',
    wasm: () => guest([0x02, 0x40, 0x03, 0x40, i32(0), 0x0d, 1, 0x0c, 0, 0x0b, 0x0b]),
    ends: 'out-of-gas',
  },
  {
    class: LOOPS,
    name: 'exit taken at once, over and over, for its refund',
    wasm: () => {
      const work = Array.from({ length: 50 }, () => [i32(1), 0x1a]);
      const inner = [0x02, 0x40, 0x03, 0x40, i32(1), 0x0d, 1, work, 0x0c, 0, 0x0b, 0x0b];
      return guest(forever(inner));
    },
    ends: 'out-of-gas',
  },
  {
    class: LOOPS,
    name: 'trap in a quiet loop, to leave the counter stale',
    wasm: () => {
      const step = [get(0), i32(1), 0x6a, 0x22, 0];
      const stop = [i32(1), i32(500_000), get(0), 0x6b, 0x6d, 0x1a];
      return guest(forever([step, 0x1a, stop]), { locals: [I32] });
    },
    limits: { gasMax: 100_000_000n },
    ends: 'trap:divide-by-zero',
  },
  {
    class: LOOPS,
    name: 'the same trap with less gas than it needs',
    wasm: () => {
      const step = [get(0), i32(1), 0x6a, 0x22, 0];
      const stop = [i32(1), i32(500_000), get(0), 0x6b, 0x6d, 0x1a];
      return guest(forever([step, 0x1a, stop]), { locals: [I32] });
    },
    limits: { gasMax: 1_000_000n },
    ends: 'out-of-gas',
  },
  {
    class: LOOPS,
    name: 'runs longer than its wall limit',
    wasm: () => guest(forever([])),
    limits: { gasMax: 1_000_000_000_000n, wallMsMax: 200 },
    ends: 'fault:wall-limit',
  },
];

/** Functions, each calling the next: no recursion, but a long chain of large frames. */
function chain(length: number, locals: number): Uint8Array<ArrayBuffer> {
  const functions: FunctionSource[] = Array.from({ length }, (_, index) => ({
    code: index + 2 <= length ? call(index + 2) : [],
    locals: new Array(locals).fill(I64),
  }));
  return guest(call(1), { functions });
}

const recursion: Attack[] = [
  { class: RECURSION, name: 'calls itself', wasm: () => guest(call(0)), ends: 'stack-limit' },
  {
    class: RECURSION,
    name: 'two functions call each other',
    wasm: () => guest(call(1), { functions: [{ code: call(0) }] }),
    ends: 'stack-limit',
  },
  {
    class: RECURSION,
    name: 'calls itself through a table',
    wasm: () => guest([i32(0), 0x11, 0, 0], { tables: [{ min: 1 }], elements: [0] }),
    ends: 'stack-limit',
  },
  {
    class: RECURSION,
    name: 'calls itself through a table it wrote itself',
    wasm: () =>
      guest([i32(1), 0xd2, 0, 0x26, 0, i32(1), 0x11, 0, 0], {
        tables: [{ min: 2 }],
        elements: [0],
      }),
    ends: 'stack-limit',
  },
  {
    class: RECURSION,
    name: 'recursion with 9 000 locals in each frame',
    wasm: () => guest(call(0), { locals: new Array(9_000).fill(I64) }),
    ends: 'stack-limit',
  },
  {
    class: RECURSION,
    name: 'recursion with 1 000 operands under each call',
    wasm: () => {
      const push = Array.from({ length: 1_000 }, () => i64(1n));
      return guest([push, call(0), Array.from({ length: 1_000 }, () => 0x1a)]);
    },
    ends: 'stack-limit',
  },
  {
    class: RECURSION,
    name: 'chain of 9 000 different functions',
    wasm: () => chain(9_000, 0),
    ends: 'stack-limit',
  },
  {
    class: RECURSION,
    name: 'chain of large frames',
    wasm: () => chain(300, 1_000),
    ends: 'stack-limit',
  },
  {
    class: RECURSION,
    name: 'recursion by the start function',
    wasm: () => guest([], { functions: [{ code: call(1) }], start: 1 }),
    ends: 'stack-limit',
  },
];

const bombs: Attack[] = [
  {
    class: BOMBS,
    name: 'memory of 4 GiB from the start',
    wasm: () => guest([], { memory: { min: 65_536 } }),
    ends: 'code:memory-minimum',
  },
  {
    class: BOMBS,
    name: 'grows memory by a page for ever',
    wasm: () => guest(forever([i32(1), 0x40, 0, 0x1a]), { memory: { min: 0 } }),
    limits: { gasMax: 1_000_000_000n },
    ends: 'memory-limit',
  },
  {
    class: BOMBS,
    name: 'grows memory to all its limit at once and touches it',
    wasm: () =>
      guest([i32(100), 0x40, 0, 0x1a, i32(0), i32(1), i32(100 * 65_536), 0xfc, 11, 0], {
        memory: { min: 0 },
      }),
    limits: { gasMax: 1_000_000_000n },
    ends: 'ok',
  },
  {
    class: BOMBS,
    name: 'grows memory beyond its own maximum and goes on',
    wasm: () =>
      guest([i32(2), 0x40, 0, i32(-1), 0x47, 0x04, 0x40, 0x00, 0x0b], {
        memory: { min: 0, max: 1 },
      }),
    ends: 'ok',
  },
  {
    class: BOMBS,
    name: 'table of 10 million entries',
    wasm: () => guest([], { tables: [{ min: 10_000_000 }] }),
    ends: 'code:limit',
  },
  {
    class: BOMBS,
    name: 'grows a table for ever',
    wasm: () =>
      guest(forever([0xd0, FUNCREF, i32(10_000), 0xfc, 15, 0, 0x1a]), { tables: [{ min: 0 }] }),
    ends: 'out-of-gas',
  },
  {
    class: BOMBS,
    name: 'grows a table by 4 thousand million',
    wasm: () => guest([0xd0, FUNCREF, i32(-1), 0xfc, 15, 0, 0x1a], { tables: [{ min: 0 }] }),
    ends: 'out-of-gas',
  },
  {
    class: BOMBS,
    name: 'sixteen tables that share more than their limit',
    wasm: () => guest([], { tables: new Array(16).fill({ min: 50_000 }) }),
    ends: 'code:limit',
  },
  {
    class: BOMBS,
    name: 'hundred tables',
    wasm: () => guest([], { tables: new Array(100).fill({ min: 1 }) }),
    ends: 'code:limit',
  },
];

const starts: Attack[] = [
  {
    class: START,
    name: 'start function that never ends',
    wasm: () => guest([], { functions: [ENDLESS], start: 1 }),
    ends: 'out-of-gas',
  },
  {
    class: START,
    name: 'start function that traps',
    wasm: () => guest([], { functions: [{ code: [0x00] }], start: 1 }),
    ends: 'trap:unreachable',
  },
  {
    class: START,
    name: 'start function that grows memory',
    wasm: () =>
      guest([], {
        functions: [{ code: [i32(5_000), 0x40, 0, 0x1a] }],
        start: 1,
        memory: { min: 0 },
      }),
    limits: { gasMax: 1_000_000_000n },
    ends: 'memory-limit',
  },
  {
    class: START,
    name: 'data behind the end of memory',
    wasm: () =>
      guest([], { memory: { min: 1 }, data: [{ offset: 65_530, bytes: new Uint8Array(10) }] }),
    ends: 'trap:memory-out-of-bounds',
  },
  {
    class: START,
    name: 'elements behind the end of the table',
    wasm: () => guest([], { tables: [{ min: 1 }], elements: [0, 0, 0] }),
    ends: 'trap:table-out-of-bounds',
  },
  {
    class: START,
    name: 'more data than there is gas for',
    wasm: () =>
      guest([], { memory: { min: 100 }, data: [{ offset: 0, bytes: new Uint8Array(4_000_000) }] }),
    limits: { gasMax: 100_000n },
    ends: 'out-of-gas',
  },
];

const fill = (length: number): Code => [i32(0), i32(0), i32(length), 0xfc, 11, 0];

const bulk: Attack[] = [
  {
    class: BULK,
    name: 'fills a megabyte for ever',
    wasm: () => guest(forever(fill(1 << 20)), { memory: { min: 16 } }),
    ends: 'out-of-gas',
  },
  {
    class: BULK,
    name: 'copies a megabyte for ever',
    wasm: () =>
      guest(forever([i32(1), i32(0), i32(1_048_000), 0xfc, 10, 0, 0]), { memory: { min: 16 } }),
    ends: 'out-of-gas',
  },
  {
    class: BULK,
    name: 'fills beyond the end',
    wasm: () => guest(fill(70_000), { memory: { min: 1 } }),
    ends: 'trap:memory-out-of-bounds',
  },
  {
    class: BULK,
    name: 'fills 4 GiB of a small memory',
    wasm: () => guest(fill(-1), { memory: { min: 1 } }),
    ends: 'out-of-gas',
  },
  {
    class: BULK,
    name: 'fills tables for ever',
    wasm: () =>
      guest(forever([i32(0), 0xd0, FUNCREF, i32(50_000), 0xfc, 17, 0]), {
        tables: [{ min: 50_000 }],
      }),
    ends: 'out-of-gas',
  },
  {
    class: BULK,
    name: 'asks for memory that it may not have, for ever',
    wasm: () => guest(forever([i32(60_000), 0x40, 0, 0x1a]), { memory: { min: 1, max: 2 } }),
    ends: 'out-of-gas',
  },
  {
    class: BULK,
    name: 'divides for ever',
    wasm: () => guest(forever([get(0), i64(3n), 0x80, set(0)]), { locals: [I64] }),
    ends: 'out-of-gas',
  },
  {
    class: BULK,
    name: 'many calls of a function that its caller pays for',
    wasm: () => {
      const work: Code = Array.from({ length: 400 }, () => [i32(1), 0x1a]);
      const calls = Array.from({ length: 2_000 }, () => [0x10, uleb(1)]);
      return guest(forever(calls), { functions: [{ code: work }] });
    },
    ends: 'out-of-gas',
  },
];

export const HOSTILE_GUESTS: readonly Attack[] = [
  ...loops,
  ...recursion,
  ...bombs,
  ...starts,
  ...bulk,
];
