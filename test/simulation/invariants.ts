/**
 * What holds at every moment, whatever happens (money.md 7): read from the ledger after each event
 * that wrote to it, beside what the payers' wallets had on disk by then.
 */
import type { WalletStore } from '@zerostate/sdk';
import type { Database } from '../../apps/edge/src/ports.ts';

type Change = Parameters<WalletStore['commit']>[1][number];

const STATEMENTS = [
  // I1, I2: nothing made, nothing lost, nobody overdrawn.
  `SELECT SUM(credits) - SUM(debits) AS difference,
     SUM(kind <> 'rail' AND credits < debits) AS overdrawn FROM account`,
  'SELECT ch, dir, lane, cum FROM lane',
  // I5, I8: what was put in is in escrow or was paid; a closed channel holds nothing.
  `SELECT c.id AS ch FROM channel c JOIN escrow e ON e.ch = c.id
   WHERE CASE c.state WHEN 'closed' THEN e.held <> 0 WHEN 'opening' THEN 0
     ELSE CASE e.dir WHEN 'a' THEN c.fund_a ELSE c.fund_b END <> e.held
       + (SELECT COALESCE(SUM(cum), 0) FROM lane l WHERE l.ch = c.id AND l.dir = e.dir) END`,
  // I13: live claims are covered by what is there.
  `SELECT e.ch AS ch FROM escrow e WHERE e.held < (
     SELECT COALESCE(SUM(MAX(0, k.base + k.price - COALESCE((SELECT cum FROM lane l
       WHERE l.ch = k.ch AND l.dir = k.dir AND l.lane = k.lane), 0))), 0)
     FROM claim k WHERE k.ch = e.ch AND k.dir = e.dir AND k.state IN ('pending', 'disputed'))`,
  // I8: closed is final.
  `SELECT id AS ch FROM channel WHERE state = 'closed'`,
  // I11: one receipt, one task, one effect.
  `SELECT receipt FROM claim GROUP BY receipt HAVING COUNT(*) > 1`,
].map((sql) => ({ sql, args: [] }));

export class Invariants {
  readonly #ledger: Database;
  /** What the payers' wallets have on disk: the highest total of each lane. */
  readonly #signed = new Map<string, bigint>();
  readonly #lanes = new Map<string, bigint>();
  readonly #closed = new Set<string>();

  constructor(ledger: Database) {
    this.#ledger = ledger;
  }

  /** A wallet has this on disk. */
  written(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.kind !== 'task') continue;
      const { ch, lane, cond, voucher } = change.task;
      const { dir, base, cap } = cond.body;
      this.#sign(`${ch} ${dir} ${lane}`, BigInt(base) + BigInt(cap));
      if (voucher !== null) this.#sign(`${ch} ${dir} ${lane}`, BigInt(voucher.body.cum));
    }
  }

  #sign(key: string, total: bigint): void {
    if (total > (this.#signed.get(key) ?? 0n)) this.#signed.set(key, total);
  }

  async check(): Promise<string[]> {
    const [sums, lanes, unequal, uncovered, closed, twice] =
      await this.#ledger.readMany(STATEMENTS);
    const wrong: string[] = [];
    const [sum] = sums ?? [];
    if (sum?.difference !== 0n) wrong.push(`I1 the sum is ${sum?.difference}`);
    if (sum?.overdrawn !== 0n) wrong.push(`I2 ${sum?.overdrawn} accounts are overdrawn`);
    for (const row of lanes ?? []) {
      const key = `${row.ch} ${row.dir} ${row.lane}`;
      const cum = BigInt(String(row.cum));
      if (cum < (this.#lanes.get(key) ?? 0n)) wrong.push(`I3 lane ${key} fell to ${cum}`);
      const signed = this.#signed.get(key) ?? 0n;
      if (cum > signed) wrong.push(`I4 lane ${key} paid ${cum}, its payer knows of ${signed}`);
      this.#lanes.set(key, cum);
    }
    for (const { ch } of unequal ?? []) wrong.push(`I5 or I8 the escrow of ${ch}`);
    for (const { ch } of uncovered ?? []) wrong.push(`I13 the claims on ${ch}`);
    const now = new Set((closed ?? []).map(({ ch }) => String(ch)));
    for (const ch of this.#closed) if (!now.has(ch)) wrong.push(`I8 ${ch} was closed and is not`);
    for (const ch of now) this.#closed.add(ch);
    for (const { receipt } of twice ?? []) wrong.push(`I11 ${receipt} is claimed twice`);
    return wrong;
  }
}
