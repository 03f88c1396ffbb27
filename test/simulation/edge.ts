/** One edge worker, real but for its surroundings: the app, its hub, its links and its sweep. */
import { ngramHash384 } from '@zerostate/discovery';
import { createVerifier, type Signer } from '@zerostate/shared';
import { noMetrics } from '../../apps/edge/src/adapters/metrics-none.ts';
import { createApp } from '../../apps/edge/src/app.ts';
import { rowBlobStore } from '../../apps/edge/src/blobs/store.ts';
import type { LinkSession, LinkSocket } from '../../apps/edge/src/hub/link-session.ts';
import { createLinks } from '../../apps/edge/src/hub/links.ts';
import { createProcessHub } from '../../apps/edge/src/hub/process-hub.ts';
import { createSocketGate } from '../../apps/edge/src/hub/socket-gate.ts';
import type { StoredGenesis } from '../../apps/edge/src/ledger/genesis.ts';
import type { Ledger } from '../../apps/edge/src/ledger/store.ts';
import type { Database, Log } from '../../apps/edge/src/ports.ts';
import { DELTA_DEFAULT } from '../../apps/edge/src/search/ports.ts';
import { rowSnapshotStore } from '../../apps/edge/src/search/snapshot-rows.ts';
import { ORIGIN } from './network.ts';
import type { Life, Scheduler } from './scheduler.ts';

export interface EdgePlace {
  scheduler: Scheduler;
  life: Life;
  ledger: Database;
  directory: Database;
  rng: { bytes(length: number): Uint8Array<ArrayBuffer> };
  ledgerSigner: Signer;
  edgeSigner: Signer;
  genesis: StoredGenesis;
  /** How far this worker's own clock is off, ms. */
  offMs: number;
  /** A bug, or a database that a test does not mean to lose. */
  failed: (what: string) => void;
}

export interface SimEdge {
  readonly life: Life;
  readonly ledger: Ledger;
  answer(url: string, init: RequestInit): Promise<Response>;
  accept(socket: LinkSocket): LinkSession | null;
  /** Told once when this worker dies, unless the result is called before. */
  whenDead(tell: () => void): () => void;
  die(): void;
}

const SWEEP_MS = 30_000;
const FAST = { perSecond: 1_000_000, burst: 1_000_000 };

export function startEdge(place: EdgePlace): SimEdge {
  const { scheduler, life, ledger, directory, rng } = place;
  const clock = { now: () => Math.floor(scheduler.now) + place.offMs };
  const timers = {
    after: (ms: number, run: () => void) => scheduler.after(ms, life, `${life.name} timer`, run),
    every: (ms: number, run: () => void) => scheduler.every(ms, life, `${life.name} tick`, run),
  };
  const log: Log = {
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: (event, _fields, cause) =>
      place.failed(`${life.name} ${event} ${cause instanceof Error ? cause.stack : ''}`),
  };
  const forwards = { look: (dids: readonly string[]) => edge.forwards.look(dids) };
  const metrics = noMetrics;
  const hub = createProcessHub({ clock, timers, directory, ledger, log, metrics, forwards });
  const edge = createApp(
    {
      ...place,
      clock,
      log,
      metrics,
      verifier: createVerifier(),
      blobs: rowBlobStore(directory),
      hub,
      docsScript: async () => null,
      search: {
        embedder: ngramHash384,
        timers,
        delta: DELTA_DEFAULT,
        snapshots: rowSnapshotStore(directory),
      },
      isDraining: () => false,
      version: '0.0.0-simulated',
    },
    {
      origins: [ORIGIN],
      operators: [],
      arbiters: [],
      trustedProxies: [],
      rates: { address: FAST, did: FAST, link: FAST },
      faucet: true,
    },
  );
  const links = createLinks({ ...edge.links, rng, gate: createSocketGate() }, hub);
  const mourners = new Set<() => void>();
  hub.start();
  timers.every(SWEEP_MS, () => {
    edge.sweep().catch((cause: unknown) => place.failed(`sweep: ${String(cause)}`));
  });
  return {
    life,
    ledger: edge.ledger,
    answer: async (url, init) => edge.app.fetch(new Request(url, init), { address: '127.0.0.1' }),
    accept(socket) {
      const spot = links.admit({ address: '127.0.0.1' });
      return spot?.accept(socket, ORIGIN) ?? null;
    },
    whenDead(tell) {
      mourners.add(tell);
      return () => mourners.delete(tell);
    },
    die() {
      life.end();
      for (const tell of mourners) tell();
      mourners.clear();
    },
  };
}
