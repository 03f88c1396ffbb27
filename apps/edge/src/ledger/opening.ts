import {
  advanceChannel,
  availableAccount,
  type ChannelState,
  type Dir,
  err,
  escrowAccount,
  jcs,
  ok,
  openTerms,
  payerOf,
} from '@zerostate/shared';
import type { IdempotencyClaim } from '../http/idempotency.ts';
import type { Statement } from '../ports.ts';
import type { LedgerResult } from './codes.ts';
import { lastJson, operate, type Plan } from './operate.ts';
import { type Order, openOrder, signatureOf, soleSigner } from './orders.ts';
import type { LedgerPorts } from './ports.ts';
import { readSnapshot } from './snapshot.ts';
import {
  answerFrom,
  carryOut,
  expectChanges,
  notify,
  openAccounts,
  transfer,
} from './statements.ts';

type OpenOrder = Order<'paych.open'>;

const OPEN_SIGNERS = {
  among: ({ a, b }: { a: string; b: string }) => [a, b],
  maxSigs: 2,
};

/**
 * Holds the opener's fund for a new channel. The first signature is the opener's; with the second
 * in the same envelope the channel is active at once.
 */
export async function openChannel(
  ports: LedgerPorts,
  envelope: unknown,
  idem: IdempotencyClaim | null,
): Promise<LedgerResult<string>> {
  const order = await openOrder(ports, 'paych.open', envelope, OPEN_SIGNERS);
  if (!order.ok) return order;
  if (order.value.body.asset !== ports.asset) return err('asset-unknown', 'asset');
  return operate(ports, () => planOpen(ports, order.value, idem));
}

async function planOpen(
  ports: LedgerPorts,
  order: OpenOrder,
  idem: IdempotencyClaim | null,
): Promise<LedgerResult<Plan<string>>> {
  const { id, body, envelope } = order;
  const [first, second] = envelope.sigs.map(({ by }) => by);
  const { terms, fund } = openTerms(id, body, first === body.a ? 'a' : 'b');
  const snapshot = await readSnapshot(ports.database, {
    channels: [id],
    dids: [body.a, body.b],
  });
  const { now, available } = snapshot;
  const by = payerOf(terms, terms.openedBy);
  const opening = { type: 'open', terms, fund, by, available: available(by) } as const;
  const opened = advanceChannel(snapshot.channels.get(id) ?? null, opening, now);
  if (!opened.ok) return opened;
  const statements: Statement[] = [
    openAccounts([
      [availableAccount(body.a), body.a, 'available'],
      [availableAccount(body.b), body.b, 'available'],
      [escrowAccount(id, 'a'), body.a, 'escrow'],
      [escrowAccount(id, 'b'), body.b, 'escrow'],
    ]),
    ...opened.value.effects.map(transfer),
    insertChannel(order, terms.openedBy),
  ];
  const other = by === body.a ? body.b : body.a;
  if (second === undefined) {
    statements.push(...notify(other, 'channel.proposal', { kind: 'open', envelope }));
  } else {
    const accepting = { type: 'accept', by: other, available: available(other) } as const;
    const accepted = advanceChannel(opened.value.next, accepting, now);
    if (!accepted.ok) return accepted;
    statements.push(...accepted.value.effects.map(transfer), ...activate(order, other));
    statements.push(...notify(other, 'channel.changed', { ch: id, state: 'active' }));
  }
  return ok({
    statements: [...statements, ...answerFrom('channel_answer', id, idem, 201)],
    answer: lastJson,
    wake: { dids: [other], channels: [id] },
  });
}

function insertChannel(order: OpenOrder, openedBy: Dir): Statement {
  const { id, body } = order;
  const sigOf = (dir: Dir) => (dir === openedBy ? signatureOf(order, body[dir]) : null);
  return {
    sql: `INSERT INTO channel(id, a, b, fund_a, fund_b, state, open_by, expires_at, window_ms,
            claim_ms, open_body, sig_a, sig_b)
          VALUES (?1, ?2, ?3, ?4, ?5, 'opening', ?6, ?7, ?8, ?9, ?10, ?11, ?12)`,
    args: [
      id,
      body.a,
      body.b,
      BigInt(body.fund_a),
      BigInt(body.fund_b),
      BigInt(body.open_by),
      BigInt(body.expires_at),
      BigInt(body.window_ms),
      BigInt(body.claim_ms),
      jcs(body),
      sigOf('a'),
      sigOf('b'),
    ],
  };
}

