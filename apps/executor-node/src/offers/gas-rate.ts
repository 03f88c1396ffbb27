import type { Sandbox } from '../ports.ts';

/** Gas of the probe: some tens of ms on any machine of this decade. */
const PROBE_GAS = 200_000_000n;
const PROBE_WALL_MS_MAX = 10_000;
const NO_TASK = 'A'.repeat(43);

/**
 * (module (func (export "spin") (local i64 i64)
 *   loop local.get 0, i64.const 1, i64.add, local.tee 0, local.get 1, i64.xor, local.set 1, br 0))
 * It ends when its gas does.
 */
const SPIN = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...[0x01, 0x04, 0x01, 0x60, 0x00, 0x00],
  ...[0x03, 0x02, 0x01, 0x00],
  ...[0x07, 0x08, 0x01, 0x04, 0x73, 0x70, 0x69, 0x6e, 0x00, 0x00],
  ...[0x0a, 0x17, 0x01, 0x15, 0x01, 0x02, 0x7e, 0x03, 0x40],
  ...[0x20, 0x00, 0x42, 0x01, 0x7c, 0x22, 0x00, 0x20, 0x01, 0x85, 0x21, 0x01, 0x0c, 0x00],
  ...[0x0b, 0x0b],
);

/** The first run compiles, and another process may be in the way of one: the best counts. */
const PROBES = 3;
/** Real programs wait for memory where the probe does not: half of its speed is promised. */
const SAFETY = 2;

/**
 * Gas per ms of wall time that this machine can be relied on for; null when the sandbox cannot
 * say. `gas_max` of an accepted task fits its `wall_ms_max` at this rate.
 */
export async function measureGasRate(sandbox: Sandbox): Promise<number | null> {
  let best = 0;
  for (let probe = 0; probe < PROBES; probe++) {
    const outcome = await sandbox.run({
      wasm: SPIN,
      call: { abi: 'call', fn: 'spin', args: [] },
      limits: { gasMax: PROBE_GAS, pagesMax: 0, wallMsMax: PROBE_WALL_MS_MAX, outputMax: 0 },
      taskId: NO_TASK,
    });
    if (!outcome.ok || outcome.wallMs <= 0) continue;
    best = Math.max(best, Number(outcome.gas) / outcome.wallMs);
  }
  const promised = Math.floor(best / SAFETY);
  return promised > 0 ? promised : null;
}
