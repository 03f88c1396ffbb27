import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Call, RunLimits } from '../src/outcome.ts';
import { createSandbox, type Sandbox } from '../src/sandbox/index.ts';
import { ATTACKS } from './hostile-modules.ts';
import { generateProgram, SeededRandom } from './program-generator.ts';

const SOAK = process.env.ZS_SOAK !== undefined;
const MODULES = SOAK ? 20_000 : 1_000;
const DRAWN = SOAK ? 1 + Math.floor(performance.timeOrigin % 1e9) : 1;
const FIRST = Number(process.env.ZS_SEED ?? DRAWN);
const LIMITS: RunLimits = { gasMax: 2_000_000n, pagesMax: 32, wallMsMax: 10_000, outputMax: 1_000 };
const BYTES_MAX = 40_000;

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await createSandbox({ workers: 2 });
});
afterAll(() => sandbox.close());

/** A module of the corpus, and the arguments of its export `run`. */
interface Base {
  readonly wasm: Uint8Array;
  readonly args: readonly string[];
}

/** Opcodes of the same type: one in the place of another mostly leaves a module valid. */
const SAME_TYPE: readonly (readonly [first: number, last: number])[] = [
  [0x41, 0x41],
  [0x46, 0x4f],
  [0x51, 0x5a],
  [0x6a, 0x78],
  [0x7c, 0x8a],
  [0x92, 0x98],
  [0xa0, 0xa6],
];

function swapInstruction(bytes: number[], from: number, random: SeededRandom): void {
  for (let at = from; at < bytes.length - 1; at++) {
    const byte = bytes[at] ?? 0;
    const range = SAME_TYPE.find(([first, last]) => byte >= first && byte <= last);
    if (range === undefined) continue;
    const [first, last] = range;
    // Of a constant, the value is changed.
    if (first === last) bytes[at + 1] = random.below(128);
    else bytes[at] = first + random.below(last - first + 1);
    return;
  }
}

/** A module of the corpus with a few bytes changed, taken out, put in or repeated. */
function mutate(seed: number, corpus: readonly Base[]): Base {
  const random = new SeededRandom(seed);
  const generated = { wasm: generateProgram(seed, seed % 2 === 1), args: ['5'] };
  const base = random.below(2) === 0 ? generated : random.pick(corpus);
  const bytes = Array.from(base.wasm);
  for (let change = 1 + random.below(4); change > 0; change--) {
    const at = 8 + random.below(bytes.length - 8);
    const kind = random.below(12);
    if (kind === 0) bytes.splice(at, 1 + random.below(3));
    else if (kind === 1) bytes.splice(at, 0, random.below(256));
    else if (kind === 2) bytes.splice(at, 0, ...bytes.slice(at, at + 1 + random.below(8)));
    else if (kind === 3) bytes[at] = random.pick([0, 1, 0x7f, 0x80, 0xff, 0xfc, 0xfd, 0x0b]);
    else if (kind === 4) bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
    else swapInstruction(bytes, at, random);
  }
  return { wasm: Uint8Array.from(bytes), args: base.args };
}

test(
  'no mutated module harms the host, costs more than its limit or ends without a name',
  async () => {
    console.log(`seeds from ${FIRST}; replay one with ZS_SEED=n`);
    const corpus = ATTACKS.map((attack) => ({ wasm: attack.wasm(), args: [] })).filter(
      ({ wasm }) => wasm.length > 16 && wasm.length < BYTES_MAX,
    );
    const count = process.env.ZS_SEED === undefined ? MODULES : 1;
    let admitted = 0;
    let next = FIRST;
    const lane = async (): Promise<void> => {
      while (next < FIRST + count) {
        const seed = next++;
        const { wasm, args } = mutate(seed, corpus);
        const call: Call = { abi: 'call', fn: 'run', args };
        const result = await sandbox.run({ wasm, call, limits: LIMITS, taskId: 'mutated' });
        if (result.ok) {
          admitted++;
          expect(result.outcome.gas, `seed ${seed}`).toBeLessThanOrEqual(LIMITS.gasMax);
          expect(result.outcome.pagesPeak).toBeLessThanOrEqual(LIMITS.pagesMax);
        } else expect('code' in result, `seed ${seed}: ${JSON.stringify(result)}`).toBe(true);
      }
    };
    await Promise.all([lane(), lane(), lane()]);
    if (count > 1) expect(admitted).toBeGreaterThan(count / 20);
  },
  SOAK ? 1_800_000 : 120_000,
);
