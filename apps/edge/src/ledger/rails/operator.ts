import { err, ok } from '@zerostate/shared';
import type { LedgerResult } from '../codes.ts';
import { openOrder } from '../orders.ts';
import type { LedgerPorts } from '../ports.ts';
import type { Deposit, Rail, Settlement } from './port.ts';

type OperatorPorts = Pick<LedgerPorts, 'network' | 'verifier' | 'operators'>;

/** Money that goes through the hands of the network's operators, on their signed word. */
export function operatorRail(ports: OperatorPorts): Rail<unknown> {
  return {
    name: 'operator',
    deposit: (word, now) => openCredit(ports, word, now),
    payout: {
      // A hold that nobody can end would lock the money away.
      isOpen: ports.operators.length > 0,
      settlement: (word) => openDebit(ports, word),
    },
  };
}

async function openCredit(
  ports: OperatorPorts,
  word: unknown,
  readNow: () => Promise<LedgerResult<number>>,
): Promise<LedgerResult<Deposit>> {
  const order = await openOrder(ports, 'rail.credit', word, { maxSigs: 1 });
  if (!order.ok) return order;
  const { id, body, envelope } = order.value;
  if (operatorOf(ports, envelope) === null) return err('operator-unknown');
  const now = await readNow();
  if (!now.ok) return now;
  if (BigInt(now.value) > BigInt(body.not_after)) return err('credit-expired', 'not_after');
  return ok({
    reference: body.ext_ref,
    did: body.account,
    amount: BigInt(body.amount),
    order: { id, type: 'rail.credit', envelope },
  });
}

async function openDebit(ports: OperatorPorts, word: unknown): Promise<LedgerResult<Settlement>> {
  const order = await openOrder(ports, 'rail.debit', word, { maxSigs: 1 });
  if (!order.ok) return order;
  const { id, body, envelope } = order.value;
  const operator = operatorOf(ports, envelope);
  if (operator === null) return err('operator-unknown');
  return ok({
    withdrawal: body.withdrawal,
    did: body.account,
    amount: BigInt(body.amount),
    outcome: body.outcome,
    reference: body.ext_ref ?? null,
    reason: body.reason ?? null,
    operator,
    order: { id, type: 'rail.debit', envelope },
  });
}

function operatorOf(
  { operators }: OperatorPorts,
  envelope: { sigs: readonly { by: string }[] },
): string | null {
  return envelope.sigs.find(({ by }) => operators.includes(by))?.by ?? null;
}
