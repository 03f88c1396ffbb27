import type { Sandbox, Timers } from '../ports.ts';
import type { WalletContext } from '../wallet/context.ts';
import type { Catalog } from './catalog.ts';
import type { LargeResults } from './large-results.ts';
import type { TaskQueue } from './queue.ts';
import type { RunnableTask } from './run-task.ts';

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
