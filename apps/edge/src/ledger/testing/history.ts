/**
 * Random histories of a ledger beside a model: the pure lifecycle and a map of balances. Whatever
 * one refuses the other refuses with the same code, and their money agrees to the micro-unit.
 */
import {
  advanceChannel,
  type ChannelEvent,
  type ChannelState,
  type Dir,
  type LedgerTransfer,
  openTerms,
  payeeOf,
  payerOf,
} from '@zerostate/shared';
import fc from 'fast-check';
import type { LedgerResult } from '../codes.ts';
import {
  cond,
  createWorld,
  hash,
  idem,
  must,
  type Name,
  nonce,
  openBody,
  receipt,
  START,
  sign,
  voucher,
  type World,
} from './world.ts';

const KINDS = [
  'faucet',
  'open',
  'redeem',
  'redeem',
  'redeem',
  'deposit',
  'topup',
  'claim',
  'claim',
  'post',
  'object',
  'close',
  'close1',
  'finalize',
  'tick',
] as const;
export type Move = { kind: (typeof KINDS)[number]; who: number; ch: number; n: number; m: number };
const small = fc.nat({ max: 7 });
export const moves = fc.array(
  fc.record<Move>({ kind: fc.constantFrom(...KINDS), who: small, ch: small, n: small, m: small }),
  { minLength: 100, maxLength: 100 },
);

const PARTIES: readonly Name[] = ['alice', 'bob', 'carol'];
const TICKS = [1_000, 30_000, 60_000, 600_000];

type Model = {
  now: number;
  channels: ChannelState[];
  names: { payer: Name; payee: Name; dir: Dir }[];
  balances: Map<string, bigint>;
  claims: { id: string; ch: number; receipt: string }[];
  counter: number;
};

/** Plays one history; throws at the first difference. */
export async function playHistory(history: readonly Move[]): Promise<void> {
  const world = await createWorld();
  const model: Model = {
    now: START,
    channels: [],
    names: [],
    balances: new Map(),
    claims: [],
    counter: 0,
  };
  try {
    for (const move of history) {
      await play(world, model, move);
      await compare(world, model);
    }
  } finally {
    await world.database.close();
  }
}

async function play(world: World, model: Model, move: Move): Promise<void> {
  model.counter += 1;
  switch (move.kind) {
    case 'faucet':
      return giveMoney(world, model, move);
    case 'open':
      return openOne(world, model, move);
    case 'tick':
      model.now += TICKS[move.n % TICKS.length] ?? 1;
      return world.setTime(model.now);
    default:
      return orderOne(world, model, move);
  }
}

const partyOf = (n: number): Name => PARTIES[n % PARTIES.length] ?? 'alice';
const free = (world: World, model: Model, name: Name) =>
  model.balances.get(`avl:${world.signers[name].did}`) ?? 0n;

async function giveMoney(world: World, model: Model, { who, n }: Move): Promise<void> {
  const { did } = world.signers[partyOf(who)];
  const amount = BigInt(n * 200 + 50);
  must(await world.ledger.faucet(did, amount, idem(did)));
  model.balances.set(`avl:${did}`, (model.balances.get(`avl:${did}`) ?? 0n) + amount);
}

async function openOne(world: World, model: Model, { who, n, m }: Move): Promise<void> {
  const payer = partyOf(who);
  const payee = partyOf(who + 1 + (n % 2));
  const { body, dir } = openBody(world, {
    payer,
    payee,
    amount: BigInt(m * 40),
    n: model.counter,
    more: { open_by: String(model.now + 60_000), expires_at: String(model.now + 10_000_000) },
  });
  const open = await sign(world, 'paych.open', body, payer);
  const result = await world.ledger.openChannel(open, null);
  const id = result.ok ? String(JSON.parse(result.value).ch) : 'none';
  const { terms, fund } = openTerms(id, body, dir);
  const by = world.signers[payer].did;
  const event = { type: 'open', terms, fund, by, available: free(world, model, payer) } as const;
  const opened = advance(model, null, event, result);
  if (opened === null) return;
  const other = world.signers[payee].did;
  const accept = await world.ledger.acceptChannel(
    await sign(world, 'paych.open', body, payee),
    null,
  );
  const accepting = { type: 'accept', by: other, available: free(world, model, payee) } as const;
  const active = advance(model, opened, accepting, accept);
  if (active === null) throw new Error('an offer without a fund of the other is accepted');
  model.channels.push(active);
  model.names.push({ payer, payee, dir });
}

