/** Withdrawals as the terminal shows them, to their owner and to operators. */
import type { Signer, WithdrawalAnswer } from '@zerostate/shared';
import type { EdgeClient } from '../edge-client.ts';
import { formatUnits } from '../units.ts';
import { orFail } from './exit.ts';
import { plain, show, type Terminal, table } from './io.ts';
import { type CommonOptions, signedEdge } from './session.ts';

type Page = NonNullable<Parameters<EdgeClient['withdrawals']>[0]>;

/** All pages of a list of withdrawals, oldest first. */
export async function showWithdrawals(
  terminal: Terminal,
  common: CommonOptions,
  signer: Signer,
  filter: Omit<Page, 'after'>,
): Promise<void> {
  const edge = signedEdge(common, signer);
  const found: WithdrawalAnswer[] = [];
  let after: number | undefined = 0;
  while (after !== undefined) {
    const wanted: Page = { ...filter, after };
    const page = orFail(await edge.withdrawals(wanted, { signal: terminal.signal }));
    found.push(...page.withdrawals);
    after = page.next;
  }
  show(terminal, common.json, { withdrawals: found.map(inUnits) }, () =>
    table([
      ['withdrawal', 'asked', 'amount', 'state', 'account', 'to', 'payment or reason'],
      ...found.map(rowOf),
    ]),
  );
}

export function showWithdrawal(
  terminal: Terminal,
  { json }: CommonOptions,
  answer: WithdrawalAnswer,
): void {
  const { withdrawal, did, destination, state } = answer;
  show(terminal, json, inUnits(answer), () =>
    table([
      ['withdrawal', withdrawal],
      ['account', did],
      ['amount', formatUnits(BigInt(answer.amount))],
      ['to', plain(destination)],
      ['state', state],
      ...(answer.reference === null ? [] : [['payment', plain(answer.reference)]]),
      ...(answer.reason === null ? [] : [['reason', plain(answer.reason)]]),
    ]),
  );
}

function inUnits(answer: WithdrawalAnswer): WithdrawalAnswer {
  return { ...answer, amount: formatUnits(BigInt(answer.amount)) };
}

function rowOf(answer: WithdrawalAnswer): string[] {
  const { withdrawal, at, amount, state, did, destination, reference, reason } = answer;
  const asked = new Date(at).toISOString();
  const end = plain(reference ?? reason ?? '');
  return [withdrawal, asked, formatUnits(BigInt(amount)), state, did, plain(destination), end];
}
