import type { CondTerms, TaskManifest, TaskTerms } from '@zerostate/shared';
import type { Sandbox, Timers } from '../ports.ts';
import type { WalletContext } from '../wallet/context.ts';
import type { Catalog } from './catalog.ts';
import type { LargeResults } from './large-results.ts';
import type { QueuedTask, TaskQueue } from './queue.ts';

/** An accepted task with everything its run needs. */
export interface RunnableTask extends QueuedTask {
  terms: TaskTerms;
  manifest: TaskManifest;
  cond: CondTerms;
  input: Uint8Array;
  /** Resolves when offer and accept are on disk. The run may be over before. */
  kept: Promise<void>;
  /** Runs that the host failed, not the guest. */
  tries: number;
}

/** The measured speed of this machine. */
export interface GasRate {
  readonly gasPerMs: number;
}

/** What taking offers and running tasks work with. */
export interface OffersContext {
  wallet: WalletContext;
  timers: Timers;
  sandbox: Sandbox;
  catalog: Catalog;
  queue: TaskQueue<RunnableTask>;
  gasRate: GasRate;
  largeResults: LargeResults;
  /** A task has its receipt. */
  finished: () => void;
  /** The node is stopping: new offers are told to come back. */
  isDraining: () => boolean;
}
