/** Objections, and what arbiters, equivocation and time decide about disputed claims. */
import {
  advanceChannel,
  type ChannelEvent,
  type ChannelState,
  type Court,
  err,
  ok,
} from '@zerostate/shared';
import type { Statement } from '../ports.ts';
import {
  askArbiters,
  countClaim,
  holdBond,
  type LoadedClaim,
  openClaimed,
  readClaim,
  wakeParties,
} from './claims.ts';
import type { LedgerResult } from './codes.ts';
import { lastJson, operate, type Plan } from './operate.ts';
import { type Order, openOrder, soleSigner } from './orders.ts';
import type { LedgerPorts } from './ports.ts';
import { text } from './snapshot.ts';
import { answerFrom, expectChanges, transfer } from './statements.ts';

/** Two arbiters agree, or the only one of a local network decides. */
export function courtOf(arbiters: readonly string[]): Court {
  return { arbiters, quorum: Math.min(2, Math.max(1, arbiters.length)) };
}

/**
 * Keeps why a creator does not pay a receipt. A claim on that receipt that is pending becomes
 * disputed in the same batch if the creator can put down its bond; one filed later starts so.
 */
export async function objectReceipt(
  ports: LedgerPorts,
  envelope: unknown,
  creator: string,
): Promise<LedgerResult<void>> {
  const order = await openOrder(ports, 'task.objection', envelope, { by: [creator], maxSigs: 1 });
  if (!order.ok) return order;
  return operate(ports, () => planObjection(ports, order.value, creator));
}

async function planObjection(
  ports: LedgerPorts,
  { body, envelope }: Order<'task.objection'>,
  creator: string,
): Promise<LedgerResult<Plan<void>>> {
  const { receipt, reason } = body;
  const [kept = [], claims = []] = await ports.database.readMany([
    {
      sql: 'SELECT 1 FROM objection WHERE receipt = ?1 AND creator = ?2',
      args: [receipt, creator],
    },
    { sql: `SELECT id FROM claim WHERE receipt = ?1 AND state = 'pending'`, args: [receipt] },
  ]);
  const statements: Statement[] = [];
  if (kept.length === 0) {
    statements.push({
      sql: `INSERT INTO objection(receipt, creator, reason, envelope, at)
            SELECT ?1, ?2, ?3, ?4, now_ms FROM clock`,
      args: [receipt, creator, reason, JSON.stringify(envelope)],
    });
  }
  const dispute =
    claims[0] === undefined ? null : await openDispute(ports, text(claims[0].id), creator);
  statements.push(...(dispute?.statements ?? []));
  return ok({
    statements,
    answer: () => undefined,
    ...(dispute === null ? {} : { wake: wakeDispute(ports, dispute.state) }),
  });
}

function wakeDispute(ports: LedgerPorts, state: ChannelState) {
  const { dids, channels } = wakeParties(state);
  return { dids: [...dids, ...ports.arbiters], channels };
}

/** Opens the dispute of one pending claim; null when it is too late or the bond cannot be held. */
async function openDispute(
  ports: LedgerPorts,
  claim: string,
  creator: string,
): Promise<{ statements: Statement[]; state: ChannelState } | null> {
  const loaded = await readClaim(ports, claim);
  if (!loaded.ok) return null;
  const { state, now, available } = loaded.value;
  const event: ChannelEvent = {
    type: 'dispute.open',
    claim,
    by: creator,
    available: available(creator),
  };
  const step = advanceChannel(state, event, now);
  if (!step.ok) return null;
  const statements = [
    ...step.value.effects.flatMap((bond) => holdBond(bond, claim, creator)),
    {
      sql: `UPDATE claim SET state = 'disputed' WHERE id = ?1 AND state = 'pending'`,
      args: [claim],
    },
    expectChanges(1),
    ...askArbiters(ports, claim),
  ];
  return { statements, state };
}

/** One arbiter's word. The claim is decided when enough of them have signed the same words. */
export async function giveVerdict(
  ports: LedgerPorts,
  envelope: unknown,
  expected: { claim?: string } = {},
): Promise<LedgerResult<string>> {
  const order = await openOrder(ports, 'dispute.verdict', envelope, {
    among: ports.arbiters,
    maxSigs: 1,
  });
  if (!order.ok) return order;
  if (expected.claim !== undefined && expected.claim !== order.value.body.claim) {
    return err('claim-unknown', 'the verdict is on another claim');
  }
  return operate(ports, () => planVerdict(ports, order.value));
}

