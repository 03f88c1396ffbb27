/** What Cloudflare Workers hands in, and the edge that is made of it. */

import { Int8Hnsw, ngramHash384 } from '@zerostate/discovery';
import { createSigner, createVerifier } from '@zerostate/shared';
import { type Bucket, r2BlobStore } from '../adapters/blobs-r2.ts';
import { type Assets, loadAssetEncoder } from '../adapters/encoder-assets.ts';
import { openHttpDatabase } from '../adapters/libsql-http.ts';
import { lineLog } from '../adapters/log-lines.ts';
import { noMetrics } from '../adapters/metrics-none.ts';
import { r2SnapshotStore, type SnapshotBucket } from '../adapters/snapshots-r2.ts';
import { systemClock, systemRng, systemTimers } from '../adapters/system.ts';
import { createApp, type Edge } from '../app.ts';
import { rowBlobStore } from '../blobs/store.ts';
import { type EdgeConfig, readConfig } from '../config.ts';
import { foundLedger } from '../ledger/genesis.ts';
import type { Database, Hub, Log } from '../ports.ts';
import type { SearchPorts } from '../search/ports.ts';
import { rowSnapshotStore } from '../search/snapshot-rows.ts';
import { eitherStore } from '../search/snapshot-store.ts';
import { EDGE_VERSION } from '../version.ts';

/** Variables, secrets and bindings; the namespace of hubs is added where its type is known. */
export type WorkerdEnv = {
  /** Blobs lie in rows of the directory where there is no bucket. */
  BLOBS?: Bucket;
  /** Snapshots of the search index lie in rows of the directory where there is no bucket. */
  SNAPSHOTS?: SnapshotBucket;
  /** Static assets; without the encoder's files there words and n-grams rank alone. */
  ASSETS?: Assets;
  /** Number of hubs; HUBS unless it says otherwise. */
  HUBS?: string;
};

export type WorkerdEdge = {
  edge: Edge;
  ledger: Database;
  directory: Database;
  log: Log;
  config: EdgeConfig;
  /** Loads the encoder, unless it is there, switched off or was just tried. */
  readEncoder(module: WebAssembly.Module): Promise<void>;
};

/** Throws when the configuration is wrong: the error names each variable. */
export function configOf(env: WorkerdEnv): EdgeConfig {
  const variables = Object.entries(env).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  // No listener of its own: only a variable can say that this is somebody's own machine.
  const read = readConfig({ HOST: '0.0.0.0', ...Object.fromEntries(variables) });
  if (read.ok) return read.value;
  const mistakes = read.mistakes.map(({ name, detail }) => `${name} ${detail}`);
  throw new Error(`configuration: ${mistakes.join('; ')}`);
}

/**
 * An isolate has 128 MB, and a hundred thousand cards fill most of it: above this there is no room
 * for a second index while a snapshot is built or taken up.
 */
const BESIDE_CARDS_MAX = 30_000;

/** Above this there is no room for the encoder and second vectors: words and n-grams rank alone. */
const SEMANTIC_CARDS_MAX = 50_000;

/** Work that the platform dropped, or an asset that was not there, is tried again after this. */
const ENCODER_RETRY_MS = 60_000;

function searchPorts(
  env: WorkerdEnv,
  config: EdgeConfig,
  directory: Database,
  module: WebAssembly.Module,
): SearchPorts {
  const rows = rowSnapshotStore(directory);
  return {
    embedder: ngramHash384,
    engine: (dims, capacity) => new Int8Hnsw({ module, dims, capacity }),
    snapshots:
      env.SNAPSHOTS === undefined ? rows : eitherStore(r2SnapshotStore(env.SNAPSHOTS), rows),
    timers: systemTimers,
    delta: config.index.delta,
    besideCardsMax: BESIDE_CARDS_MAX,
    semanticCardsMax: SEMANTIC_CARDS_MAX,
  };
}

/** One edge over the databases of the environment. */
export async function createWorkerdEdge(
  env: WorkerdEnv,
  hub: Hub,
  engine: WebAssembly.Module,
): Promise<WorkerdEdge> {
  const config = configOf(env);
  const log = lineLog(config.logLevel, (line) => console.log(line));
  const ledger = openHttpDatabase(config.ledger);
  const directory = openHttpDatabase(config.directory);
  const rows = rowBlobStore(directory);
  const [ledgerSigner, edgeSigner] = await Promise.all([
    createSigner(config.ledgerKey),
    createSigner(config.edgeKey),
  ]);
  const genesis = await foundLedger(ledger, {
    signer: ledgerSigner,
    asset: config.asset,
    kind: config.networkKind,
    now: systemClock.now(),
  });
  const search = searchPorts(env, config, directory, engine);
  const edge = createApp(
    {
      clock: systemClock,
      rng: systemRng,
      log,
      metrics: noMetrics,
      verifier: createVerifier(),
      ledger,
      directory,
      blobs: env.BLOBS === undefined ? rows : r2BlobStore(env.BLOBS, rows),
      hub,
      search,
      ledgerSigner,
      edgeSigner,
      genesis,
      // The platform serves the script as a static asset before the worker is asked.
      docsScript: async () => null,
      isDraining: () => false,
      version: EDGE_VERSION,
    },
    config,
  );
  const readEncoder = encoderReader({
    assets: env.ASSETS,
    config,
    search,
    log,
    feed: edge.feed,
  });
  return { edge, ledger, directory, log, config, readEncoder };
}

/**
 * The first request for a search begins it; the base answers until it is there. An index that has
 * outgrown it lets go of it.
 */
function encoderReader(about: {
  assets: Assets | undefined;
  config: EdgeConfig;
  search: SearchPorts;
  log: Log;
  feed: Edge['feed'];
}): WorkerdEdge['readEncoder'] {
  const { assets, config, search, log, feed } = about;
  let triedAt = Number.NEGATIVE_INFINITY;
  return async (module) => {
    if (feed.size > SEMANTIC_CARDS_MAX) delete search.semantic;
    if (assets === undefined || !config.index.semantic || search.semantic !== undefined) return;
    const now = systemClock.now();
    if (now - triedAt < ENCODER_RETRY_MS) return;
    triedAt = now;
    if ((await cardsOf(feed, search)) > SEMANTIC_CARDS_MAX) return;
    const loaded = await loadAssetEncoder(assets, module);
    if (loaded.ok) search.semantic = loaded.encoder;
    else log.info('no encoder', { code: loaded.code, detail: loaded.detail });
  };
}

/** How many there are, also before they are loaded. */
async function cardsOf(feed: Edge['feed'], { snapshots, embedder }: SearchPorts): Promise<number> {
  if (feed.isLoaded) return feed.size;
  const [newest] = await snapshots.list(embedder.id);
  return newest?.cards ?? 0;
}
