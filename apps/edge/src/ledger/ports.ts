import type { Envelope, Signer, TaskReceipt, Verifier } from '@zerostate/shared';
import type { Database, Hub, Metrics } from '../ports.ts';

/** What the ledger asks of the directory's tasks. Never the source of a payment. */
export interface TaskRecords {
  /**
   * For each task that went through this edge: ms from its acceptance to its receipt by the
   * edge's clock. Tasks without both are left out.
   */
  durations(tasks: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** The stored receipt with this id; null when no task holds it. */
  receipt(id: string): Promise<Envelope<TaskReceipt> | null>;
}

export type LedgerPorts = {
  database: Database;
  verifier: Verifier;
  hub: Pick<Hub, 'wake' | 'wakeTopic'>;
  metrics: Pick<Metrics, 'count' | 'observe' | 'gauge' | 'time'>;
  tasks: TaskRecords;
  /** LEDGER_KEY: signs seals. */
  signer: Signer;
  /** What every signature names, and what amounts are counted in. */
  network: string;
  asset: string;
  /** Play money is given out: local networks only. */
  faucet: boolean;
  /** DIDs that may credit money from outside. */
  operators: readonly string[];
  arbiters: readonly string[];
};