async function planVerdict(
  ports: LedgerPorts,
  order: Order<'dispute.verdict'>,
): Promise<LedgerResult<Plan<string>>> {
  const { id, body, envelope } = order;
  const arbiter = soleSigner(order);
  const loaded = await readClaim(ports, body.claim);
  if (!loaded.ok) return loaded;
  const { state, now, receiptEnvelope } = loaded.value;
  const words = await ports.database.read({
    sql: 'SELECT arbiter, id FROM verdict WHERE claim = ?1',
    args: [body.claim],
  });
  if (words.some((word) => word.arbiter === arbiter)) {
    return ok({ statements: answerFrom('claim_answer', body.claim, null, 200), answer: lastJson });
  }
  const same = words.filter((word) => word.id === id).map((word) => text(word.arbiter));
  const event = {
    type: 'dispute.verdict',
    claim: body.claim,
    id,
    verdict: body.verdict,
    price: await decidedPrice(ports, loaded.value, body),
    signers: [...same, arbiter],
  } as const;
  const court = courtOf(ports.arbiters);
  // Words that could never decide are refused before they are kept: each arbiter has one.
  const alone = advanceChannel(state, { ...event, court: { ...court, quorum: 1 } }, now);
  if (!alone.ok) return alone;
  const step = advanceChannel(state, { ...event, court }, now);
  const statements: Statement[] = [
    {
      sql: `INSERT INTO verdict(claim, arbiter, id, verdict, price, envelope, at)
            SELECT ?1, ?2, ?3, ?4, ?5, ?6, now_ms FROM clock`,
      args: [body.claim, arbiter, id, body.verdict, BigInt(body.price), JSON.stringify(envelope)],
    },
  ];
  if (step.ok) {
    const { next, effects } = step.value;
    statements.push(...decide(next, body.claim), ...effects.filter(isBond).map(transfer));
    if (next.claims[body.claim]?.phase === 'posted') {
      statements.push(...(await countClaim(ports, next, body.claim, receiptEnvelope)));
    }
  }
  return ok({
    statements: [...statements, ...answerFrom('claim_answer', body.claim, null, 200)],
    answer(rows) {
      if (step.ok) countDecided(ports, body.verdict, 'arbiters');
      return lastJson(rows);
    },
    wake: wakeParties(state),
  });
}

function countDecided(ports: LedgerPorts, verdict: string, tier: 'arbiters' | 'deadline'): void {
  ports.metrics.count('zs_disputes_total', { verdict, tier });
}

/**
 * What the words make the claim pay. Arbiters price the work: the receipt's price confirmed is the
 * claim's price confirmed, also where the escrow covered less of it at the filing.
 */
async function decidedPrice(
  ports: LedgerPorts,
  { state, receiptEnvelope }: LoadedClaim,
  { claim: id, price }: { claim: string; price: string },
): Promise<bigint> {
  const claim = state.claims[id];
  const receipt = await openClaimed(ports, id, receiptEnvelope);
  return claim !== undefined && price === receipt.body.price ? claim.price : BigInt(price);
}

/** Two different receipts of the executor for one task void its claim, whoever shows them. */
export async function showEquivocation(
  ports: LedgerPorts,
  claim: string,
  otherReceipt: unknown,
): Promise<LedgerResult<string>> {
  const receipt = await openOrder(ports, 'task.receipt', otherReceipt, {
    by: ({ executor }) => [executor],
    maxSigs: 1,
  });
  if (!receipt.ok) return receipt;
  return operate(ports, async () => {
    const loaded = await readClaim(ports, claim);
    if (!loaded.ok) return loaded;
    const { state, now } = loaded.value;
    const { task, executor } = receipt.value.body;
    if (state.claims[claim]?.task !== task) return err('task-wrong');
    if (executor !== state.terms.a && executor !== state.terms.b) return err('executor-wrong');
    const event: ChannelEvent = {
      type: 'claim.equivocation',
      claim,
      otherReceipt: receipt.value.id,
    };
    const step = advanceChannel(state, event, now);
    if (!step.ok) return step;
    return ok({
      statements: [
        ...decide(step.value.next, claim),
        ...step.value.effects.filter(isBond).map(transfer),
        ...answerFrom('claim_answer', claim, null, 200),
      ],
      answer: lastJson,
      wake: wakeParties(state),
    });
  });
}

/** The arbiters were silent for too long: the claim posts and the bond returns. */
export async function passDeadline(ports: LedgerPorts, claim: string): Promise<LedgerResult<void>> {
  return operate(ports, async () => {
    const loaded = await readClaim(ports, claim);
    if (!loaded.ok) return loaded;
    const { state, now, receiptEnvelope } = loaded.value;
    const step = advanceChannel(state, { type: 'dispute.deadline', claim }, now);
    if (!step.ok) return step;
    const { next, effects } = step.value;
    return ok({
      statements: [
        ...decide(next, claim),
        ...effects.filter(isBond).map(transfer),
        ...(await countClaim(ports, next, claim, receiptEnvelope)),
      ],
      answer: () => countDecided(ports, 'posted', 'deadline'),
      wake: wakeParties(state),
    });
  });
}

/** The claim as the lifecycle left it. Posting moves the money by the schema. */
function decide(next: ChannelState, id: string): Statement[] {
  const claim = next.claims[id];
  if (claim === undefined) throw new Error('a decided claim is in its channel');
  const sql = `UPDATE claim SET state = ?2, price = ?3, verdict = ?4
    WHERE id = ?1 AND state IN ('pending', 'disputed')`;
  return [{ sql, args: [id, claim.phase, claim.price, claim.verdict] }, expectChanges(1)];
}

function isBond({ code }: { code: string }): boolean {
  return code === 'bond';
}
