/** Money that comes in from outside. The event is pending before it is credited, and ends once. */
import { availableAccount, err, ok } from '@zerostate/shared';
import type { IdempotencyClaim } from '../http/idempotency.ts';
import type { Statement } from '../ports.ts';
import type { LedgerResult } from './codes.ts';
import { lastJson, operate, type Plan } from './operate.ts';
import { openOrder } from './orders.ts';
import type { LedgerPorts } from './ports.ts';
import { big, text } from './snapshot.ts';
import { answerFrom, carryOut, expectChanges, openAccounts, transfer } from './statements.ts';

type Deposit = {
  rail: 'faucet' | 'operator';
  reference: string;
  did: string;
  amount: bigint;
  /** Who stands behind the rail's account. */
  owner: string;
};

/** Play money for a DID. The idempotency key is its outside reference: one key pays once. */
export async function faucet(
  ports: LedgerPorts,
  did: string,
  amount: bigint,
  idem: IdempotencyClaim,
): Promise<LedgerResult<string>> {
  if (!ports.faucet) return err('faucet-off');
  const reference = `${did}:${idem.key}`;
  const deposit = { rail: 'faucet', reference, did, amount, owner: ports.signer.did } as const;
  const announced = await operate(ports, () => planPending(ports, deposit));
  if (!announced.ok) return announced;
  return operate(ports, () => planDone(ports, deposit, idem, []));
}

/** Money that an operator of the network vouches for, once for each outside reference. */
export async function credit(
  ports: LedgerPorts,
  envelope: unknown,
  idem: IdempotencyClaim | null,
): Promise<LedgerResult<string>> {
  const order = await openOrder(ports, 'rail.credit', envelope, { maxSigs: 1 });
  if (!order.ok) return order;
  const { id, body, envelope: signed } = order.value;
  const operator = signed.sigs.find(({ by }) => ports.operators.includes(by))?.by;
  if (operator === undefined) return err('operator-unknown');
  const deposit = {
    rail: 'operator',
    reference: body.ext_ref,
    did: body.account,
    amount: BigInt(body.amount),
    owner: ports.signer.did,
  } as const;
  const [clock] = await ports.database.read({ sql: 'SELECT now_ms FROM clock', args: [] });
  if (big(clock?.now_ms) > BigInt(body.not_after)) return err('credit-expired', 'not_after');
  const announced = await operate(ports, () => planPending(ports, deposit));
  if (!announced.ok) return announced;
  const order1 = carryOut({ id, type: 'rail.credit', ref: body.ext_ref, envelope: signed });
  return operate(ports, () => planDone(ports, deposit, idem, [order1]));
}

/** First batch: the event exists, nothing is credited. An equal pending event is taken up again. */
async function planPending(
  ports: LedgerPorts,
  deposit: Deposit,
): Promise<LedgerResult<Plan<void>>> {
  const known = await readEvent(ports, deposit);
  if (!known.ok) return known;
  if (known.value !== null) return ok({ statements: [], answer: () => undefined });
  const account = availableAccount(deposit.did);
  return ok({
    statements: [
      openAccounts([
        [account, deposit.did, 'available'],
        [`ral:${deposit.rail}`, deposit.owner, 'rail'],
      ]),
      {
        sql: `INSERT INTO rail_event(rail, ext_ref, kind, account, amount, state)
              VALUES (?1, ?2, 'deposit', ?3, ?4, 'pending')`,
        args: [deposit.rail, deposit.reference, account, deposit.amount],
      },
    ],
    answer: () => undefined,
  });
}

/** Second batch, on the edge from pending to done: the money and the stored answer. */
async function planDone(
  ports: LedgerPorts,
  deposit: Deposit,
  idem: IdempotencyClaim | null,
  also: readonly Statement[],
): Promise<LedgerResult<Plan<string>>> {
  const known = await readEvent(ports, deposit);
  if (!known.ok) return known;
  if (known.value !== 'pending') return err('reference-used');
  const { rail, reference, did, amount } = deposit;
  return ok({
    statements: [
      {
        sql: `UPDATE rail_event SET state = 'done'
              WHERE rail = ?1 AND ext_ref = ?2 AND state = 'pending'`,
        args: [rail, reference],
      },
      expectChanges(1),
      transfer({
        id: `deposit:${rail}:${reference}`,
        debit: `ral:${rail}`,
        credit: availableAccount(did),
        amount,
        code: 'deposit',
        ref: reference,
      }),
      ...also,
      ...answerFrom('account_answer', did, idem, 200),
    ],
    answer: lastJson,
  });
}

async function readEvent(
  ports: LedgerPorts,
  deposit: Deposit,
): Promise<LedgerResult<'pending' | 'done' | 'failed' | null>> {
  const [row] = await ports.database.read({
    sql: 'SELECT kind, account, amount, state FROM rail_event WHERE rail = ?1 AND ext_ref = ?2',
    args: [deposit.rail, deposit.reference],
  });
  if (row === undefined) return ok(null);
  const same =
    row.kind === 'deposit' &&
    row.account === availableAccount(deposit.did) &&
    row.amount === deposit.amount;
  if (!same) return err('reference-used', 'ext_ref');
  const state = text(row.state);
  if (state === 'pending' || state === 'done' || state === 'failed') return ok(state);
  throw new TypeError('not a state of a rail event');
}
