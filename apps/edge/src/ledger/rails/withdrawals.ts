/**
 * Money that goes out over a rail. The owner's order holds it in the batch that writes the event as
 * pending; only then is there anything for an operator to pay. The operator's answer ends the event
 * once: the hold goes to the rail, or back to its owner.
 */
import { availableAccount, err, ok } from '@zerostate/shared';
import type { IdempotencyClaim } from '../../http/idempotency.ts';
import type { LedgerResult } from '../codes.ts';
import { lastJson, operate, type Plan } from '../operate.ts';
import { type Order, openOrder } from '../orders.ts';
import type { LedgerPorts } from '../ports.ts';
import { big, readSnapshot, text } from '../snapshot.ts';
import { answerFrom, carryOut, expectChanges, openAccounts } from '../statements.ts';
import { endEvent } from './deposits.ts';
import { faucetRail } from './faucet.ts';
import { operatorRail } from './operator.ts';
import type { Rail, RailName, Settlement } from './port.ts';

/**
 * Takes an owner's order and holds the money. The same order again gives the withdrawal as it is
 * now and holds nothing: a reply that was lost is asked for by sending it again.
 */
export async function withdraw(
  ports: LedgerPorts,
  envelope: unknown,
  idem: IdempotencyClaim | null,
): Promise<LedgerResult<string>> {
  const order = await openOrder(ports, 'rail.withdraw', envelope, {
    by: ({ account }) => [account],
    maxSigs: 1,
  });
  if (!order.ok) return order;
  const rail = payingRail(ports, order.value.body.rail);
  if (rail === null) return err('rail-closed', 'rail');
  return operate(ports, () => planHold(ports, rail, order.value, idem));
}

function payingRail(ports: LedgerPorts, name: string): RailName | null {
  const rails: Pick<Rail<never>, 'name' | 'payout'>[] = [faucetRail(ports), operatorRail(ports)];
  const rail = rails.find((each) => each.name === name);
  return rail?.payout?.isOpen === true ? rail.name : null;
}

async function planHold(
  ports: LedgerPorts,
  rail: RailName,
  order: Order<'rail.withdraw'>,
  idem: IdempotencyClaim | null,
): Promise<LedgerResult<Plan<string>>> {
  const { id, body, envelope } = order;
  const [known] = await ports.database.read(answerOf(id));
  if (known !== undefined) return ok({ statements: [], answer: () => text(known.json) });
  const { now, available } = await readSnapshot(ports.database, {
    channels: [],
    dids: [body.account],
  });
  if (BigInt(now) > BigInt(body.not_after)) return err('withdraw-expired', 'not_after');
  const amount = BigInt(body.amount);
  if (available(body.account) < amount) return err('funds-insufficient', 'amount');
  return ok({
    statements: [
      openAccounts([[`ral:${rail}`, ports.signer.did, 'rail']]),
      {
        // The schema's trigger moves the money into its hold.
        sql: `INSERT INTO rail_event(rail, ext_ref, kind, account, amount, state)
              VALUES (?1, ?2, 'withdraw', ?3, ?4, 'pending')`,
        args: [rail, id, availableAccount(body.account), amount],
      },
      {
        sql: `INSERT INTO withdrawal(id, rail, owner, amount, destination, at)
              SELECT ?1, ?2, ?3, ?4, ?5, now_ms FROM clock`,
        args: [id, rail, body.account, amount, body.destination],
      },
      carryOut({ id, type: 'rail.withdraw', ref: body.account, envelope }),
      ...answerFrom('withdrawal_answer', id, idem, 201),
    ],
    answer: lastJson,
  });
}

/**
 * An operator's word on a withdrawal: paid, or refused. Repeated, it gives the withdrawal as it is;
 * another word on a settled withdrawal is refused, and so is one payment for two withdrawals.
 */
export async function debit(
  ports: LedgerPorts,
  envelope: unknown,
  idem: IdempotencyClaim | null,
): Promise<LedgerResult<string>> {
  const rail = operatorRail(ports);
  if (rail.payout === null) return err('rail-closed');
  const settlement = await rail.payout.settlement(envelope);
  if (!settlement.ok) return settlement;
  return operate(ports, () => planSettle(ports, rail.name, settlement.value, idem));
}

async function planSettle(
  ports: LedgerPorts,
  rail: RailName,
  settlement: Settlement,
  idem: IdempotencyClaim | null,
): Promise<LedgerResult<Plan<string>>> {
  const { withdrawal, outcome, reference, reason, operator, order } = settlement;
  const [row] = await ports.database.read(answerOf(withdrawal));
  if (row === undefined || row.rail !== rail) return err('withdrawal-unknown', 'withdrawal');
  if (row.owner !== settlement.did) return err('withdrawal-differs', 'account');
  if (big(row.amount) !== settlement.amount) return err('withdrawal-differs', 'amount');
  if (row.state !== 'pending') {
    const isSame = row.state === outcome && row.reference === reference;
    if (!isSame) return err('withdrawal-final', `it is ${text(row.state)}`);
    return ok({ statements: [], answer: () => text(row.json) });
  }
  const used = await ports.database.read({
    sql: 'SELECT 1 FROM settlement WHERE rail = ?1 AND ext_ref = ?2',
    args: [rail, reference],
  });
  if (used.length > 0) return err('reference-used', 'ext_ref');
  return ok({
    statements: [
      endEvent(rail, withdrawal, outcome),
      expectChanges(1),
      {
        sql: `INSERT INTO settlement(withdrawal, rail, outcome, ext_ref, reason, operator, at)
              SELECT ?1, ?2, ?3, ?4, ?5, ?6, now_ms FROM clock`,
        args: [withdrawal, rail, outcome, reference, reason, operator],
      },
      carryOut({ ...order, ref: withdrawal }),
      ...answerFrom('withdrawal_answer', withdrawal, idem, 200),
    ],
    answer: lastJson,
  });
}

function answerOf(id: string) {
  return {
    sql: `SELECT a.json, a.state, w.rail, w.owner, w.amount, s.ext_ref AS reference
          FROM withdrawal_answer a JOIN withdrawal w ON w.id = a.id
          LEFT JOIN settlement s ON s.withdrawal = a.id WHERE a.id = ?1`,
    args: [id],
  };
}

/** One withdrawal's JSON text and its owner. */
export async function readWithdrawal(
  { database }: LedgerPorts,
  id: string,
): Promise<LedgerResult<{ json: string; owner: string }>> {
  const [row] = await database.read(answerOf(id));
  if (row === undefined) return err('withdrawal-unknown');
  return ok({ json: text(row.json), owner: text(row.owner) });
}

export type WithdrawalFilter = {
  did?: string | undefined;
  state?: 'pending' | 'done' | 'failed' | undefined;
};

/** Withdrawals in the order they were asked for, above `after`, as JSON text. */
export async function readWithdrawals(
  { database }: LedgerPorts,
  filter: WithdrawalFilter,
  page: { after: number; limit: number },
): Promise<string> {
  const rows = await database.read({
    sql: `SELECT seq, json FROM withdrawal_answer
          WHERE seq > ?1 AND (?2 IS NULL OR owner = ?2) AND (?3 IS NULL OR state = ?3)
          ORDER BY seq LIMIT ?4`,
    args: [page.after, filter.did ?? null, filter.state ?? null, page.limit + 1],
  });
  const shown = rows.slice(0, page.limit);
  const next = rows.length > page.limit ? `,"next":${String(shown.at(-1)?.seq)}` : '';
  return `{"withdrawals":[${shown.map(({ json }) => text(json)).join(',')}]${next}}`;
}
