import {
  advanceChannel,
  bondAccount,
  type ChannelState,
  type ClaimFiling,
  type ClaimState,
  claimFiling,
  condTerms,
  err,
  type LedgerTransfer,
  ok,
  payeeOf,
  payerOf,
} from '@zerostate/shared';
import type { IdempotencyClaim } from '../http/idempotency.ts';
import type { Statement } from '../ports.ts';
import type { LedgerResult } from './codes.ts';
import { lastJson, operate, type Plan } from './operate.ts';
import { type Order, openOrder, signatureOf } from './orders.ts';
import type { LedgerPorts } from './ports.ts';
import { claimedDuration, countReceipts } from './receipts.ts';
import { readSnapshot, text } from './snapshot.ts';
import { answerFrom, expectChanges, notify, openAccounts, transfer } from './statements.ts';

type Filing = { cond: Order<'paych.cond'>; receipt: Order<'task.receipt'> };

/**
 * The payee's claim on a conditional voucher whose task it has done. It posts after claim_ms; with
 * the creator's objection on record, and a bond that can be held, it starts disputed. A price that
 * the escrow does not cover is lowered to what it does. The same claim again gives what became of it.
 */
export async function fileClaim(
  ports: LedgerPorts,
  raw: { cond: unknown; receipt: unknown },
  by: string,
  idem: IdempotencyClaim | null,
): Promise<LedgerResult<string>> {
  const [cond, receipt] = await Promise.all([
    openOrder(ports, 'paych.cond', raw.cond, { maxSigs: 1 }),
    openOrder(ports, 'task.receipt', raw.receipt, {
      by: ({ executor }) => [executor],
      maxSigs: 1,
    }),
  ]);
  if (!cond.ok) return cond;
  if (!receipt.ok) return receipt;
  const filing = { cond: cond.value, receipt: receipt.value };
  return operate(ports, () => planFile(ports, filing, by, idem));
}

async function planFile(
  ports: LedgerPorts,
  { cond, receipt }: Filing,
  by: string,
  idem: IdempotencyClaim | null,
): Promise<LedgerResult<Plan<string>>> {
  const { ch, dir } = cond.body;
  const payer = await payerIn(ports, ch, dir);
  const snapshot = await readSnapshot(ports.database, {
    channels: [ch],
    claim: cond.id,
    dids: payer === null ? [] : [payer],
  });
  const state = snapshot.channels.get(ch);
  if (state === undefined || payer === null) return err('channel-unknown');
  const condSig = signatureOf(cond, payer);
  if (condSig === null) return err('party-wrong', payer);
  const filing = claimFiling(state.terms, condTerms(cond.id, cond.body), receipt.id, receipt.body);
  if (!filing.ok) return filing;
  const known = state.claims[cond.id];
  if (known !== undefined && known.receipt === receipt.id && by === payeeOf(state.terms, dir)) {
    return ok({ statements: answerFrom('claim_answer', cond.id, idem, 200), answer: lastJson });
  }
  const { elsewhere, objected } = await readRivals(ports, filing.value, payer);
  const available = snapshot.available(payer);
  const event = {
    type: 'claim',
    filing: filing.value,
    by,
    elsewhere,
    objected,
    available,
    // Else a payer could spend a little on another lane and leave a claim on all the rest uncovered.
    partial: true,
  } as const;
  const step = advanceChannel(state, event, snapshot.now);
  if (!step.ok) return step;
  const claim = step.value.next.claims[cond.id];
  if (claim === undefined) throw new Error('a filed claim is in its channel');
  const disputed = claim.phase === 'disputed';
  return ok({
    statements: [
      ...step.value.effects.flatMap((bond) => holdBond(bond, cond.id, payer)),
      insertClaim(claim, ch, { condSig, receipt }),
      ...(disputed ? askArbiters(ports, cond.id) : []),
      ...answerFrom('claim_answer', cond.id, idem, 201),
    ],
    answer: lastJson,
    wake: { dids: disputed ? [payer, ...ports.arbiters] : [payer], channels: [ch] },
  });
}

async function payerIn(ports: LedgerPorts, ch: string, dir: 'a' | 'b'): Promise<string | null> {
  const [row] = await ports.database.read({
    sql: `SELECT CASE ?2 WHEN 'a' THEN a ELSE b END AS payer FROM channel WHERE id = ?1`,
    args: [ch, dir],
  });
  return row === undefined ? null : text(row.payer);
}

/** Whether task or receipt are claimed anywhere, and whether the creator objected to the receipt. */
async function readRivals(ports: LedgerPorts, filing: ClaimFiling, creator: string) {
  const [claims = [], objections = []] = await ports.database.readMany([
    {
      sql: 'SELECT task, receipt FROM claim WHERE task = ?1 OR receipt = ?2',
      args: [filing.task, filing.receipt],
    },
    {
      sql: 'SELECT 1 FROM objection WHERE receipt = ?1 AND creator = ?2',
      args: [filing.receipt, creator],
    },
  ]);
  return {
    elsewhere: {
      task: claims.some(({ task }) => task === filing.task),
      receipt: claims.some(({ receipt }) => receipt === filing.receipt),
    },
    objected: objections.length > 0,
  };
}

