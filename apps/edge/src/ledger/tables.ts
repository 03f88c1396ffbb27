/**
 * The ledger's public tables for drizzle, which reads them in pages. The migrations in
 * drizzle/ledger are written by hand; a test compares these with the migrated schema.
 */
import { customType, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** Micro-units: bigint inside, an integer column. */
const micro = customType<{ data: bigint; driverData: bigint }>({ dataType: () => 'integer' });
/** Times, sequences and small counts: exact as JavaScript numbers. */
const whole = customType<{ data: number; driverData: bigint }>({
  dataType: () => 'integer',
  fromDriver: Number,
  toDriver: BigInt,
});

export const transferTable = sqliteTable('transfer', {
  seq: whole('seq').primaryKey(),
  id: text('id').notNull(),
  debit: text('debit').notNull(),
  credit: text('credit').notNull(),
  amount: micro('amount').notNull(),
  code: text('code').notNull(),
  ref: text('ref'),
  ts: whole('ts').notNull(),
});

export const sealTable = sqliteTable('seal', {
  toSeq: whole('to_seq').primaryKey(),
  fromSeq: whole('from_seq').notNull(),
  head: text('head').notNull(),
  sig: text('sig').notNull(),
  at: whole('at').notNull(),
});

export const laneTable = sqliteTable('lane', {
  ch: text('ch').notNull(),
  dir: text('dir', { enum: ['a', 'b'] }).notNull(),
  lane: whole('lane').notNull(),
  cum: micro('cum').notNull(),
  via: text('via').notNull(),
  memo: text('memo').notNull(),
  memoCum: micro('memo_cum').notNull(),
  sig: text('sig').notNull(),
  signed: micro('signed').notNull(),
  signedMemo: text('signed_memo').notNull(),
});

export const claimTable = sqliteTable('claim', {
  id: text('id').primaryKey(),
  ch: text('ch').notNull(),
  dir: text('dir', { enum: ['a', 'b'] }).notNull(),
  lane: whole('lane').notNull(),
  base: micro('base').notNull(),
  cap: micro('cap').notNull(),
  price: micro('price').notNull(),
  task: text('task').notNull(),
  receipt: text('receipt').notNull(),
  notAfter: whole('not_after').notNull(),
  at: whole('at').notNull(),
  postAt: whole('post_at').notNull(),
  state: text('state', { enum: ['pending', 'disputed', 'posted', 'voided'] }).notNull(),
  verdict: text('verdict'),
  condSig: text('cond_sig').notNull(),
  receiptEnvelope: text('receipt_envelope').notNull(),
});

export const receiptTable = sqliteTable('receipt', {
  id: text('id').primaryKey(),
  task: text('task').notNull(),
  executor: text('executor').notNull(),
  creator: text('creator').notNull(),
  ch: text('ch').notNull(),
  dir: text('dir', { enum: ['a', 'b'] }).notNull(),
  lane: whole('lane').notNull(),
  price: micro('price').notNull(),
  durationMs: whole('duration_ms').notNull(),
  counted: text('counted', { enum: ['redeem', 'claim'] }).notNull(),
  envelope: text('envelope').notNull(),
  at: whole('at').notNull(),
});

export const scoreTable = sqliteTable('score', {
  subject: text('subject').notNull(),
  epoch: whole('epoch').notNull(),
  nOk: whole('n_ok').notNull(),
  nFail: whole('n_fail').notNull(),
  durationMs: whole('duration_ms').notNull(),
  cost: micro('cost').notNull(),
  firstAt: whole('first_at').notNull(),
  lastAt: whole('last_at').notNull(),
});
