/** What the entries of processes have in common: everything but the sockets. */
import { Int8Hnsw, ngramHash384 } from '@zerostate/discovery';
import { loadEncoder } from '@zerostate/discovery/encoder/load';
import { loadInt8Hnsw } from '@zerostate/discovery/load';
import { createSigner, createVerifier, KEY_CACHE_SIZE } from '@zerostate/shared';
import { openDatabase } from '../adapters/libsql.ts';
import { migrate, pendingMigrations } from '../adapters/migrate.ts';
import { readMigrations } from '../adapters/migrations-folder.ts';
import { fileSnapshotStore } from '../adapters/snapshots-files.ts';
import { systemClock, systemRng, systemTimers } from '../adapters/system.ts';
import { createApp, type Edge } from '../app.ts';
import { rowBlobStore } from '../blobs/store.ts';
import type { EdgeConfig } from '../config.ts';
import { DIRECTORY_MIGRATIONS } from '../directory-migrations.ts';
import type { DocsScript } from '../http/docs.ts';
import { readLinked } from '../hub/link-store.ts';
import { createLinks, type Links } from '../hub/links.ts';
import { createProcessHub } from '../hub/process-hub.ts';
import { createSocketGate } from '../hub/socket-gate.ts';
import { foundLedger } from '../ledger/genesis.ts';
import { LEDGER_MIGRATIONS } from '../ledger/migrations.ts';
import type { Cancel, Database, Log, Metrics } from '../ports.ts';
import type { SearchPorts, SemanticEmbedder } from '../search/ports.ts';
import { rowSnapshotStore } from '../search/snapshot-rows.ts';
import { EDGE_VERSION } from '../version.ts';

/** The start cannot go on; the text says what to do. */
export class StartRefused extends Error {
  override readonly name = 'StartRefused';
}

export type Worker = {
  app: Edge['app'];
  links: Links;
  /** New requests are told to go elsewhere; callers that wait are answered. */
  drain(): void;
  /** Says goodbye to links and saves what they know. */
  stopLinks(): Promise<void>;
  /** After the last request: closes the databases. */
  stop(): Promise<void>;
};

const SWEEP_MS = 60_000;

export async function startWorker(
  config: EdgeConfig,
  runtime: { log: Log; metrics: Metrics; docsScript: DocsScript },
): Promise<Worker> {
  const { log, metrics } = runtime;
  const ledger = openDatabase({ ...config.ledger, synchronous: 'full' });
  const directory = openDatabase({ ...config.directory, synchronous: 'normal' });
  await prepare(config, ledger, directory);
  const ledgerSigner = await createSigner(config.ledgerKey);
  const edgeSigner = await createSigner(config.edgeKey);
  const genesis = await foundLedger(ledger, {
    signer: ledgerSigner,
    asset: config.asset,
    kind: config.networkKind,
    now: systemClock.now(),
  });
  const clock = systemClock;
  const hub = createProcessHub({
    clock,
    timers: systemTimers,
    directory,
    ledger,
    log,
    metrics,
    forwards: { look: (dids) => edge.forwards.look(dids) },
  });
  let isDraining = false;
  const blobs = rowBlobStore(directory);
  const search = await searchPorts(config, directory, log);
  const edge = createApp(
    {
      ...runtime,
      clock,
      rng: systemRng,
      verifier: createVerifier({ admitted: await readLinked(directory, KEY_CACHE_SIZE) }),
      ledger,
      directory,
      blobs,
      hub,
      search,
      ledgerSigner,
      edgeSigner,
      genesis,
      isDraining: () => isDraining,
      version: EDGE_VERSION,
    },
    config,
  );
  const gate = createSocketGate(systemTimers);
  const { trustedProxies } = config;
  const links = createLinks({ ...edge.links, rng: systemRng, gate, trustedProxies }, hub);
  hub.start();
  // The first search need not wait for it; `/readyz` does.
  edge.feed.refresh().catch((error: unknown) => log.error('index not loaded', {}, error));
  const cancels = [startRounds('sweep', SWEEP_MS, () => edge.sweep(), log)];
  const { buildMs } = config.index;
  if (buildMs > 0) cancels.push(startRounds('index build', buildMs, () => edge.build(), log));
  return {
    app: edge.app,
    links,
    drain() {
      isDraining = true;
      hub.release();
    },
    async stopLinks() {
      for (const cancel of cancels) cancel();
      await hub.stop();
    },
    async stop() {
      await Promise.all([ledger.close(), directory.close()]);
    },
  };
}

/** Applies missing migrations where the configuration says so, and otherwise refuses to start. */
async function prepare(config: EdgeConfig, ledger: Database, directory: Database): Promise<void> {
  const folder = (name: string) => new URL(`../../../../drizzle/${name}/`, import.meta.url);
  if (config.migrate) {
    await migrate(ledger, await readMigrations(folder('ledger')));
    await migrate(directory, await readMigrations(folder('directory')));
    return;
  }
  const missing = [
    ...(await pendingMigrations(ledger, LEDGER_MIGRATIONS)),
    ...(await pendingMigrations(directory, DIRECTORY_MIGRATIONS)),
  ];
  if (missing.length === 0) return;
  throw new StartRefused(`migrations are missing (${missing.join(', ')}): run npm run migrate`);
}

async function searchPorts(
  config: EdgeConfig,
  directory: Database,
  log: Log,
): Promise<SearchPorts> {
  const { folder, delta, semantic } = config.index;
  const encoder = semantic ? await readEncoder(log) : null;
  const module = await loadInt8Hnsw();
  return {
    embedder: ngramHash384,
    ...(encoder === null ? {} : { semantic: encoder }),
    engine: (dims, capacity) => new Int8Hnsw({ module, dims, capacity }),
    snapshots: folder === null ? rowSnapshotStore(directory) : fileSnapshotStore(folder),
    timers: systemTimers,
    delta,
  };
}

/** Before the index is loaded, so that it takes its second vectors from the snapshot. */
async function readEncoder(log: Log): Promise<SemanticEmbedder | null> {
  try {
    const loaded = await loadEncoder();
    if (loaded.ok) return loaded.encoder;
    log.info('no encoder', { code: loaded.code, detail: loaded.detail });
  } catch (error) {
    log.error('no encoder', {}, error);
  }
  return null;
}

/** Does it again and again, never twice at a time. */
function startRounds(name: string, ms: number, round: () => Promise<unknown>, log: Log): Cancel {
  let isUnderWay = false;
  return systemTimers.every(ms, () => {
    if (isUnderWay) return;
    isUnderWay = true;
    round()
      .catch((error: unknown) => log.error(`${name} failed`, {}, error))
      .finally(() => {
        isUnderWay = false;
      });
  });
}
