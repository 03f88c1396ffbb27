import type { Client, Row } from '@libsql/client';
import type { BudgetLane } from '@zerostate/shared';
import { openFileClient } from '../../adapters/file-client.ts';
import type { WalletChannel, WalletState } from '../model.ts';
import type { WalletStore } from '../store.ts';
import { bigintOf, channelOf, laneOf, numberOf, statementOf, taskOf, textOf } from './rows.ts';
import { SCHEMA_VERSION, UNFINISHED, UPGRADES } from './schema.ts';

/** A file that is no wallet, or of a later version. */
export class WalletFileError extends Error {
  override name = 'WalletFileError';
}

/** How long a writer waits for another process. */
const BUSY_MS_MAX = 5_000;

/**
 * A wallet in a libSQL file. What `commit` returned for survives kill -9 and a power cut
 * (WAL, synchronous=FULL). Several processes may use the file at once.
 */
export async function openFileStore(path: string): Promise<WalletStore> {
  const client = await openClient(path);
  return {
    async bind({ did, network }) {
      await client.execute({
        sql: 'INSERT OR IGNORE INTO wallet (id, did, network, version) VALUES (1, ?, ?, 0)',
        args: [did, network],
      });
      const row = await first(client, 'SELECT did, network FROM wallet');
      if (textOf(row, 'did') !== did) return 'wallet-of-another-identity';
      return textOf(row, 'network') === network ? null : 'wallet-of-another-network';
    },

    load: () => load(client),

    async version() {
      return numberOf(await first(client, 'SELECT version FROM wallet'), 'version');
    },

    async commit(version, changes) {
      const raise = { sql: 'UPDATE wallet SET version = ?', args: [version + 1] };
      try {
        await client.batch([raise, ...inOrder(changes).map(statementOf)], 'write');
        return true;
      } catch (error) {
        if (error instanceof Error && error.message.includes('wallet-stale')) return false;
        throw error;
      }
    },

    async task(id) {
      const { rows } = await client.execute({
        sql: 'SELECT * FROM task WHERE task = ?',
        args: [id],
      });
      return rows[0] === undefined ? null : taskOf(rows[0]);
    },

    async tasks(limit) {
      const sql = 'SELECT * FROM task ORDER BY at DESC, task LIMIT ?';
      const { rows } = await client.execute({ sql, args: [limit] });
      return rows.map(taskOf);
    },

    async close() {
      client.close();
    },
  };
}

async function openClient(path: string): Promise<Client> {
  let client: Client | null = null;
  try {
    client = openFileClient({ path, intMode: 'bigint', busyMsMax: BUSY_MS_MAX });
    await prepare(client);
    return client;
  } catch (cause) {
    client?.close();
    if (cause instanceof WalletFileError) throw cause;
    throw new WalletFileError(`cannot open the wallet ${path}`, { cause });
  }
}

/** A lane names its task, so that the row of the task comes first. */
function inOrder(changes: Parameters<WalletStore['commit']>[1]) {
  const rank = { channel: 0, task: 1, lane: 2, day: 3 };
  return [...changes].sort((x, y) => rank[x.kind] - rank[y.kind]);
}

async function prepare(client: Client): Promise<void> {
  await client.execute('PRAGMA journal_mode = WAL');
  await client.execute('PRAGMA synchronous = FULL');
  await client.execute('PRAGMA foreign_keys = ON');
  const version = await schemaVersion(client);
  if (version > SCHEMA_VERSION) {
    throw new WalletFileError(`this wallet has schema ${version}, newer than this program`);
  }
  if (version === SCHEMA_VERSION) return;
  try {
    const missing = UPGRADES.slice(version).flat();
    await client.batch([...missing, `PRAGMA user_version = ${SCHEMA_VERSION}`], 'write');
  } catch (error) {
    // Another process may have done it in the meantime; anything else is a fault.
    if ((await schemaVersion(client)) !== SCHEMA_VERSION) throw error;
  }
}

async function schemaVersion(client: Client): Promise<number> {
  return numberOf(await first(client, 'PRAGMA user_version'), 'user_version');
}

async function first(client: Client, sql: string): Promise<Row> {
  const { rows } = await client.execute(sql);
  if (rows[0] === undefined) throw new Error(`no row: ${sql}`);
  return rows[0];
}

async function load(client: Client): Promise<WalletState> {
  const [wallet, channels, lanes, tasks, days] = await client.batch(
    [
      'SELECT version FROM wallet',
      'SELECT * FROM channel ORDER BY at, ch',
      'SELECT * FROM lane',
      `SELECT * FROM task WHERE ${UNFINISHED}`,
      'SELECT day, reserved FROM day',
    ],
    'read',
  );
  const version = wallet?.rows[0];
  if (version === undefined) throw new Error('a store is bound before it is loaded');
  return {
    version: numberOf(version, 'version'),
    channels: channelsOf(channels?.rows ?? [], lanes?.rows ?? []),
    tasks: new Map((tasks?.rows ?? []).map(taskOf).map((task) => [task.task, task])),
    days: new Map(
      (days?.rows ?? []).map((row) => [numberOf(row, 'day'), bigintOf(row, 'reserved')]),
    ),
  };
}

function channelsOf(channels: readonly Row[], lanes: readonly Row[]): Map<string, WalletChannel> {
  const held = new Map<string, Record<number, BudgetLane>>();
  for (const row of lanes) {
    const ch = textOf(row, 'ch');
    const own = held.get(ch) ?? {};
    own[numberOf(row, 'lane')] = laneOf(row);
    held.set(ch, own);
  }
  return new Map(
    channels.map(channelOf).map((channel) => {
      const budget = { ...channel.budget, lanes: held.get(channel.ch) ?? {} };
      return [channel.ch, { ...channel, budget }];
    }),
  );
}
