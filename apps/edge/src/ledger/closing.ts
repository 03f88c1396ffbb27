import {
  advanceChannel,
  type ChannelEvent,
  type ChannelState,
  type ClaimState,
  err,
  isLiveClaim,
  jcs,
  ok,
} from '@zerostate/shared';
import type { IdempotencyClaim } from '../http/idempotency.ts';
import type { Statement } from '../ports.ts';
import type { LedgerResult } from './codes.ts';
import { lastJson, operate, type Plan } from './operate.ts';
import { type Order, openOrder, signatureOf, soleSigner } from './orders.ts';
import type { LedgerPorts } from './ports.ts';
import { readSnapshot, text } from './snapshot.ts';
import { answerFrom, carryOut, expectChanges, notify, transfer } from './statements.ts';

type CloseOrder = Order<'paych.close'>;

/**
 * Cooperative close. With both signatures the channel closes on the signed totals; with one the
 * proposal is kept and the other party is asked. The second signature may come by itself, over the
 * same bytes.
 */
export async function closeChannel(
  ports: LedgerPorts,
  envelope: unknown,
  idem: IdempotencyClaim | null,
  expected: { ch?: string; by?: string } = {},
): Promise<LedgerResult<string>> {
  const order = await openOrder(ports, 'paych.close', envelope, { maxSigs: 2 });
  if (!order.ok) return order;
  const { ch } = order.value.body;
  if (expected.ch !== undefined && expected.ch !== ch) return err('channel-wrong');
  if (expected.by !== undefined && signatureOf(order.value, expected.by) === null) {
    return err('signer-missing', expected.by);
  }
  return operate(ports, () => planClose(ports, order.value, idem));
}

async function planClose(
  ports: LedgerPorts,
  order: CloseOrder,
  idem: IdempotencyClaim | null,
): Promise<LedgerResult<Plan<string>>> {
  const { ch } = order.body;
  const { channels, now } = await readSnapshot(ports.database, { channels: [ch] });
  const state = channels.get(ch);
  if (state === undefined) return err('channel-unknown');
  const { a, b } = state.terms;
  const stranger = order.envelope.sigs.find(({ by }) => by !== a && by !== b);
  if (stranger !== undefined) return err('party-wrong', stranger.by);
  const both = await withKeptSignature(ports, order);
  const cum = { a: BigInt(order.body.cum_a), b: BigInt(order.body.cum_b) };
  const notAfter = Number(order.body.not_after);
  // A proposal that could not close is refused at once, whoever is still to sign.
  const event: ChannelEvent = { type: 'coopClose', cum, notAfter, by: [a, b] };
  const step = advanceChannel(state, event, now);
  if (!step.ok) return step;
  if (both.envelope.sigs.length < 2) return ok(propose(state, order, idem));
  const sigs = { a: signatureOf(both, a), b: signatureOf(both, b) };
  return ok({
    statements: [
      carryOut({ id: order.id, type: 'paych.close', ref: ch, envelope: both.envelope }),
      ...voidClaims(state),
      ...step.value.effects.filter(({ code }) => code === 'bond').map(transfer),
      {
        sql: `UPDATE channel SET state = 'closed', coop_a = ?2, coop_b = ?3, final_a = ?4,
                final_b = ?5, version = version + 1
              WHERE id = ?1 AND state IN ('active', 'closing')`,
        args: [ch, sigs.a, sigs.b, cum.a, cum.b],
      },
      expectChanges(1),
      ...closedMessages(state),
      ...answerFrom('channel_answer', ch, idem, 200),
    ],
    answer: lastJson,
    wake: { dids: [a, b], channels: [ch] },
  });
}

/** The order with the other party's signature, if that is kept over the same bytes. */
async function withKeptSignature(ports: LedgerPorts, order: CloseOrder): Promise<CloseOrder> {
  if (order.envelope.sigs.length === 2) return order;
  const [kept] = await ports.database.read({
    sql: 'SELECT by_did, sig FROM close_proposal WHERE ch = ?1 AND body = ?2',
    args: [order.body.ch, jcs(order.body)],
  });
  if (kept === undefined || kept.by_did === soleSigner(order)) return order;
  const sigs = [...order.envelope.sigs, { by: text(kept.by_did), sig: text(kept.sig) }];
  return { ...order, envelope: { ...order.envelope, sigs } };
}

