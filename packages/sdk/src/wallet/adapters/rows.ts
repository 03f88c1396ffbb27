import type { InArgs, Row } from '@libsql/client';
import {
  type Budget,
  type BudgetLane,
  channelStateField,
  dirField,
  type Envelope,
  envelopeField,
  type OpenCond,
  openTerms,
  paychCloseSchema,
  paychCondSchema,
  paychOpenSchema,
  paychVoucherSchema,
  taskManifestSchema,
  taskObjectionSchema,
  taskReceiptSchema,
} from '@zerostate/shared';
import type { Schema } from '../../http/answer.ts';
import type { WalletChange, WalletChannel, WalletTask, WalletTaskState } from '../model.ts';

type Statement = { sql: string; args: InArgs };

/** The statement that writes one change. */
export function statementOf(change: WalletChange): Statement {
  switch (change.kind) {
    case 'channel':
      return channelStatement(change.channel);
    case 'lane':
      return laneStatement(change.ch, change.lane, change.value);
    case 'task':
      return taskStatement(change.task);
    case 'day':
      return {
        sql: `INSERT INTO day (day, reserved) VALUES (?, ?)
          ON CONFLICT (day) DO UPDATE SET reserved = excluded.reserved`,
        args: [change.day, change.reserved],
      };
  }
}

function channelStatement({ ch, peer, budget, open, close, at }: WalletChannel): Statement {
  return {
    sql: `INSERT INTO channel (ch, peer, dir, phase, close_at, fund, at, open, close)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (ch) DO UPDATE SET phase = excluded.phase, close_at = excluded.close_at,
        fund = excluded.fund, open = excluded.open, close = excluded.close`,
    args: [
      ch,
      peer,
      budget.dir,
      budget.phase,
      budget.closeAt,
      budget.fund,
      at,
      JSON.stringify(open),
      text(close),
    ],
  };
}

function laneStatement(ch: string, lane: number, value: BudgetLane): Statement {
  const { cond } = value;
  return {
    sql: `INSERT INTO lane (ch, lane, cum, memo, cond_id, cond_task, cond_base, cond_cap,
        cond_not_after, cond_price, cond_claimed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (ch, lane) DO UPDATE SET cum = excluded.cum, memo = excluded.memo,
        cond_id = excluded.cond_id, cond_task = excluded.cond_task,
        cond_base = excluded.cond_base, cond_cap = excluded.cond_cap,
        cond_not_after = excluded.cond_not_after, cond_price = excluded.cond_price,
        cond_claimed = excluded.cond_claimed`,
    args: [
      ch,
      lane,
      value.cum,
      value.memo,
      cond?.id ?? null,
      cond?.task ?? null,
      cond?.base ?? null,
      cond?.cap ?? null,
      cond?.notAfter ?? null,
      cond?.price ?? null,
      cond === null ? null : Number(cond.claimed),
    ],
  };
}

function taskStatement(task: WalletTask): Statement {
  return {
    sql: `INSERT INTO task (task, ch, lane, state, base, cap, not_after, at, manifest, cond,
        receipt_id, receipt, price, voucher, objection, claimed, delivered)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (task) DO UPDATE SET state = excluded.state, receipt_id = excluded.receipt_id,
        receipt = excluded.receipt, price = excluded.price, voucher = excluded.voucher,
        objection = excluded.objection, claimed = excluded.claimed,
        delivered = excluded.delivered`,
    args: [
      task.task,
      task.ch,
      task.lane,
      task.state,
      task.base,
      task.cap,
      task.notAfter,
      task.at,
      JSON.stringify(task.manifest),
      JSON.stringify(task.cond),
      task.receiptId,
      text(task.receipt),
      task.price,
      text(task.voucher),
      text(task.objection),
      Number(task.claimed),
      Number(task.delivered),
    ],
  };
}

function text(envelope: Envelope<unknown> | null): string | null {
  return envelope === null ? null : JSON.stringify(envelope);
}

