import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { splitStatements } from '../adapters/migrate.ts';
import type { Database } from '../ports.ts';
import { FIXTURE } from './testing/attack-sql.ts';
import { ATTACKS } from './testing/attacks.ts';
import { openLedgerDatabase } from './testing/open-ledger-database.ts';

const run = (database: Database, text: string) =>
  database.batch(splitStatements(text).map((sql) => ({ sql, args: [] })));
const imbalance = async (database: Database) => {
  const sql = 'SELECT COALESCE(SUM(credits) - SUM(debits), 0) AS sum FROM account';
  return (await database.read({ sql, args: [] }))[0]?.sum;
};
/** Everything an attack could have changed. */
const contents = (database: Database) =>
  database.readMany(
    [
      'account',
      'transfer',
      'channel',
      'lane',
      'claim',
      'seal',
      'rail_event',
      'idem',
      'mailbox',
      'withdrawal',
      'settlement',
    ].map((table) => ({ sql: `SELECT * FROM ${table}`, args: [] })),
  );

describe('the schema of the ledger', () => {
  it('admits every transition of the state machine and keeps the sum at zero', async () => {
    const { database, setTime } = await openLedgerDatabase();
    const text = await readFile(new URL('./testing/transitions.sql', import.meta.url), 'utf8');
    const batches = text.split(/^-- @/m).slice(1);
    expect(batches.length).toBeGreaterThan(45);
    for (const batch of batches) {
      const [head = ''] = batch.split('\n', 1);
      const time = /!t=(\d+)/.exec(head)?.[1];
      if (time !== undefined) await setTime(Number(time));
      const done = run(database, batch.slice(head.length));
      if (head.includes('!fail')) await expect(done, head).rejects.toThrow('refused');
      else await expect(done, head).resolves.toBeDefined();
      expect(await imbalance(database), head).toBe(0n);
    }
    await database.close();
  });

  it.each(ATTACKS)('refuses $name', async ({ before, attack, at }) => {
    const { database, setTime } = await openLedgerDatabase();
    await run(database, FIXTURE);
    if (before !== undefined) await run(database, before);
    if (at !== undefined) await setTime(at);
    const kept = await contents(database);
    await expect(run(database, attack)).rejects.toThrow('refused');
    expect(await contents(database)).toEqual(kept);
    expect(await imbalance(database)).toBe(0n);
    await database.close();
  });
});
