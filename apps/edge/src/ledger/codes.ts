import type { EnvelopeCode, Result } from '@zerostate/shared';
import type { LEDGER_PROBLEMS } from './problems.ts';

/** Why an operation of the ledger did not happen. Nothing was moved. */
export type LedgerCode =
  | keyof typeof LEDGER_PROBLEMS
  | EnvelopeCode
  | 'channel-unknown'
  | 'idempotency-mismatch'
  | 'busy'
  | 'storage-unavailable';

export type LedgerResult<T> = Result<T, LedgerCode>;
