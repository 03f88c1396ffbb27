/** node.db as drizzle reads it. The truth is drizzle/executor; a test compares the two. */
import { blob, customType, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** Micro-units: bigint inside, an integer of SQLite outside. */
const micro = customType<{ data: bigint; driverData: number | bigint }>({
  dataType: () => 'integer',
  toDriver: (value) => value,
  fromDriver: (value) => BigInt(value),
});

export const node = sqliteTable('node', {
  one: integer().primaryKey(),
  did: text().notNull(),
  edge: text().notNull(),
  edgeDid: text('edge_did').notNull(),
  network: text().notNull(),
  asset: text().notNull(),
  session: text().notNull(),
  outboxN: integer('outbox_n').notNull(),
  seenLedger: integer('seen_ledger').notNull(),
  seenDirectory: integer('seen_directory').notNull(),
  gasPerMs: integer('gas_per_ms'),
  createdAt: integer('created_at').notNull(),
  role: text({ enum: ['', 'executor', 'arbiter'] }).notNull(),
  mesh: text(),
});

export const outbox = sqliteTable('outbox', {
  n: integer().primaryKey(),
  type: text().notNull(),
  ref: text().notNull(),
  body: text().notNull(),
  at: integer().notNull(),
});

export const channel = sqliteTable('channel', {
  ch: text().primaryKey(),
  open: text().notNull(),
  dir: text({ enum: ['a', 'b'] }).notNull(),
  payer: text().notNull(),
  fund: micro().notNull(),
  windowMs: integer('window_ms').notNull(),
  expiresAt: integer('expires_at').notNull(),
  state: text({ enum: ['opening', 'active', 'closing', 'closed'] }).notNull(),
  closeAt: integer('close_at'),
  close: text(),
  at: integer().notNull(),
  ownFund: micro('own_fund').notNull(),
});

export const lane = sqliteTable(
  'lane',
  {
    ch: text().notNull(),
    lane: integer().notNull(),
    held: micro().notNull(),
    memo: text().notNull(),
    redeemed: micro().notNull(),
    redeemedMemo: text('redeemed_memo').notNull(),
    redeemedMemoCum: micro('redeemed_memo_cum').notNull(),
  },
  (t) => [primaryKey({ columns: [t.ch, t.lane] })],
);

export const task = sqliteTable('task', {
  task: text().primaryKey(),
  manifest: text().notNull(),
  cond: text().notNull(),
  input: blob({ mode: 'buffer' }),
  state: text({ enum: ['accepted', 'done', 'rejected', 'abandoned'] }).notNull(),
  accept: text(),
  deadline: integer(),
  code: text().notNull(),
  at: integer().notNull(),
  atEdge: integer('at_edge').notNull(),
});

export const push = sqliteTable(
  'push',
  {
    task: text().notNull(),
    did: text().notNull(),
    role: text({ enum: ['creator', 'gateway'] }).notNull(),
    at: integer().notNull(),
  },
  (t) => [primaryKey({ columns: [t.task, t.did] })],
);

export const cond = sqliteTable('cond', {
  task: text().primaryKey(),
  id: text().notNull(),
  ch: text().notNull(),
  lane: integer().notNull(),
  base: micro().notNull(),
  cap: micro().notNull(),
  notAfter: integer('not_after').notNull(),
  state: text({ enum: ['open', 'settled', 'dropped', 'dead'] }).notNull(),
});

export const receipt = sqliteTable('receipt', {
  task: text().primaryKey(),
  id: text().notNull(),
  receipt: text().notNull(),
  ch: text().notNull(),
  lane: integer().notNull(),
  price: micro().notNull(),
  due: micro().notNull(),
  at: integer().notNull(),
  resultN: integer('result_n'),
  deliveredAt: integer('delivered_at'),
  paidCum: micro('paid_cum'),
});

export const output = sqliteTable('output', {
  task: text().primaryKey(),
  sha256: text().notNull(),
  bytes: blob({ mode: 'buffer' }).notNull(),
});

export const voucher = sqliteTable(
  'voucher',
  {
    ch: text().notNull(),
    lane: integer().notNull(),
    cum: micro().notNull(),
    id: text().notNull(),
    amount: micro().notNull(),
    memo: text().notNull(),
    voucher: text().notNull(),
    at: integer().notNull(),
    redeemedAt: integer('redeemed_at'),
  },
  (t) => [primaryKey({ columns: [t.ch, t.lane, t.cum] })],
);

export const claim = sqliteTable('claim', {
  task: text().primaryKey(),
  id: text().notNull(),
  state: text({
    enum: ['due', 'pending', 'disputed', 'posted', 'voided', 'refused'],
  }).notNull(),
  amount: micro().notNull(),
  tries: integer().notNull(),
  nextAt: integer('next_at').notNull(),
  code: text().notNull(),
  at: integer().notNull(),
});

export const dispute = sqliteTable('dispute', {
  claim: text().primaryKey(),
  state: text({ enum: ['due', 'undecided', 'signed', 'declined', 'over'] }).notNull(),
  why: text().notNull(),
  detail: text().notNull(),
  outcome: text({ enum: ['disputed', 'posted', 'voided'] }).notNull(),
  ch: text(),
  task: text(),
  verdict: text(),
  tries: integer().notNull(),
  nextAt: integer('next_at'),
  at: integer().notNull(),
  decidedAt: integer('decided_at'),
});

export const module = sqliteTable('module', {
  sha256: text().primaryKey(),
  bytes: blob({ mode: 'buffer' }).notNull(),
  meter: text().notNull(),
  putAt: integer('put_at'),
  at: integer().notNull(),
});

export const card = sqliteTable('card', {
  agent: text().primaryKey(),
  seq: integer().notNull(),
  source: text().notNull(),
  card: text().notNull(),
  record: text().notNull(),
  modules: text().notNull(),
  expiresAt: integer('expires_at').notNull(),
  revoked: integer().notNull(),
  state: text({ enum: ['waiting', 'sent', 'live', 'refused'] }).notNull(),
  code: text().notNull(),
  at: integer().notNull(),
});
