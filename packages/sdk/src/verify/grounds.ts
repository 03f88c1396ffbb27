import type { Difference } from '@zerostate/runtime';
import type { TaskObjection } from '@zerostate/shared';

/** What is wrong with a receipt, as an objection says it. */
export interface ObjectionFault {
  reason: TaskObjection['reason'];
  detail: string;
  /** The caller's own figures where they differ. */
  output?: string;
  gas?: string;
}

/** In the order in which one fault causes the next: a wrong status explains a wrong output. */
const REASONS: readonly (readonly [Difference['field'], TaskObjection['reason']])[] = [
  ['status', 'status-differs'],
  ['output', 'output-differs'],
  ['output_len', 'output-differs'],
  ['gas', 'gas-differs'],
  ['pages_peak', 'pages-differ'],
  ['price', 'price-wrong'],
];

/** The objection that a second run's differences come to. */
export function faultOf(differs: readonly Difference[]): ObjectionFault {
  const by = new Map(differs.map((difference) => [difference.field, difference]));
  const named = REASONS.find(([field]) => by.has(field));
  const first = named && by.get(named[0]);
  if (named === undefined || first === undefined) throw new Error('a fault without a difference');
  const output = by.get('output')?.rerun;
  const gas = by.get('gas')?.rerun;
  return {
    reason: named[1],
    detail: `${first.field}: receipt ${first.receipt}, re-run ${first.rerun}`,
    ...(output === undefined ? {} : { output }),
    ...(gas === undefined ? {} : { gas }),
  };
}
