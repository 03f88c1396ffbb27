/** A ledger on a real database with parties that sign, for tests. */
import {
  type ChannelAnswer,
  type ClaimAnswer,
  channelAnswerSchema,
  claimAnswerSchema,
  cosign,
  createSigner,
  createVerifier,
  type Dir,
  type Envelope,
  encodeBase64url,
  foldMemo,
  idOf,
  type PaychCond,
  type PaychOpen,
  type Redemption,
  type Signer,
  sealEnvelope,
  sha256Base64url,
  type TaskReceipt,
  utf8,
} from '@zerostate/shared';
import { noMetrics } from '../../adapters/metrics-none.ts';
import { migrate } from '../../adapters/migrate.ts';
import { readMigrations } from '../../adapters/migrations-folder.ts';
import type { Database } from '../../ports.ts';
import type { LedgerResult } from '../codes.ts';
import { foundLedger } from '../genesis.ts';
import type { LedgerPorts } from '../ports.ts';
import { createLedger, type Ledger } from '../store.ts';
import { LEDGER_MIGRATIONS_FOLDER, openLedgerDatabase } from './open-ledger-database.ts';

export const START = 1_800_000_000_000;
export const DAY = 86_400_000;
export const UNIT = 1_000_000n;

const SEEDS = {
  ledger: 1,
  alice: 2,
  bob: 3,
  carol: 4,
  operator: 5,
  judge1: 6,
  judge2: 7,
  judge3: 8,
};
export type Name = keyof typeof SEEDS;

export type World = {
  ledger: Ledger;
  ports: LedgerPorts;
  database: Database;
  setTime(ms: number): Promise<void>;
  signers: { [name in Name]: Signer };
  network: string;
  woken: string[];
  /** ms that the directory reports for a task. */
  durations: Map<string, number>;
  receipts: Map<string, Envelope<TaskReceipt>>;
};

export async function createWorld(
  options: {
    url?: string;
    arbiters?: readonly Name[];
    database?: Database;
    metrics?: LedgerPorts['metrics'];
  } = {},
): Promise<World> {
  const { database, setTime } =
    options.database === undefined
      ? await openLedgerDatabase({ now: START, ...(options.url && { url: options.url }) })
      : { database: options.database, setTime: () => Promise.resolve() };
  if (options.database !== undefined) {
    await migrate(database, await readMigrations(LEDGER_MIGRATIONS_FOLDER));
  }
  const signers = await makeSigners();
  const { network } = await foundLedger(database, {
    signer: signers.ledger,
    asset: 'test',
    kind: 'local',
    now: START,
  });
  const woken: string[] = [];
  const durations = new Map<string, number>();
  const receipts = new Map<string, Envelope<TaskReceipt>>();
  const ports: LedgerPorts = {
    database,
    verifier: createVerifier(),
    hub: { wake: (did) => woken.push(did), wakeTopic: (topic) => woken.push(topic) },
    metrics: options.metrics ?? noMetrics,
    tasks: {
      durations: async (tasks) => pick(durations, tasks),
      receipt: async (id) => receipts.get(id) ?? null,
    },
    signer: signers.ledger,
    network,
    asset: 'test',
    faucet: true,
    operators: [signers.operator.did],
    arbiters: (options.arbiters ?? []).map((name) => signers[name].did),
  };
  const ledger = createLedger(ports);
  return { ledger, ports, database, setTime, signers, network, woken, durations, receipts };
}

async function makeSigners(): Promise<World['signers']> {
  const make = (seed: number) => createSigner(new Uint8Array(32).fill(seed));
  const [ledger, alice, bob, carol, operator, judge1, judge2, judge3] = await Promise.all([
    make(SEEDS.ledger),
    make(SEEDS.alice),
    make(SEEDS.bob),
    make(SEEDS.carol),
    make(SEEDS.operator),
    make(SEEDS.judge1),
    make(SEEDS.judge2),
    make(SEEDS.judge3),
  ]);
  return { ledger, alice, bob, carol, operator, judge1, judge2, judge3 };
}

function pick<V>(from: ReadonlyMap<string, V>, keys: readonly string[]): Map<string, V> {
  return new Map([...from].filter(([key]) => keys.includes(key)));
}

/** 16 bytes that a test tells apart by a number. */
export function nonce(n: number): string {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(0, n);
  return encodeBase64url(bytes);
}
export const hash = (name: string) => sha256Base64url(utf8(name));

/** The value, or a test that says which refusal came instead. */
export function must<T>(result: LedgerResult<T>): T {
  if (!result.ok) throw new Error(`refused: ${result.code} ${result.detail ?? ''}`);
  return result.value;
}
export async function channelOf(result: Promise<LedgerResult<string>>): Promise<ChannelAnswer> {
  return channelAnswerSchema.parse(JSON.parse(must(await result)));
}
export async function claimOf(result: Promise<LedgerResult<string>>): Promise<ClaimAnswer> {
  return claimAnswerSchema.parse(JSON.parse(must(await result)));
}

let keys = 0;
export const idem = (did = 'x', request = 'r') => {
  keys += 1;
  return { did, route: 'POST /test', key: `key-${keys}`, request };
};

export async function fund(world: World, name: Name, amount: bigint): Promise<void> {
  const { did } = world.signers[name];
  must(await world.ledger.faucet(did, amount, idem(did)));
}

/** Parties in the order that a channel names them. */
export function sorted(world: World, x: Name, y: Name): { a: Name; b: Name } {
  return world.signers[x].did < world.signers[y].did ? { a: x, b: y } : { a: y, b: x };
}