/** Applies an event to the model, and demands that the ledger said the same. */
function advance(
  model: Model,
  state: ChannelState | null,
  event: ChannelEvent,
  result: LedgerResult<unknown>,
): ChannelState | null {
  const step = advanceChannel(state, event, model.now);
  if (step.ok !== result.ok || (!step.ok && !result.ok && step.code !== result.code)) {
    const said = `model ${step.ok ? 'ok' : step.code}, ledger ${result.ok ? 'ok' : result.code}`;
    throw new Error(`${event.type}: ${said}`);
  }
  if (!step.ok) return null;
  for (const effect of step.value.effects) apply(model.balances, effect);
  return step.value.next;
}

function apply(balances: Map<string, bigint>, { debit, credit, amount }: LedgerTransfer): void {
  balances.set(debit, (balances.get(debit) ?? 0n) - amount);
  balances.set(credit, (balances.get(credit) ?? 0n) + amount);
}

async function orderOne(world: World, model: Model, move: Move): Promise<void> {
  const { kind } = move;
  if (kind === 'post' || kind === 'object') return claimOne(world, model, move);
  if (!isChannelKind(kind)) throw new Error(`${kind} is no order on a channel`);
  const index = move.ch % Math.max(1, model.channels.length);
  const state = model.channels[index];
  const names = model.names[index];
  if (state === undefined || names === undefined) return;
  const made = await ORDERS[kind](world, model, { state, names, move, index });
  if (made === null) return;
  const next = advance(model, state, made.event, made.result);
  if (next !== null) model.channels[index] = next;
}

type Context = { state: ChannelState; names: Model['names'][number]; move: Move; index: number };
type Made = { event: ChannelEvent; result: LedgerResult<unknown> } | null;
type MakeOrder = (world: World, model: Model, context: Context) => Promise<Made>;
type ChannelKind = 'redeem' | 'deposit' | 'topup' | 'claim' | 'close' | 'close1' | 'finalize';

const on = ({ state, names }: Context) => ({ ch: state.terms.id, ...names });
const makeTopup: MakeOrder = async (world, model, context) => {
  const { dir, payer } = context.names;
  const amount = BigInt(context.move.n + 1);
  const body = {
    ch: context.state.terms.id,
    dir,
    amount: String(amount),
    nonce: nonce(model.counter),
  };
  const available = free(world, model, payer);
  const by = world.signers[payer].did;
  const result = await world.ledger.topupChannel(
    await sign(world, 'paych.topup', body, payer),
    null,
  );
  return { event: { type: 'topup', dir, amount, nonce: body.nonce, by, available }, result };
};

const makeRedeem: MakeOrder = async (world, _model, context) => {
  const { dir } = context.names;
  const lane = context.move.n % 3;
  const cum = BigInt(context.move.m * 7 + 1);
  const signed = await voucher(world, on(context), { lane, cum });
  const done = must(await world.ledger.redeem([{ voucher: signed }], null));
  const [refused] = done.refused;
  const [row] = done.redeemed;
  // What the ledger answers as no fault: the total was paid, or paid in part with nothing left.
  const nothing = row?.cum === String(cum) ? 'redeem-stale' : 'escrow-insufficient';
  const result: LedgerResult<unknown> =
    row?.moved === '0'
      ? { ok: false, code: nothing }
      : refused === undefined
        ? { ok: true, value: done }
        : { ok: false, code: refused.code };
  const event = { type: 'redeem', dir, lane, cum, memo: '', via: 'v', partial: true } as const;
  return { event, result };
};

/** The mailbox moves no money, whatever it is told. */
const makeDeposit: MakeOrder = async (world, _model, context) => {
  const cum = BigInt(context.move.m * 7 + 1);
  const signed = await voucher(world, on(context), { lane: context.move.n % 3, cum });
  await world.ledger.depositVoucher(signed);
  return null;
};

