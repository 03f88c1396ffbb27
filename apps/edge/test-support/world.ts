/** A whole edge in one process on real databases, with a clock that the test moves. */
import { ngramHash384 } from '@zerostate/discovery';
import { createSigner, createVerifier, type Signer, signRequest, utf8 } from '@zerostate/shared';
import { openDatabase } from '../src/adapters/libsql.ts';
import { noMetrics } from '../src/adapters/metrics-none.ts';
import { migrate } from '../src/adapters/migrate.ts';
import { readMigrations } from '../src/adapters/migrations-folder.ts';
import { systemRng } from '../src/adapters/system.ts';
import { createApp, type Edge, type EdgeSettings } from '../src/app.ts';
import { rowBlobStore } from '../src/blobs/store.ts';
import { createLinks, type Links } from '../src/hub/links.ts';
import { createProcessHub, type ProcessHub } from '../src/hub/process-hub.ts';
import { createSocketGate } from '../src/hub/socket-gate.ts';
import { foundLedger } from '../src/ledger/genesis.ts';
import { openLedgerDatabase } from '../src/ledger/testing/open-ledger-database.ts';
import type { BlobStore, Cancel, Database, Log, Timers } from '../src/ports.ts';
import { DELTA_DEFAULT, type SearchPorts } from '../src/search/ports.ts';
import { rowSnapshotStore } from '../src/search/snapshot-rows.ts';
import { makeOpen, makePublication } from './documents.ts';

export const START = 1_800_000_000_000;
export const ORIGIN = 'http://edge.test';
const DIRECTORY_FOLDER = new URL('../../../drizzle/directory/', import.meta.url);

export type EdgeWorld = Edge & {
  network: string;
  hub: ProcessHub;
  sockets: Links;
  directory: Database;
  blobs: BlobStore;
  alice: Signer;
  bob: Signer;
  carol: Signer;
  arbiter: Signer;
  operator: Signer;
  edgeSigner: Signer;
  now(): number;
  /** Moves every clock, and what waits for it. */
  pass(ms: number): Promise<void>;
  call(method: string, path: string, options?: CallOptions): Promise<Response>;
  /** Money from the faucet. */
  fund(signer: Signer, amount?: bigint): Promise<void>;
  logged: string[];
  close(): Promise<void>;
};

export type CallOptions = {
  json?: unknown;
  bytes?: Uint8Array<ArrayBuffer>;
  signer?: Signer;
  nonce?: string;
  headers?: Record<string, string>;
  /** The peer's address. */
  address?: string;
};

const FAST = { perSecond: 1_000_000, burst: 1_000_000 };

export async function createEdgeWorld(
  settings: Partial<EdgeSettings> = {},
  search: Partial<SearchPorts> = {},
): Promise<EdgeWorld> {
  const { ledgerSigner, edgeSigner, ...people } = await makeSigners();
  const { ledger, directory, setTime } = await openDatabases();
  const founding = { signer: ledgerSigner, asset: 'test', kind: 'local', now: START } as const;
  const genesis = await foundLedger(ledger, founding);
  const time = new TestTime(START);
  const clock = { now: () => time.now };
  const logged: string[] = [];
  const log = testLog(logged);
  const metrics = noMetrics;
  const forwards = { look: (dids: readonly string[]) => edge.forwards.look(dids) };
  const hub = createProcessHub({ clock, timers: time, directory, ledger, log, metrics, forwards });
  const blobs = rowBlobStore(directory);
  const edge = createApp(
    {
      clock,
      rng: systemRng,
      log,
      metrics,
      verifier: createVerifier(),
      ledger,
      directory,
      blobs,
      hub,
      search: {
        embedder: ngramHash384,
        snapshots: rowSnapshotStore(directory),
        timers: time,
        delta: DELTA_DEFAULT,
        ...search,
      },
      ledgerSigner,
      edgeSigner,
      genesis,
      docsScript: async () => null,
      isDraining: () => false,
      version: '0.0.0-test',
    },
    {
      origins: [ORIGIN],
      operators: [people.operator.did],
      arbiters: [people.arbiter.did],
      trustedProxies: [],
      rates: { address: FAST, did: FAST, link: FAST },
      faucet: true,
      ...settings,
    },
  );
  const sockets = createLinks(
    {
      ...edge.links,
      rng: systemRng,
      gate: createSocketGate(),
      trustedProxies: settings.trustedProxies ?? [],
    },
    hub,
  );
  let keys = 0;
  return {
    ...edge,
    network: genesis.network,
    hub,
    sockets,
    directory,
    blobs,
    ...people,
    edgeSigner,
    now: clock.now,
    async pass(ms) {
      time.pass(ms);
      await setTime(time.now);
    },
    call: (method, path, options) => call(edge.app, time.now, method, path, options),
    async fund(signer, amount = 1_000_000_000n) {
      keys++;
      const claim = { did: signer.did, route: 'test', key: `fund-${keys}`, request: 'r' };
      const funded = await edge.ledger.faucet(signer.did, amount, claim);
      if (!funded.ok) throw new Error(`faucet: ${funded.code}`);
    },
    logged,
    async close() {
      await hub.stop();
      await Promise.all([ledger.close(), directory.close()]);
    },
  };
}