function activate(order: OpenOrder, accepter: string): Statement[] {
  const column = accepter === order.body.a ? 'sig_a' : 'sig_b';
  return [
    {
      sql: `UPDATE channel SET state = 'active', ${column} = ?2, version = version + 1
            WHERE id = ?1 AND state = 'opening'`,
      args: [order.id, signatureOf(order, accepter)],
    },
    expectChanges(1),
  ];
}

/** The second signature over the same bytes; the opener's may stand beside it. */
export async function acceptChannel(
  ports: LedgerPorts,
  envelope: unknown,
  idem: IdempotencyClaim | null,
  expected: { ch?: string; by?: string } = {},
): Promise<LedgerResult<string>> {
  const order = await openOrder(ports, 'paych.open', envelope, OPEN_SIGNERS);
  if (!order.ok) return order;
  if (expected.ch !== undefined && expected.ch !== order.value.id) return err('channel-wrong');
  if (expected.by !== undefined && signatureOf(order.value, expected.by) === null) {
    return err('signer-missing', expected.by);
  }
  return operate(ports, () => planAccept(ports, order.value, idem));
}

async function planAccept(
  ports: LedgerPorts,
  order: OpenOrder,
  idem: IdempotencyClaim | null,
): Promise<LedgerResult<Plan<string>>> {
  const { id, body } = order;
  const snapshot = await readSnapshot(ports.database, { channels: [id], dids: [body.a, body.b] });
  const state = snapshot.channels.get(id) ?? null;
  const accepter = accepterOf(order, state);
  const event = { type: 'accept', by: accepter, available: snapshot.available(accepter) } as const;
  const step = advanceChannel(state, event, snapshot.now);
  if (!step.ok) return step;
  const opener = accepter === body.a ? body.b : body.a;
  return ok({
    statements: [
      ...step.value.effects.map(transfer),
      ...activate(order, accepter),
      ...notify(opener, 'channel.changed', { ch: id, state: 'active' }),
      ...notify(accepter, 'channel.changed', { ch: id, state: 'active' }),
      ...answerFrom('channel_answer', id, idem, 200),
    ],
    answer: lastJson,
    wake: { dids: [opener, accepter], channels: [id] },
  });
}

/** Whoever signed and is not the opener; a lone opener is refused by the lifecycle. */
function accepterOf(order: OpenOrder, state: ChannelState | null): string {
  if (state === null) return soleSigner(order);
  const opener = payerOf(state.terms, state.terms.openedBy);
  return order.envelope.sigs.find(({ by }) => by !== opener)?.by ?? opener;
}

/** The opener takes its offer back. */
export async function cancelChannel(
  ports: LedgerPorts,
  envelope: unknown,
  idem: IdempotencyClaim | null,
  expected: { ch?: string } = {},
): Promise<LedgerResult<string>> {
  const order = await openOrder(ports, 'paych.cancel', envelope, { maxSigs: 1 });
  if (!order.ok) return order;
  const { ch } = order.value.body;
  if (expected.ch !== undefined && expected.ch !== ch) return err('channel-wrong');
  return operate(ports, () => planCancel(ports, order.value, idem));
}

async function planCancel(
  ports: LedgerPorts,
  order: Order<'paych.cancel'>,
  idem: IdempotencyClaim | null,
): Promise<LedgerResult<Plan<string>>> {
  const { id, body, envelope } = order;
  const snapshot = await readSnapshot(ports.database, { channels: [body.ch] });
  const state = snapshot.channels.get(body.ch) ?? null;
  const step = advanceChannel(state, { type: 'cancel', by: soleSigner(order) }, snapshot.now);
  if (!step.ok) return step;
  const { terms } = step.value.next;
  return ok({
    statements: [
      carryOut({ id, type: 'paych.cancel', ref: body.ch, envelope }),
      ...closeOpening(body.ch),
      ...notify(terms.a, 'channel.changed', { ch: body.ch, state: 'closed' }),
      ...notify(terms.b, 'channel.changed', { ch: body.ch, state: 'closed' }),
      ...answerFrom('channel_answer', body.ch, idem, 200),
    ],
    answer: lastJson,
    wake: { dids: [terms.a, terms.b], channels: [body.ch] },
  });
}

/** The schema pays the opener's fund back. */
function closeOpening(ch: string): Statement[] {
  const sql = `UPDATE channel SET state = 'closed', version = version + 1
    WHERE id = ?1 AND state = 'opening'`;
  return [{ sql, args: [ch] }, expectChanges(1)];
}