function propose(
  state: ChannelState,
  order: CloseOrder,
  idem: IdempotencyClaim | null,
): Plan<string> {
  const { id, a, b } = state.terms;
  const by = soleSigner(order);
  const other = by === a ? b : a;
  return {
    statements: [
      {
        sql: `INSERT INTO close_proposal(ch, body, by_did, sig, at)
              SELECT ?1, ?2, ?3, ?4, now_ms FROM clock WHERE true
              ON CONFLICT DO UPDATE SET body = excluded.body, by_did = excluded.by_did,
                sig = excluded.sig, at = excluded.at`,
        args: [id, jcs(order.body), by, signatureOf(order, by)],
      },
      ...notify(other, 'channel.proposal', { kind: 'close', envelope: order.envelope }),
      ...answerFrom('channel_answer', id, idem, 200),
    ],
    answer: lastJson,
    wake: { dids: [other], channels: [id] },
  };
}

function voidClaims(state: ChannelState): Statement[] {
  const live: ClaimState[] = Object.values(state.claims).filter(isLiveClaim);
  if (live.length === 0) return [];
  const sql = `UPDATE claim SET state = 'voided', verdict = 'coop'
    WHERE ch = ?1 AND state IN ('pending', 'disputed')`;
  return [{ sql, args: [state.terms.id] }, expectChanges(live.length)];
}

function closedMessages({ terms: { id, a, b } }: ChannelState): Statement[] {
  return [a, b].flatMap((did) => notify(did, 'channel.changed', { ch: id, state: 'closed' }));
}

/** Unilateral close: starts the window in which the other party still redeems and claims. */
export async function close1Channel(
  ports: LedgerPorts,
  envelope: unknown,
  idem: IdempotencyClaim | null,
  expected: { ch?: string } = {},
): Promise<LedgerResult<string>> {
  const order = await openOrder(ports, 'paych.close1', envelope, { maxSigs: 1 });
  if (!order.ok) return order;
  const { id, body, envelope: signed } = order.value;
  if (expected.ch !== undefined && expected.ch !== body.ch) return err('channel-wrong');
  return operate(ports, async () => {
    const { channels, now } = await readSnapshot(ports.database, { channels: [body.ch] });
    const event: ChannelEvent = { type: 'close1', by: soleSigner(order.value) };
    const step = advanceChannel(channels.get(body.ch) ?? null, event, now);
    if (!step.ok) return step;
    const { a, b } = step.value.next.terms;
    return ok({
      statements: [
        carryOut({ id, type: 'paych.close1', ref: body.ch, envelope: signed }),
        {
          sql: `UPDATE channel SET state = 'closing', version = version + 1,
                  close_at = (SELECT now_ms FROM clock) + window_ms
                WHERE id = ?1 AND state = 'active'`,
          args: [body.ch],
        },
        expectChanges(1),
        ...notify(a, 'channel.changed', { ch: body.ch, state: 'closing' }),
        ...notify(b, 'channel.changed', { ch: body.ch, state: 'closing' }),
        ...answerFrom('channel_answer', body.ch, idem, 200),
      ],
      answer: lastJson,
      wake: { dids: [a, b], channels: [body.ch] },
    });
  });
}

/** After the window anybody may end the channel; what is left returns to its payers. */
export async function finalizeChannel(
  ports: LedgerPorts,
  ch: string,
  idem: IdempotencyClaim | null,
): Promise<LedgerResult<string>> {
  return operate(ports, async () => {
    const { channels, now } = await readSnapshot(ports.database, { channels: [ch] });
    const state = channels.get(ch) ?? null;
    const step = advanceChannel(state, { type: 'finalize' }, now);
    if (!step.ok) return step;
    return ok({
      statements: [
        {
          sql: `UPDATE channel SET state = 'closed', version = version + 1
                WHERE id = ?1 AND state = 'closing'`,
          args: [ch],
        },
        expectChanges(1),
        ...closedMessages(step.value.next),
        ...answerFrom('channel_answer', ch, idem, 200),
      ],
      answer: lastJson,
      wake: { dids: [step.value.next.terms.a, step.value.next.terms.b], channels: [ch] },
    });
  });
}
