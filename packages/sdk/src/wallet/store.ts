import type { WalletChange, WalletState, WalletTask } from './model.ts';

/** Whose money, and on which network: a wallet is opened for one pair and refuses another. */
export interface WalletOwner {
  readonly did: string;
  readonly network: string;
}

export type WalletStoreCode = 'wallet-of-another-identity' | 'wallet-of-another-network';

/** Where a wallet is kept. The file adapter survives kill -9; the memory adapter is for browsers. */
export interface WalletStore {
  /** Binds a new store to its owner; says which of the two differs in an old one. */
  bind(owner: WalletOwner): Promise<WalletStoreCode | null>;
  /** Channels, and the tasks that are not done. The caller owns the copy. */
  load(): Promise<WalletState>;
  version(): Promise<number>;
  /**
   * Writes all changes or none, durably before it returns. False when somebody else has written
   * since `version`: load and decide again. Throws when the disk does.
   */
  commit(version: number, changes: readonly WalletChange[]): Promise<boolean>;
  /** Any task, settled ones too. */
  task(id: string): Promise<WalletTask | null>;
  /** The newest tasks first. */
  tasks(limit: number): Promise<WalletTask[]>;
  close(): Promise<void>;
}