const makeClaim: MakeOrder = async (world, model, context) => {
  const { state, names, move, index } = context;
  const { n, m } = move;
  const lane = 1 + (n % 3);
  const price = BigInt(m * 4);
  const cap = price + BigInt(n) + 1n;
  const base = state.lanes[names.dir][lane]?.cum ?? 0n;
  const opened = { ...on(context), body: openBody(world, { ...names, amount: 0n }).body };
  const task = `task-${model.counter}`;
  const not = { not_after: String(model.now + 1_000_000) };
  const signed = await cond(world, opened, { task, lane, cap, base, more: not });
  const made = await receipt(world, opened, { task, lane, price });
  const by = payeeOf(state.terms, names.dir);
  const filing = { cond: signed.envelope, receipt: made.envelope };
  const result = await world.ledger.fileClaim(filing, by, null);
  const event: ChannelEvent = {
    type: 'claim',
    by,
    objected: false,
    available: 0n,
    partial: true,
    elsewhere: { task: false, receipt: false },
    filing: {
      id: signed.id,
      dir: names.dir,
      lane,
      base,
      cap,
      price,
      task: hash(task),
      receipt: made.id,
      notAfter: model.now + 1_000_000,
    },
  };
  if (result.ok) model.claims.push({ id: signed.id, ch: index, receipt: made.id });
  return { event, result };
};

const makeClose: MakeOrder = async (world, model, { state, names, move }) => {
  const paid = BigInt(move.m * 9);
  const cum = names.dir === 'a' ? { a: paid, b: 0n } : { a: 0n, b: paid };
  // Rare enough that channels live.
  if (move.n > 0) return null;
  const notAfter = model.now + 1_000;
  const body = {
    ch: state.terms.id,
    cum_a: String(cum.a),
    cum_b: String(cum.b),
    not_after: String(notAfter),
  };
  const close = await sign(world, 'paych.close', body, names.payer, names.payee);
  const result = await world.ledger.closeChannel(close, null);
  const by = [state.terms.a, state.terms.b];
  return { event: { type: 'coopClose', cum, notAfter, by }, result };
};

const makeClose1: MakeOrder = async (world, model, { state, names, move }) => {
  if (move.n > 0) return null;
  const body = { ch: state.terms.id, nonce: nonce(model.counter) };
  const close1 = await sign(world, 'paych.close1', body, names.payer);
  const result = await world.ledger.close1Channel(close1, null);
  return { event: { type: 'close1', by: world.signers[names.payer].did }, result };
};

const makeFinalize: MakeOrder = async (world, _model, { state }) => ({
  event: { type: 'finalize' },
  result: await world.ledger.finalizeChannel(state.terms.id, null),
});

const ORDERS: { [kind in ChannelKind]: MakeOrder } = {
  redeem: makeRedeem,
  deposit: makeDeposit,
  topup: makeTopup,
  claim: makeClaim,
  close: makeClose,
  close1: makeClose1,
  finalize: makeFinalize,
};

function isChannelKind(kind: Move['kind']): kind is ChannelKind {
  return Object.hasOwn(ORDERS, kind);
}

async function claimOne(world: World, model: Model, move: Move): Promise<void> {
  const filed = model.claims[move.ch % Math.max(1, model.claims.length)];
  const state = filed === undefined ? undefined : model.channels[filed.ch];
  const names = filed === undefined ? undefined : model.names[filed.ch];
  if (filed === undefined || state === undefined || names === undefined) return;
  if (move.kind === 'post') {
    const result = await world.ledger.postClaim(filed.id, null);
    const next = advance(model, state, { type: 'claim.post', claim: filed.id }, result);
    if (next !== null) model.channels[filed.ch] = next;
    return;
  }
  const creator = payerOf(state.terms, names.dir);
  const body = { receipt: filed.receipt, reason: 'output-differs' as const };
  const envelope = { ...(await sign(world, 'task.objection', body, names.payer)), body };
  must(await world.ledger.recordObjection({ envelope, creator }));
  const available = free(world, model, names.payer);
  const event: ChannelEvent = { type: 'dispute.open', claim: filed.id, by: creator, available };
  const step = advanceChannel(state, event, model.now);
  // An objection is kept even where no dispute can be opened any more.
  if (!step.ok) return;
  for (const effect of step.value.effects) apply(model.balances, effect);
  model.channels[filed.ch] = step.value.next;
}

async function compare(world: World, model: Model): Promise<void> {
  const rows = await world.database.read({
    sql: `SELECT id, credits - debits AS held FROM account WHERE kind <> 'rail'`,
    args: [],
  });
  for (const { id, held } of rows) {
    const expected = model.balances.get(String(id)) ?? 0n;
    if (held !== expected) throw new Error(`${id} holds ${held}, the model ${expected}`);
  }
  const { difference } = must(await world.ledger.conservation());
  if (difference !== '0') throw new Error(`the sum is ${difference}`);
}
