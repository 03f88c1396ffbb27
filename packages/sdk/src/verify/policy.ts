import { type TaskReceipt, VERIFY_ALWAYS_GAS_MAX, VERIFY_SAMPLE } from '@zerostate/shared';
import type { Rng } from '../ports.ts';

/**
 * `always` re-runs every task. `sample`, the default, re-runs what is cheap to re-run and a share
 * of the rest that nobody can foresee. `never` trusts the executor's word: it has to be asked for.
 */
export type VerifyMode = 'always' | 'sample' | 'never';

/** Whether this receipt is re-run. Its own gas decides: that is what the re-run would cost. */
export function isChecked(mode: VerifyMode, receipt: TaskReceipt, rng: Rng): boolean {
  if (mode !== 'sample') return mode === 'always';
  if (BigInt(receipt.gas) <= VERIFY_ALWAYS_GAS_MAX) return true;
  const [byte = 0, low = 0] = rng.bytes(2);
  return (byte * 256 + low) / 65_536 < VERIFY_SAMPLE;
}
