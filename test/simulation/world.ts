/**
 * Edge workers on one ledger, executors and callers, all of them real, in one process, on a network,
 * a clock and disks that a seed rules.
 */
import { openFileStore } from '@zerostate/sdk/node';
import { createSigner, type Signer } from '@zerostate/shared';
import { openDatabase as openEdgeDatabase } from '../../apps/edge/src/adapters/libsql.ts';
import { migrate as migrateEdge } from '../../apps/edge/src/adapters/migrate.ts';
import { readMigrations } from '../../apps/edge/src/adapters/migrations-folder.ts';
import { foundLedger } from '../../apps/edge/src/ledger/genesis.ts';
import { openLedgerDatabase } from '../../apps/edge/src/ledger/testing/open-ledger-database.ts';
import { openDatabase as openNodeDatabase } from '../../apps/executor-node/src/adapters/database.ts';
import type { Database as NodeDatabase } from '../../apps/executor-node/src/state/database.ts';
import { MIGRATIONS, migrate as migrateNode } from '../../apps/executor-node/src/state/migrate.ts';
import { newSession, pinNode } from '../../apps/executor-node/src/state/store.ts';
import { randomOf } from '../seed.ts';
import { type SimCaller, startCaller } from './caller.ts';
import { edgeDoor, type Fate, nodeDoor, walletDoor } from './disks.ts';
import { type SimEdge, startEdge } from './edge.ts';
import { type SimExecutor, startExecutor } from './executor.ts';
import { Invariants } from './invariants.ts';
import { Network, ORIGIN } from './network.ts';
import { Life, Scheduler } from './scheduler.ts';
import { quiesce, ruleTurns } from './turns.ts';

const START = 1_800_000_000_000;
const DIRECTORY = new URL('../../drizzle/directory/', import.meta.url);
const EDGES = 2;
const EXECUTORS = 2;
const CALLERS = 2;
export const MONEY = 100_000n;
/** Clocks of machines differ by this at most; more is refused by signed requests. */
const SKEW_MS = 15_000;

type Party = { signer: Signer; name: string; offMs: number };

export type World = Awaited<ReturnType<typeof createWorld>>;

export async function createWorld(seed: number) {
  const random = randomOf(seed);
  const rng = {
    bytes(length: number): Uint8Array<ArrayBuffer> {
      return Uint8Array.from({ length }, () => Math.floor(random() * 256));
    },
  };
  const release = ruleTurns();
  const scheduler = new Scheduler(START);
  const faults: string[] = [];
  const failed = (what: string) => faults.push(what);
  const disks = await makeDisks(rng);
  const invariants = new Invariants(disks.ledger.database);
  const control: { fate: Fate; wrote: boolean } = { fate: () => 'lives', wrote: false };
  const fate: Fate = (life) => control.fate(life);
  const skew = () => Math.floor((random() * 2 - 1) * SKEW_MS);
  const party = (signer: Signer, name: string): Party => ({ signer, name, offMs: skew() });
  const executorParties = disks.executors.map(({ signer }, i) => party(signer, `executor-${i}`));
  const callerParties = disks.callers.map(({ signer }, i) => party(signer, `caller-${i}`));
  const edges: SimEdge[] = [];
  const network = new Network(scheduler, random, () => edges);
  const exposure = { percentMax: BigInt(5 + Math.floor(random() * 40)), ageMsMax: 60_000 };
  let ledgerTime = 0;
  const setClock = async (): Promise<void> => {
    if (scheduler.now === ledgerTime) return;
    ledgerTime = scheduler.now;
    await disks.ledger.setTime(Math.floor(scheduler.now));
  };

  function bootEdge(i: number): void {
    const life = new Life(`edge-${i}`);
    const ledger = edgeDoor(life, fate, disks.ledger.database, async (isWrite) => {
      control.wrote ||= isWrite;
      await setClock();
    });
    const directory = edgeDoor(life, fate, disks.directory);
    const place = { scheduler, life, ledger, directory, rng, failed, offMs: skew() };
    edges[i] = startEdge({ ...place, ...disks.edge });
  }
  function bootExecutor(i: number): SimExecutor {
    const { signer, name, offMs } = at(executorParties, i);
    const { database, pinned } = at(disks.executors, i);
    const life = new Life(name);
    return startExecutor({
      scheduler,
      network,
      life,
      signer,
      pinned,
      exposure,
      rng,
      offMs,
      failed,
      database: nodeDoor(life, fate, database),
      runMs: () => 20 + random() * 900,
    });
  }
  function bootCaller(i: number): SimCaller {
    const { signer, name, offMs } = at(callerParties, i);
    const { store } = at(disks.callers, i);
    const life = new Life(name);
    const noting = {
      ...store,
      async commit(...write: Parameters<typeof store.commit>) {
        const done = await store.commit(...write);
        if (done) invariants.written(write[1]);
        return done;
      },
    };
    const door = walletDoor(life, fate, noting);
    const did = executorParties.map((each) => each.signer.did);
    const place = { scheduler, network, life, signer, rng, random, offMs, failed };
    return startCaller({ ...place, store: door, executors: did });
  }
  for (let i = 0; i < EDGES; i++) bootEdge(i);
  return {
    seed,
    random,
    scheduler,
    network,
    control,
    faults,
    invariants,
    disks,
    edges,
    executors: Array.from({ length: EXECUTORS }, (_, i) => bootExecutor(i)),
    callers: [] as SimCaller[],
    callerCount: CALLERS,
    bootEdge,
    bootExecutor,
    bootCaller,
    close: release,
  };
}