export function holdBond(bond: LedgerTransfer, claim: string, creator: string): Statement[] {
  return [openAccounts([[bondAccount(claim), creator, 'bond']]), transfer(bond)];
}

export function askArbiters(ports: LedgerPorts, claim: string): Statement[] {
  return ports.arbiters.flatMap((did) => notify(did, 'verdict.request', { claim }));
}

function insertClaim(
  claim: ClaimState,
  ch: string,
  about: { condSig: string; receipt: Order<'task.receipt'> },
): Statement {
  const { id, dir, lane, base, cap, price, task, receipt, notAfter, phase } = claim;
  return {
    sql: `INSERT INTO claim(id, ch, dir, lane, base, cap, price, task, receipt, not_after, at,
            post_at, state, cond_sig, receipt_envelope)
          SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, now_ms,
            now_ms + (SELECT claim_ms FROM channel WHERE id = ?2), ?11, ?12, ?13
          FROM clock`,
    args: [
      id,
      ch,
      dir,
      lane,
      base,
      cap,
      price,
      task,
      receipt,
      notAfter,
      phase,
      about.condSig,
      JSON.stringify(about.receipt.envelope),
    ],
  };
}

/** Anybody posts a claim that nobody disputed in time. */
export async function postClaim(
  ports: LedgerPorts,
  id: string,
  idem: IdempotencyClaim | null,
): Promise<LedgerResult<string>> {
  return operate(ports, async () => {
    const loaded = await readClaim(ports, id);
    if (!loaded.ok) return loaded;
    const { state, now, receiptEnvelope } = loaded.value;
    const step = advanceChannel(state, { type: 'claim.post', claim: id }, now);
    if (!step.ok) return step;
    return ok({
      statements: [
        {
          sql: `UPDATE claim SET state = 'posted' WHERE id = ?1 AND state = 'pending'`,
          args: [id],
        },
        expectChanges(1),
        ...(await countClaim(ports, step.value.next, id, receiptEnvelope)),
        ...answerFrom('claim_answer', id, idem, 200),
      ],
      answer: lastJson,
      wake: wakeParties(state),
    });
  });
}

export type LoadedClaim = {
  state: ChannelState;
  now: number;
  receiptEnvelope: string;
  available: (did: string) => bigint;
};

/** The channel of a claim with that claim in it, whatever its state. */
export async function readClaim(
  ports: LedgerPorts,
  id: string,
): Promise<LedgerResult<LoadedClaim>> {
  const [row] = await ports.database.read({
    sql: `SELECT k.ch, k.receipt_envelope, c.a, c.b FROM claim k JOIN channel c ON c.id = k.ch
          WHERE k.id = ?1`,
    args: [id],
  });
  if (row === undefined) return err('claim-unknown');
  const ch = text(row.ch);
  const snapshot = await readSnapshot(ports.database, {
    channels: [ch],
    claim: id,
    dids: [text(row.a), text(row.b)],
  });
  const state = snapshot.channels.get(ch);
  if (state === undefined) return err('channel-unknown');
  const { now, available } = snapshot;
  return ok({ state, now, available, receiptEnvelope: text(row.receipt_envelope) });
}

/** A posted claim's receipt as evidence; it may have been counted by a voucher before. */
export async function countClaim(
  ports: LedgerPorts,
  posted: ChannelState,
  id: string,
  receiptEnvelope: string,
): Promise<Statement[]> {
  const claim = posted.claims[id];
  if (claim === undefined) throw new Error('a posted claim is in its channel');
  const receipt = await openClaimed(ports, id, receiptEnvelope);
  const counted = {
    id: claim.receipt,
    task: claim.task,
    executor: payeeOf(posted.terms, claim.dir),
    creator: payerOf(posted.terms, claim.dir),
    ch: posted.terms.id,
    dir: claim.dir,
    lane: claim.lane,
    price: claim.price,
    envelope: receiptEnvelope,
    claimedMs: claimedDuration(receipt.body),
  };
  return countReceipts(ports, [counted], 'claim');
}

/** The receipt that a claim was filed with. */
export async function openClaimed(
  ports: LedgerPorts,
  id: string,
  receiptEnvelope: string,
): Promise<Order<'task.receipt'>> {
  const receipt = await openOrder(ports, 'task.receipt', JSON.parse(receiptEnvelope), {});
  if (!receipt.ok) throw new Error(`the receipt of claim ${id} does not open: ${receipt.code}`);
  return receipt.value;
}

export function wakeParties({ terms }: ChannelState) {
  return { dids: [terms.a, terms.b], channels: [terms.id] };
}
