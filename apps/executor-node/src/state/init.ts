import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { EdgeClient } from '@zerostate/sdk';
import { createSigner, err, networkId, ok, type Result } from '@zerostate/shared';
import type { Clock, Rng } from '../ports.ts';
import type { Database } from './database.ts';
import { createKeyFile, makeStateFolder, readKeyFile } from './keys.ts';
import { lockState } from './lock.ts';
import { MIGRATIONS, migrate } from './migrate.ts';
import { databaseUrl } from './open.ts';
import { moveEdge, newSession, type Pinned, pinNode, readNode } from './store.ts';

export interface InitAdapters {
  clock: Clock;
  rng: Rng;
  edge: EdgeClient;
  openDatabase: (url: string) => Promise<Database>;
  pid: number;
}

/**
 * Makes a node: asks the edge who it is, makes the key and pins edge and network. A second init
 * changes at most the origin of the same edge; with another one it is refused, because what is
 * signed for one network means nothing on another.
 */
export async function initNode(
  folder: string,
  edgeUrl: string,
  adapters: InitAdapters,
): Promise<Result<Pinned & { isNew: boolean }, string>> {
  const answer = await adapters.edge.network();
  if (!answer.ok) {
    return err(
      answer.code,
      `${edgeUrl} does not answer as an edge: ${answer.detail ?? answer.code}`,
    );
  }
  const { genesis, network, edge_did: edgeDid } = answer.value;
  if (networkId(genesis) !== network) {
    return err('network-wrong', `${edgeUrl} names the network ${network}, its genesis another`);
  }
  await makeStateFolder(folder);
  const lock = await lockState(folder, adapters.pid);
  if (!lock.ok) return lock;
  try {
    const seed = await takeKey(folder, adapters.rng);
    if (!seed.ok) return seed;
    const { did } = await createSigner(seed.value);
    const pinned = { did, edge: new URL(edgeUrl).origin, edgeDid, network, asset: genesis.asset };
    return await pin(folder, pinned, adapters);
  } finally {
    await lock.value.release();
  }
}

/** The key that is there, or a new one; never a new one beside a database of an old one. */
async function takeKey(folder: string, rng: Rng): Promise<Result<Uint8Array, string>> {
  const known = await readKeyFile(folder);
  if (known.ok || known.code !== 'key-missing') return known;
  const database = await stat(join(folder, 'node.db')).catch(() => null);
  return database === null ? createKeyFile(folder, rng) : known;
}

async function pin(
  folder: string,
  pinned: Pinned,
  adapters: InitAdapters,
): Promise<Result<Pinned & { isNew: boolean }, string>> {
  const { clock, rng } = adapters;
  const database = await adapters.openDatabase(databaseUrl(folder));
  try {
    await migrate(database, MIGRATIONS, clock.now());
    const known = await readNode(database);
    if (known === null) {
      await database.write([pinNode(pinned, newSession(rng), clock.now())]);
      return ok({ ...pinned, isNew: true });
    }
    if (known.edgeDid !== pinned.edgeDid || known.network !== pinned.network) {
      return err(
        'edge-pinned',
        `${folder} belongs to ${known.edge} (${known.network}): use another --state`,
      );
    }
    // The same edge at another origin: its key says that it is the same.
    if (known.edge !== pinned.edge) await database.write([moveEdge(pinned.edge)]);
    return ok({ ...pinned, isNew: false });
  } finally {
    await database.close();
  }
}
