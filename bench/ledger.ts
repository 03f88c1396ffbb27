/**
 * The ledger: full voucher checks, settlements under every constraint with a flush a commit, and
 * the long jobs that a channel network has (names and figures: docs/bench.md, suite ledger).
 */
import { cpus } from 'node:os';
import { auditMillion } from './ledger-audit.ts';
import { closeThousand, hundredThousandPayments, voucherChecks } from './ledger-flows.ts';
import { settlements } from './ledger-settle.ts';
import type { BenchOptions, BenchReport, BenchResult } from './report.ts';

export async function run({ full, note }: BenchOptions): Promise<BenchReport> {
  const results: BenchResult[] = [];
  const missing: string[] = [];
  note('voucher checks');
  results.push(await voucherChecks());
  note('settlements in batches of 1, 100 and 500');
  results.push(...(await settlements({ full, note, missing })));
  note('1 000 channels closed');
  results.push(await closeThousand());
  note('100 000 payments over 500 channels');
  results.push(await hundredThousandPayments());
  note('an audit of 1 000 000 transfers');
  results.push(await auditMillion());
  const machine = `${cpus().length} cores, Node ${process.versions.node}`;
  return { suite: 'ledger', machine, results, missing };
}
