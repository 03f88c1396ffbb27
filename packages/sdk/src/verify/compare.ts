import { digestSha256, type TaskObjection, type TaskReceipt } from '@zerostate/shared';
import type { RerunResult } from './rerun.ts';

/** What a re-run says about a receipt. */
export type Comparison =
  | { state: 'equal' }
  | {
      state: 'differs';
      reason: TaskObjection['reason'];
      detail: string;
      /** The caller's own figures, for its objection. */
      output?: string;
      gas?: string;
    }
  | { state: 'unable'; reason: string };

/** Compares status, output, gas and pages: all are the same wherever the program runs. */
export async function compare(receipt: TaskReceipt, rerun: RerunResult): Promise<Comparison> {
  if (rerun.state === 'unable') return { state: 'unable', reason: rerun.reason };
  if (rerun.state === 'refused') {
    return { state: 'differs', reason: 'status-differs', detail: rerun.reason };
  }
  const { status, output: bytes, gas, pagesPeak } = rerun.outcome;
  const output = await digestSha256(bytes);
  const own = { output, gas: String(gas) };
  const differs = (reason: TaskObjection['reason'], got: unknown, said: string): Comparison => ({
    state: 'differs',
    reason,
    detail: `receipt ${said}, re-run ${String(got)}`,
    ...own,
  });
  if (status !== receipt.status) return differs('status-differs', status, receipt.status);
  if (output !== receipt.output) return differs('output-differs', output, receipt.output);
  if (String(bytes.length) !== receipt.output_len) {
    return differs('output-differs', bytes.length, receipt.output_len);
  }
  if (own.gas !== receipt.gas) return differs('gas-differs', gas, receipt.gas);
  if (String(pagesPeak) !== receipt.pages_peak) {
    return differs('pages-differ', pagesPeak, receipt.pages_peak);
  }
  return { state: 'equal' };
}
