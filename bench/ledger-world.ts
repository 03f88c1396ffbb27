/** A ledger on a database file that flushes every commit, with channels between two parties. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createSigner,
  createVerifier,
  encodeBase64url,
  type PaychOpen,
  type Signer,
  sealEnvelope,
} from '@zerostate/shared';
import { openDatabase } from '../apps/edge/src/adapters/libsql.ts';
import { noMetrics } from '../apps/edge/src/adapters/metrics-none.ts';
import { migrate } from '../apps/edge/src/adapters/migrate.ts';
import { readMigrations } from '../apps/edge/src/adapters/migrations-folder.ts';
import { foundLedger } from '../apps/edge/src/ledger/genesis.ts';
import type { LedgerPorts } from '../apps/edge/src/ledger/ports.ts';
import { createLedger, type Ledger } from '../apps/edge/src/ledger/store.ts';
import type { Database } from '../apps/edge/src/ports.ts';

export type BenchLedger = {
  database: Database;
  ledger: Ledger;
  ports: LedgerPorts;
  network: string;
  payer: Signer;
  payee: Signer;
  close(): Promise<void>;
};

const seed = (byte: number) => new Uint8Array(32).fill(byte);

export async function createBenchLedger(): Promise<BenchLedger> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-ledger-'));
  const database = openDatabase({ url: `file:${join(folder, 'l.db')}`, synchronous: 'full' });
  await migrate(database, await readMigrations(new URL('../drizzle/ledger/', import.meta.url)));
  const signer = await createSigner(seed(1));
  const founding = { signer, asset: 'bench', kind: 'local', now: Date.now() } as const;
  const { network } = await foundLedger(database, founding);
  const ports: LedgerPorts = {
    database,
    verifier: createVerifier(),
    hub: { wake() {}, wakeTopic() {} },
    metrics: noMetrics,
    tasks: { durations: async () => new Map(), receipt: async () => null },
    signer,
    network,
    asset: 'bench',
    faucet: true,
    operators: [],
    arbiters: [],
  };
  const [payer, payee] = await Promise.all([createSigner(seed(2)), createSigner(seed(3))]);
  const ledger = createLedger(ports);
  const idem = { did: payer.did, route: 'bench', key: 'fund', request: 'r' };
  const funded = await ledger.faucet(payer.did, 1_000_000_000_000n, idem);
  if (!funded.ok) throw new Error(funded.code);
  return {
    database,
    ledger,
    ports,
    network,
    payer,
    payee,
    async close() {
      await database.close();
      await rm(folder, { recursive: true });
    },
  };
}

export type BenchChannel = { ch: string; dir: 'a' | 'b'; body: PaychOpen };

/** Active channels in which the payer holds `fund` each. */
export async function openChannels(
  { ledger, network, payer, payee }: BenchLedger,
  count: number,
  fund: bigint,
): Promise<BenchChannel[]> {
  const dir = payer.did < payee.did ? 'a' : 'b';
  const [a, b] = dir === 'a' ? [payer.did, payee.did] : [payee.did, payer.did];
  const now = Date.now();
  return Promise.all(
    Array.from({ length: count }, async () => {
      const body: PaychOpen = {
        a,
        b,
        fund_a: dir === 'a' ? String(fund) : '0',
        fund_b: dir === 'b' ? String(fund) : '0',
        nonce: encodeBase64url(crypto.getRandomValues(new Uint8Array(16))),
        open_by: String(now + 600_000),
        expires_at: String(now + 86_400_000),
        window_ms: '600000',
        claim_ms: '60000',
        asset: 'bench',
      };
      const first = await sealEnvelope(network, 'paych.open', body, payer);
      const second = await sealEnvelope(network, 'paych.open', body, payee);
      const open = { ...first, sigs: [...first.sigs, ...second.sigs] };
      const opened = await ledger.openChannel(open, null);
      if (!opened.ok) throw new Error(opened.code);
      const { ch } = JSON.parse(opened.value);
      return { ch: String(ch), dir, body };
    }),
  );
}

/** Rounded to what two shared cores can tell apart. */
export function figure(value: number): number {
  return Number(value.toPrecision(4));
}
