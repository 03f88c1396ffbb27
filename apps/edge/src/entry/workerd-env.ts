/** What Cloudflare Workers hands in, and the edge that is made of it. */

import { createSigner, createVerifier } from '@zerostate/shared';
import { type Bucket, r2BlobStore } from '../adapters/blobs-r2.ts';
import { openHttpDatabase } from '../adapters/libsql-http.ts';
import { lineLog } from '../adapters/log-lines.ts';
import { noMetrics } from '../adapters/metrics-none.ts';
import { systemClock, systemRng } from '../adapters/system.ts';
import { createApp, type Edge } from '../app.ts';
import { rowBlobStore } from '../blobs/store.ts';
import { type EdgeConfig, readConfig } from '../config.ts';
import { foundLedger } from '../ledger/genesis.ts';
import type { Database, Hub, Log } from '../ports.ts';
import { EDGE_VERSION } from '../version.ts';

/** Variables, secrets and bindings; the namespace of hubs is added where its type is known. */
export type WorkerdEnv = {
  /** Blobs lie in rows of the directory where there is no bucket. */
  BLOBS?: Bucket;
  /** Number of hubs; HUBS unless it says otherwise. */
  HUBS?: string;
};

export type WorkerdEdge = {
  edge: Edge;
  ledger: Database;
  directory: Database;
  log: Log;
  config: EdgeConfig;
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

/** One edge over the databases of the environment. */
export async function createWorkerdEdge(env: WorkerdEnv, hub: Hub): Promise<WorkerdEdge> {
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
  return { edge, ledger, directory, log, config };
}
