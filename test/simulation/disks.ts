/**
 * What outlives its process. Each database is real and in memory; each process has its own door to
 * it, which falls shut at its end: what it asks for afterwards is neither done nor answered. At any
 * write a process may die, just before or just after it is on disk.
 */
import type { WalletStore } from '@zerostate/sdk';
import type { Database as EdgeDatabase } from '../../apps/edge/src/ports.ts';
import type { Database as NodeDatabase } from '../../apps/executor-node/src/state/database.ts';
import type { Life } from './scheduler.ts';

const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

/** Decides at each write whether its process dies there; ends it, if so. */
export type Fate = (life: Life) => 'lives' | 'dies-before' | 'dies-after';

async function mortal<T>(life: Life, fate: Fate, write: () => Promise<T>): Promise<T> {
  if (!life.isAlive || life.isDoomed) return never();
  const what = fate(life);
  // Until its end comes around it goes on thinking, but nothing of it reaches a disk any more.
  if (what !== 'lives') life.doom();
  if (what === 'dies-before') return never();
  const done = await write();
  return life.isAlive ? done : never();
}

async function reading<T>(life: Life, read: () => Promise<T>): Promise<T> {
  if (!life.isAlive) return never();
  const done = await read();
  return life.isAlive ? done : never();
}

type Before = (isWrite: boolean) => Promise<void>;

/** `before` runs first each time: the ledger's clock is set to the world's. */
export function edgeDoor(
  life: Life,
  fate: Fate,
  database: EdgeDatabase,
  before: Before = async () => undefined,
): EdgeDatabase {
  const read = <T>(work: () => Promise<T>) => reading(life, () => before(false).then(work));
  return {
    batch: (statements) =>
      mortal(life, fate, () => before(true).then(() => database.batch(statements))),
    read: (statement) => read(() => database.read(statement)),
    readMany: (statements) => read(() => database.readMany(statements)),
    drizzle: database.drizzle,
    close: async () => undefined,
  };
}

export function nodeDoor(life: Life, fate: Fate, database: NodeDatabase): NodeDatabase {
  return {
    db: database.db,
    write: (statements) => mortal(life, fate, () => database.write(statements)),
    executeScript: (sql) => database.executeScript(sql),
    close: async () => undefined,
  };
}

export function walletDoor(life: Life, fate: Fate, store: WalletStore): WalletStore {
  return {
    bind: (owner) => reading(life, () => store.bind(owner)),
    load: () => reading(life, () => store.load()),
    version: () => reading(life, () => store.version()),
    commit: (version, changes) => mortal(life, fate, () => store.commit(version, changes)),
    task: (id) => reading(life, () => store.task(id)),
    tasks: (limit) => reading(life, () => store.tasks(limit)),
    close: async () => undefined,
  };
}