async function openDatabases() {
  const { database: ledger, setTime } = await openLedgerDatabase({ now: START });
  const directory = openDatabase({ url: ':memory:', synchronous: 'normal' });
  await migrate(directory, await readMigrations(DIRECTORY_FOLDER));
  return { ledger, directory, setTime };
}

async function makeSigners() {
  const [ledgerSigner, edgeSigner, alice, bob, carol, arbiter, operator] = await Promise.all([
    signerOf(1),
    signerOf(2),
    signerOf(3),
    signerOf(4),
    signerOf(5),
    signerOf(6),
    signerOf(7),
  ]);
  return { ledgerSigner, edgeSigner, alice, bob, carol, arbiter, operator };
}

function signerOf(seed: number): Promise<Signer> {
  return createSigner(new Uint8Array(32).fill(seed));
}

async function call(
  app: Edge['app'],
  now: number,
  method: string,
  path: string,
  options: CallOptions = {},
): Promise<Response> {
  const { json, bytes, signer, nonce, headers, address } = options;
  const body = json === undefined ? bytes : utf8(JSON.stringify(json));
  const url = `${ORIGIN}${path}`;
  const signed =
    signer === undefined ? {} : await signRequest({ method, url, body, now, nonce, signer });
  const request = new Request(url, {
    method,
    ...(body === undefined ? {} : { body }),
    headers: {
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...(body === undefined ? {} : { 'content-length': String(body.length) }),
      ...signed,
      ...headers,
    },
  });
  return app.fetch(request, { address: address ?? '127.0.0.1' });
}

function testLog(lines: string[]): Log {
  const at = (level: string) => (event: string, _fields?: unknown, error?: unknown) => {
    const cause = error instanceof Error ? ` ${error.stack ?? error.message}` : '';
    lines.push(`${level} ${event}${cause}`);
  };
  return { debug: () => {}, info: at('info'), warn: at('warn'), error: at('error') };
}

type Timer = { at: number; everyMs: number | null; run: () => void };

/** Time that stands still until the test passes it. */
class TestTime implements Timers {
  now: number;
  readonly #timers = new Set<Timer>();

  constructor(now: number) {
    this.now = now;
  }

  after(ms: number, run: () => void): Cancel {
    return this.#add({ at: this.now + ms, everyMs: null, run });
  }

  every(ms: number, run: () => void): Cancel {
    return this.#add({ at: this.now + ms, everyMs: ms, run });
  }

  pass(ms: number): void {
    this.now += ms;
    for (const timer of [...this.#timers]) {
      if (timer.at > this.now) continue;
      if (timer.everyMs === null) this.#timers.delete(timer);
      else timer.at = this.now + timer.everyMs;
      timer.run();
    }
  }

  #add(timer: Timer): Cancel {
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }
}

/** An edge where Alice can pay Bob, who has a live card, and their channel. */
export async function createPaidWorld(): Promise<{
  world: EdgeWorld;
  channel: { ch: string; dir: 'a' | 'b' };
}> {
  const world = await createEdgeWorld();
  const { network, alice, bob } = world;
  await world.fund(alice);
  await world.fund(bob);
  const now = world.now();
  await world.call('POST', '/v1/cards', { json: await makePublication(network, bob, { now }) });
  const { open, ...channel } = await makeOpen(network, alice, bob, { now });
  const made = await world.ledger.openChannel(open, null);
  if (!made.ok) throw new Error(`open: ${made.code} ${made.detail}`);
  return { world, channel };
}
