import type { Envelope, TaskReceipt } from '@zerostate/shared';
import type { ReceiptBundle } from '../receipts/bundle.ts';
import type { VerifyMode } from '../verify/policy.ts';
import type { AgentRef } from './candidates.ts';
import type { ChannelTermsAsked } from './channels.ts';
import type { Failure } from './context.ts';
import type { LimitsAsked } from './plan.ts';
import type { OnProgress, Timings } from './progress.ts';

export interface RunOptions {
  /** What is wanted, in words; the best agents are tried in turn. */
  query?: string | undefined;
  /** Or one agent, and no other. */
  agent?: AgentRef | undefined;
  /** Which of the agent's programs: by the hash of its module, or by its skill. */
  program?: string | undefined;
  skill?: string | undefined;
  tags?: readonly string[] | undefined;
  args?: readonly string[] | undefined;
  input?: Uint8Array | undefined;
  /** The most this run may cost, micro-units, whoever does the work. */
  budget: bigint;
  /** `sample` by default. */
  verify?: VerifyMode | undefined;
  limits?: LimitsAsked | undefined;
  /** Terms of a channel, should one have to be opened. */
  channel?: ChannelTermsAsked | undefined;
  onProgress?: OnProgress | undefined;
  /** Ends the search and the waiting; never a payment or objection that has begun. */
  signal?: AbortSignal | undefined;
}

/** An agent that was asked and did not do the work. */
export interface Tried extends AgentRef {
  code: string;
  detail?: string;
}

export interface RunValue {
  agent: AgentRef & { name: string };
  ch: string;
  task: string;
  receiptId: string;
  receipt: Envelope<TaskReceipt>;
  output: Uint8Array;
  /** ok | exit:N | trap:… : what the program did. It is paid for either way. */
  status: string;
  gas: bigint;
  pagesPeak: bigint;
  price: bigint;
  /** Checked by running the program again, or taken on the executor's word. */
  verified: boolean;
  /** Whether the edge has the voucher; if not, the wallet sends it at its next start. */
  delivered: boolean;
  tried: Tried[];
  timings_ms: Timings;
  bundle: ReceiptBundle;
}

/** `task` is there when a task was signed that may still come to something. */
export type RunFailure = Failure & {
  tried: Tried[];
  task?: string;
  timings_ms: Timings;
};
export type RunResult = { ok: true; value: RunValue } | RunFailure;
