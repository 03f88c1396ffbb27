/** What the directory's side of the edge asks of the ledger. */
export type ChannelView = {
  a: string;
  b: string;
  state: 'opening' | 'active' | 'closing' | 'closed';
  claimMs: number;
};

export type ReputationView = { score: number; n: number };

export interface LedgerView {
  /** The parties and state of a channel, null when there is none. */
  channelView(ch: string): Promise<ChannelView | null>;
  /** Whether a DID has money here, free or in escrow: what lets it store things. */
  isFunded(did: string): Promise<boolean>;
  /** Scores of those DIDs that have one. */
  reputationViews(dids: readonly string[]): Promise<ReadonlyMap<string, ReputationView>>;
}