export function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new RangeError(`nothing at ${index}`);
  return item;
}

const signerOf = (byte: number) => createSigner(new Uint8Array(32).fill(byte));

/** Everything that outlives its process, with money for everybody. */
async function makeDisks(rng: { bytes(length: number): Uint8Array<ArrayBuffer> }) {
  const ledger = await pumped(openLedgerDatabase({ now: START }));
  const directory = openEdgeDatabase({ url: ':memory:', synchronous: 'normal' });
  await pumped(migrateEdge(directory, await readMigrations(DIRECTORY)));
  const [ledgerSigner, edgeSigner] = [await signerOf(1), await signerOf(2)];
  const founding = { signer: ledgerSigner, asset: 'test', kind: 'local', now: START } as const;
  const genesis = await pumped(foundLedger(ledger.database, founding));
  const pinnedTo = {
    edge: ORIGIN,
    edgeDid: edgeSigner.did,
    network: genesis.network,
    asset: genesis.asset,
  };
  const executors: { signer: Signer; database: NodeDatabase; pinned: Pin }[] = [];
  for (let i = 0; i < EXECUTORS; i++) {
    const signer = await signerOf(10 + i);
    const database = await pumped(openNodeDatabase(':memory:'));
    const pinned = { ...pinnedTo, did: signer.did };
    await pumped(migrateNode(database, MIGRATIONS, START));
    await pumped(database.write([pinNode(pinned, newSession(rng), START)]));
    executors.push({ signer, database, pinned });
  }
  const callers = await Promise.all(
    Array.from({ length: CALLERS }, async (_, i) => ({
      signer: await signerOf(20 + i),
      store: await pumped(openFileStore(':memory:')),
    })),
  );
  return { ledger, directory, executors, callers, edge: { ledgerSigner, edgeSigner, genesis } };
}

type Pin = Parameters<typeof pinNode>[0];

/** Work that also reads real files, before the simulated time begins. */
export async function pumped<T>(work: Promise<T>): Promise<T> {
  let isDone = false;
  const done = work.finally(() => {
    isDone = true;
  });
  done.catch(() => undefined);
  // Read through a function: the promise sets it.
  const isOver = () => isDone;
  while (!isOver()) await quiesce();
  return done;
}
