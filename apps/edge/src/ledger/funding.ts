import {
  advanceChannel,
  type ChannelEvent,
  type ChannelState,
  type Dir,
  err,
  ok,
} from '@zerostate/shared';
import type { IdempotencyClaim } from '../http/idempotency.ts';
import type { Statement } from '../ports.ts';
import type { LedgerResult } from './codes.ts';
import { lastJson, operate } from './operate.ts';
import { openOrder, soleSigner } from './orders.ts';
import type { LedgerPorts } from './ports.ts';
import { readSnapshot } from './snapshot.ts';
import { answerFrom, carryOut, expectChanges, notify, transfer } from './statements.ts';

/** A payer adds to its own direction of an active channel. */
export async function topupChannel(
  ports: LedgerPorts,
  envelope: unknown,
  idem: IdempotencyClaim | null,
  expected: { ch?: string } = {},
): Promise<LedgerResult<string>> {
  const order = await openOrder(ports, 'paych.topup', envelope, { maxSigs: 1 });
  if (!order.ok) return order;
  const { id, body, envelope: signed } = order.value;
  if (expected.ch !== undefined && expected.ch !== body.ch) return err('channel-wrong');
  return operate(ports, async () => {
    const by = soleSigner(order.value);
    const event = {
      type: 'topup',
      dir: body.dir,
      amount: BigInt(body.amount),
      nonce: body.nonce,
      by,
    } as const;
    const step = await decideFunding(ports, body.ch, id, by, (available) => ({
      ...event,
      available,
    }));
    if (!step.ok) return step;
    return ok({
      statements: [
        carryOut({ id, type: 'paych.topup', ref: body.ch, envelope: signed }),
        ...addFund(step.value, body.ch, body.dir, event.amount),
        ...answerFrom('channel_answer', body.ch, idem, 200),
      ],
      answer: lastJson,
      wake: { dids: [step.value.next.terms.a, step.value.next.terms.b], channels: [body.ch] },
    });
  });
}

/** Moves the owner's free money into its own direction of another channel: rebalancing. */
export async function rollChannel(
  ports: LedgerPorts,
  envelope: unknown,
  idem: IdempotencyClaim | null,
  expected: { ch?: string } = {},
): Promise<LedgerResult<string>> {
  const order = await openOrder(ports, 'paych.roll', envelope, { maxSigs: 1 });
  if (!order.ok) return order;
  const { id, body, envelope: signed } = order.value;
  if (expected.ch !== undefined && expected.ch !== body.to_ch) return err('channel-wrong');
  return operate(ports, async () => {
    const by = soleSigner(order.value);
    const event = {
      type: 'roll',
      dir: body.to_dir,
      amount: BigInt(body.amount),
      nonce: body.nonce,
      by,
      from: { ch: body.ch, dir: body.dir },
    } as const;
    const step = await decideFunding(ports, body.to_ch, id, by, (available) => ({
      ...event,
      available,
    }));
    if (!step.ok) return step;
    return ok({
      statements: [
        carryOut({ id, type: 'paych.roll', ref: body.to_ch, envelope: signed }),
        ...addFund(step.value, body.to_ch, body.to_dir, event.amount),
        ...answerFrom('channel_answer', body.to_ch, idem, 200),
      ],
      answer: lastJson,
      wake: { dids: [step.value.next.terms.a, step.value.next.terms.b], channels: [body.to_ch] },
    });
  });
}

type Funded = { next: ChannelState; effects: Parameters<typeof transfer>[0][] };

async function decideFunding(
  ports: LedgerPorts,
  ch: string,
  orderId: string,
  by: string,
  event: (available: bigint) => ChannelEvent,
): Promise<LedgerResult<Funded>> {
  const used = await ports.database.read({
    sql: 'SELECT 1 FROM instruction WHERE id = ?1',
    args: [orderId],
  });
  if (used.length > 0) return err('nonce-used', 'nonce');
  const snapshot = await readSnapshot(ports.database, { channels: [ch], dids: [by] });
  const state = snapshot.channels.get(ch) ?? null;
  return advanceChannel(state, event(snapshot.available(by)), snapshot.now);
}

function addFund(step: Funded, ch: string, dir: Dir, amount: bigint): Statement[] {
  const column = dir === 'a' ? 'fund_a' : 'fund_b';
  const { a, b } = step.next.terms;
  return [
    ...step.effects.map(transfer),
    {
      sql: `UPDATE channel SET ${column} = ${column} + ?2, version = version + 1
            WHERE id = ?1 AND state = 'active'`,
      args: [ch, amount],
    },
    expectChanges(1),
    ...[a, b].flatMap((did) => notify(did, 'channel.changed', { ch, state: 'active' })),
  ];
}