export type Opened = { ch: string; payer: Name; payee: Name; dir: Dir; body: PaychOpen };

/** The body of a channel in which `payer` puts `amount` and `payee` nothing. */
export function openBody(
  world: World,
  of: { payer: Name; payee: Name; amount: bigint; other?: bigint; n?: number; more?: object },
): { body: PaychOpen; dir: Dir } {
  const { a, b } = sorted(world, of.payer, of.payee);
  const dir: Dir = a === of.payer ? 'a' : 'b';
  const other = String(of.other ?? 0n);
  const body: PaychOpen = {
    a: world.signers[a].did,
    b: world.signers[b].did,
    fund_a: dir === 'a' ? String(of.amount) : other,
    fund_b: dir === 'b' ? String(of.amount) : other,
    nonce: nonce(of.n ?? 1),
    open_by: String(START + 60_000),
    expires_at: String(START + 30 * DAY),
    window_ms: '600000',
    claim_ms: '60000',
    asset: 'test',
    ...of.more,
  };
  return { body, dir };
}

/** An active channel. */
export async function openActive(
  world: World,
  of: { payer: Name; payee: Name; amount: bigint; other?: bigint; n?: number; more?: object },
): Promise<Opened> {
  const { body, dir } = openBody(world, of);
  const { payer, payee } = of;
  const { ledger, network, signers } = world;
  const first = await sealEnvelope(network, 'paych.open', body, signers[payer]);
  const { ch } = await channelOf(ledger.openChannel(first, null));
  const second = await sealEnvelope(network, 'paych.open', body, signers[payee]);
  must(await ledger.acceptChannel(second, null, { ch }));
  return { ch, payer, payee, dir, body };
}

export function voucher(
  world: World,
  on: Pick<Opened, 'ch' | 'dir' | 'payer'>,
  { lane = 0, cum, memo = '' }: { lane?: number; cum: bigint; memo?: string },
) {
  const body = { ch: on.ch, dir: on.dir, lane: String(lane), cum: String(cum), memo };
  return sealEnvelope(world.network, 'paych.voucher', body, world.signers[on.payer]);
}

export async function receipt(
  world: World,
  on: Opened,
  about: { task: string; lane: number; price: bigint; ms?: number; more?: object },
): Promise<{ id: string; envelope: Envelope<TaskReceipt> }> {
  const executor = world.signers[on.payee];
  const body: TaskReceipt = {
    task: hash(about.task),
    executor: executor.did,
    ch: on.ch,
    lane: String(about.lane),
    status: 'ok',
    output: hash('output'),
    output_len: '6',
    gas: '1000',
    pages_peak: '1',
    price: String(about.price),
    wall_ms: String(about.ms ?? 20),
    started_at: String(START),
    ended_at: String(START + (about.ms ?? 20)),
    ...about.more,
  };
  const envelope = await sealEnvelope(world.network, 'task.receipt', body, executor);
  return { id: idOf(world.network, 'task.receipt', body), envelope };
}

export async function cond(
  world: World,
  on: Opened,
  about: { task: string; lane: number; cap: bigint; base?: bigint; more?: object },
): Promise<{ id: string; envelope: Envelope<PaychCond> }> {
  const body: PaychCond = {
    ch: on.ch,
    dir: on.dir,
    lane: String(about.lane),
    base: String(about.base ?? 0n),
    cap: String(about.cap),
    task: hash(about.task),
    executor: world.signers[on.payee].did,
    not_after: String(START + DAY),
    ...about.more,
  };
  const envelope = await sealEnvelope(world.network, 'paych.cond', body, world.signers[on.payer]);
  return { id: idOf(world.network, 'paych.cond', body), envelope };
}

/** The voucher that pays these receipts on top of what the lane stands at. */
export async function paying(
  world: World,
  on: Opened,
  of: {
    lane: number;
    from?: { cum: bigint; memo: string };
    receipts: readonly { id: string; price: bigint; envelope: Envelope<TaskReceipt> }[];
  },
) {
  let { cum, memo } = of.from ?? { cum: 0n, memo: '' };
  for (const { id, price } of of.receipts) {
    memo = foldMemo(memo, id, price);
    cum += price;
  }
  const signed = await voucher(world, on, { lane: of.lane, cum, memo });
  const receipts = of.receipts.map(({ envelope }) => envelope);
  return { redemption: { voucher: signed, receipts }, cum, memo };
}

/** A body signed by each of these, in order. */
export async function sign(
  world: World,
  type: string,
  body: Record<string, unknown>,
  ...names: readonly Name[]
): Promise<Envelope<Record<string, unknown>>> {
  let envelope: Envelope<Record<string, unknown>> = { type, body, sigs: [] };
  for (const name of names) envelope = await cosign(world.network, envelope, world.signers[name]);
  return envelope;
}

export async function balance(world: World, name: Name): Promise<bigint> {
  const answer = must(await world.ledger.account(world.signers[name].did));
  return BigInt(answer.available);
}

/** Zero, or money was made or lost. */
export async function difference(world: World): Promise<string> {
  return must(await world.ledger.conservation()).difference;
}

/** The end of every ledger test: nothing was made or lost. Throws otherwise. */
export async function closeBalanced(world: World): Promise<void> {
  const left = await difference(world);
  await world.database.close();
  if (left !== '0') throw new Error(`the ledger is off by ${left}`);
}

/** What the payee gets for these, whoever hands them in. */
export async function redeem(world: World, redemptions: readonly Redemption[]) {
  return must(await world.ledger.redeem(redemptions, null));
}
