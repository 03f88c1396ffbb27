import { networkId, type Signer } from '@zerostate/shared';
import type { Database } from '../ports.ts';
import { text } from './snapshot.ts';

/** What makes a network: one ledger. `createdAt` in ms. */
export type StoredGenesis = {
  network: string;
  ledger: string;
  asset: string;
  kind: 'local' | 'open';
  createdAt: number;
};

/** The database is another ledger's, or the key is not the one it was founded with. */
export class WrongLedgerKey extends Error {
  override readonly name = 'WrongLedgerKey';
}

/** The genesis of this database; null before it has one. */
export async function readGenesis(database: Database): Promise<StoredGenesis | null> {
  const [row] = await database.read({
    sql: 'SELECT network, ledger, asset, kind, created_at FROM genesis',
    args: [],
  });
  if (row === undefined) return null;
  const { network, ledger, asset, kind } = row;
  return {
    network: text(network),
    ledger: text(ledger),
    asset: text(asset),
    kind: kind === 'open' ? 'open' : 'local',
    createdAt: Number(row.created_at),
  };
}

/**
 * The genesis, made at the first start. Throws `WrongLedgerKey` when the database was founded with
 * another key: its seals could not be continued.
 */
export async function foundLedger(
  database: Database,
  founding: { signer: Signer; asset: string; kind: 'local' | 'open'; now: number },
): Promise<StoredGenesis> {
  const known = await readGenesis(database);
  if (known === null) await insertGenesis(database, founding);
  const genesis = known ?? (await readGenesis(database));
  if (genesis === null) throw new Error('the genesis was not written');
  if (genesis.ledger !== founding.signer.did) {
    throw new WrongLedgerKey(`this ledger was founded by ${genesis.ledger}`);
  }
  return genesis;
}

async function insertGenesis(
  database: Database,
  { signer, asset, kind, now }: { signer: Signer; asset: string; kind: string; now: number },
): Promise<void> {
  const network = networkId({ ledger: signer.did, asset, kind, created_at: String(now) });
  // Two workers may start on an empty database at once: the first one founds it.
  await database.batch([
    {
      sql: `INSERT INTO genesis(id, network, ledger, asset, kind, created_at)
            SELECT 1, ?1, ?2, ?3, ?4, ?5 WHERE NOT EXISTS (SELECT 1 FROM genesis)`,
      args: [network, signer.did, asset, kind, now],
    },
  ]);
}
