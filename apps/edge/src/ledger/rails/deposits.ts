/** Money that comes in over a rail. The event is pending before it is credited, and ends once. */
import { availableAccount, err, ok } from '@zerostate/shared';
import type { IdempotencyClaim } from '../../http/idempotency.ts';
import type { LedgerResult } from '../codes.ts';
import { lastJson, operate, type Plan, readFrom } from '../operate.ts';
import type { LedgerPorts } from '../ports.ts';
import { big, text } from '../snapshot.ts';
import { answerFrom, carryOut, expectChanges, openAccounts, transfer } from '../statements.ts';
import { faucetRail } from './faucet.ts';
import { operatorRail } from './operator.ts';
import type { Deposit, Rail, RailName } from './port.ts';

/** Play money for a DID. The idempotency key is its outside reference: one key pays once. */
export function faucet(
  ports: LedgerPorts,
  did: string,
  amount: bigint,
  idem: IdempotencyClaim,
): Promise<LedgerResult<string>> {
  return deposit(ports, faucetRail(ports), { did, amount, key: idem.key }, idem);
}

/** Money that an operator of the network vouches for, once for each outside reference. */
export function credit(
  ports: LedgerPorts,
  envelope: unknown,
  idem: IdempotencyClaim | null,
): Promise<LedgerResult<string>> {
  return deposit(ports, operatorRail(ports), envelope, idem);
}

async function deposit<W>(
  ports: LedgerPorts,
  rail: Rail<W>,
  word: W,
  idem: IdempotencyClaim | null,
): Promise<LedgerResult<string>> {
  const came = await rail.deposit(word, () => ledgerTime(ports));
  if (!came.ok) return came;
  const announced = await operate(ports, () => planPending(ports, rail.name, came.value));
  if (!announced.ok) return announced;
  return operate(ports, () => planDone(ports, rail.name, came.value, idem));
}

/** The clock that the ledger's guards read, ms. */
function ledgerTime({ database }: LedgerPorts): Promise<LedgerResult<number>> {
  return readFrom(async () => {
    const [row] = await database.read({ sql: 'SELECT now_ms FROM clock', args: [] });
    return ok(Number(big(row?.now_ms)));
  });
}

/** First batch: the event exists, nothing is credited. An equal pending event is taken up again. */
async function planPending(
  ports: LedgerPorts,
  rail: RailName,
  came: Deposit,
): Promise<LedgerResult<Plan<void>>> {
  const known = await readEvent(ports, rail, came);
  if (!known.ok) return known;
  if (known.value !== null) return ok({ statements: [], answer: () => undefined });
  const account = availableAccount(came.did);
  return ok({
    statements: [
      openAccounts([
        [account, came.did, 'available'],
        [`ral:${rail}`, ports.signer.did, 'rail'],
      ]),
      {
        sql: `INSERT INTO rail_event(rail, ext_ref, kind, account, amount, state)
              VALUES (?1, ?2, 'deposit', ?3, ?4, 'pending')`,
        args: [rail, came.reference, account, came.amount],
      },
    ],
    answer: () => undefined,
  });
}

/** Second batch, on the edge from pending to done: the money and the stored answer. */
async function planDone(
  ports: LedgerPorts,
  rail: RailName,
  came: Deposit,
  idem: IdempotencyClaim | null,
): Promise<LedgerResult<Plan<string>>> {
  const known = await readEvent(ports, rail, came);
  if (!known.ok) return known;
  if (known.value !== 'pending') return err('reference-used', 'ext_ref');
  const { reference, did, amount, order } = came;
  return ok({
    statements: [
      endEvent(rail, reference, 'done'),
      expectChanges(1),
      transfer({
        id: `deposit:${rail}:${reference}`,
        debit: `ral:${rail}`,
        credit: availableAccount(did),
        amount,
        code: 'deposit',
        ref: reference,
      }),
      ...(order === null ? [] : [carryOut({ ...order, ref: reference })]),
      ...answerFrom('account_answer', did, idem, 200),
    ],
    answer: lastJson,
  });
}

/** The one edge on which a rail moves money. */
export function endEvent(rail: RailName, reference: string, state: 'done' | 'failed') {
  return {
    sql: `UPDATE rail_event SET state = ?3
          WHERE rail = ?1 AND ext_ref = ?2 AND state = 'pending'`,
    args: [rail, reference, state],
  };
}

async function readEvent(
  ports: LedgerPorts,
  rail: RailName,
  came: Deposit,
): Promise<LedgerResult<'pending' | 'done' | 'failed' | null>> {
  const [row] = await ports.database.read({
    sql: 'SELECT kind, account, amount, state FROM rail_event WHERE rail = ?1 AND ext_ref = ?2',
    args: [rail, came.reference],
  });
  if (row === undefined) return ok(null);
  const same =
    row.kind === 'deposit' &&
    row.account === availableAccount(came.did) &&
    row.amount === came.amount;
  if (!same) return err('reference-used', 'ext_ref');
  const state = text(row.state);
  if (state === 'pending' || state === 'done' || state === 'failed') return ok(state);
  throw new TypeError('not a state of a rail event');
}