/** A channel without its lanes. */
export function channelOf(row: Row): WalletChannel {
  const ch = textOf(row, 'ch');
  const open = envelopeOf(row, 'open', paychOpenSchema);
  const dir = dirField.parse(row.dir);
  const closeAt = row.close_at === null ? null : numberOf(row, 'close_at');
  const budget: Budget = {
    terms: openTerms(ch, open.body, dir).terms,
    dir,
    phase: channelStateField.parse(row.phase),
    closeAt,
    fund: bigintOf(row, 'fund'),
    lanes: {},
  };
  const close = row.close === null ? null : envelopeOf(row, 'close', paychCloseSchema);
  return { ch, peer: textOf(row, 'peer'), budget, open, close, at: numberOf(row, 'at') };
}

export function laneOf(row: Row): BudgetLane {
  return { cum: bigintOf(row, 'cum'), memo: textOf(row, 'memo'), cond: condOf(row) };
}

function condOf(row: Row): OpenCond | null {
  if (row.cond_task === null) return null;
  return {
    id: textOf(row, 'cond_id'),
    task: textOf(row, 'cond_task'),
    base: bigintOf(row, 'cond_base'),
    cap: bigintOf(row, 'cond_cap'),
    notAfter: numberOf(row, 'cond_not_after'),
    price: row.cond_price === null ? null : bigintOf(row, 'cond_price'),
    claimed: numberOf(row, 'cond_claimed') === 1,
  };
}

export function taskOf(row: Row): WalletTask {
  const optional = <T>(name: string, schema: Schema<T>) =>
    row[name] === null ? null : envelopeOf(row, name, schema);
  return {
    task: textOf(row, 'task'),
    ch: textOf(row, 'ch'),
    lane: numberOf(row, 'lane'),
    state: stateOf(textOf(row, 'state')),
    base: bigintOf(row, 'base'),
    cap: bigintOf(row, 'cap'),
    notAfter: numberOf(row, 'not_after'),
    at: numberOf(row, 'at'),
    manifest: envelopeOf(row, 'manifest', taskManifestSchema),
    cond: envelopeOf(row, 'cond', paychCondSchema),
    receiptId: row.receipt_id === null ? null : textOf(row, 'receipt_id'),
    receipt: optional('receipt', taskReceiptSchema),
    price: row.price === null ? null : bigintOf(row, 'price'),
    voucher: optional('voucher', paychVoucherSchema),
    objection: optional('objection', taskObjectionSchema),
    claimed: numberOf(row, 'claimed') === 1,
    delivered: numberOf(row, 'delivered') === 1,
  };
}

const STATES: readonly WalletTaskState[] = [
  'offered',
  'withdrawn',
  'objected',
  'paid',
  'claimed',
  'voided',
  'lapsed',
];

function stateOf(state: string): WalletTaskState {
  const known = STATES.find((name) => name === state);
  if (known === undefined) throw new Error(`wallet row of unknown state ${state}`);
  return known;
}

/** An envelope that this wallet wrote: the body is checked, its signatures were when it came. */
function envelopeOf<B>(row: Row, name: string, schema: Schema<B>): Envelope<B> {
  const stored: unknown = JSON.parse(textOf(row, name));
  const envelope = envelopeField.parse(stored);
  const body = schema.safeParse(envelope.body);
  if (!body.success) throw new Error(`wallet row with a damaged ${name}`);
  return { ...envelope, body: body.data };
}

export function textOf(row: Row, name: string): string {
  const value = row[name];
  if (typeof value !== 'string') throw new Error(`wallet column ${name} is not text`);
  return value;
}

export function bigintOf(row: Row, name: string): bigint {
  const value = row[name];
  if (typeof value !== 'bigint') throw new Error(`wallet column ${name} is not an integer`);
  return value;
}

export function numberOf(row: Row, name: string): number {
  return Number(bigintOf(row, name));
}
