/** What the directory's side of the edge asks of the ledger: reads only. */
import type { Database } from './ports.ts';

export type ChannelView = {
  a: string;
  b: string;
  state: 'opening' | 'active' | 'closing' | 'closed';
  claimMs: number;
};

export interface LedgerView {
  /** The parties and state of a channel, null when there is none. */
  channelView(ch: string): Promise<ChannelView | null>;
  /** Whether a claim says that this receipt is of this task. */
  isClaimed(task: string, receipt: string): Promise<boolean>;
  /** Whether a conditional voucher is claimed: then its task may be argued about. */
  isCondClaimed(cond: string): Promise<boolean>;
  /** Whether a DID has money here, free or in escrow: what lets it store things. */
  isFunded(did: string): Promise<boolean>;
}

const STATES = ['opening', 'active', 'closing', 'closed'] as const;

export function createLedgerView(ledger: Database): LedgerView {
  return {
    async channelView(ch) {
      const [row] = await ledger.read({
        sql: 'SELECT a, b, state, claim_ms FROM channel WHERE id = ?1',
        args: [ch],
      });
      if (row === undefined) return null;
      const state = STATES.find((known) => known === row.state);
      if (state === undefined) throw new Error(`stored channel in state ${row.state}`);
      return { a: String(row.a), b: String(row.b), state, claimMs: Number(row.claim_ms) };
    },
    async isClaimed(task, receipt) {
      const rows = await ledger.read({
        sql: 'SELECT 1 FROM claim WHERE task = ?1 AND receipt = ?2',
        args: [task, receipt],
      });
      return rows.length > 0;
    },
    async isCondClaimed(cond) {
      const rows = await ledger.read({ sql: 'SELECT 1 FROM claim WHERE id = ?1', args: [cond] });
      return rows.length > 0;
    },
    async isFunded(did) {
      const [row] = await ledger.read({
        sql: `SELECT EXISTS (SELECT 1 FROM account WHERE id = 'avl:' || ?1 AND credits > debits)
                OR EXISTS (SELECT 1 FROM channel WHERE (a = ?1 OR b = ?1)
                  AND state IN ('opening', 'active', 'closing')) AS funded`,
        args: [did],
      });
      return row?.funded === 1n;
    },
  };
}
