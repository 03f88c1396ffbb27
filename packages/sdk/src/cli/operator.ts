/** What an operator of the network signs: money that came in, and what became of withdrawals. */
import {
  didField,
  hashField,
  type RailCredit,
  type RailDebit,
  railCreditSchema,
  railDebitSchema,
  sealEnvelope,
} from '@zerostate/shared';
import type { Command } from 'commander';
import { systemClock } from '../adapters/system.ts';
import { formatUnits } from '../units.ts';
import { CommandFailure, orFail, wellFormed } from './exit.ts';
import { show, type Terminal } from './io.ts';
import { amount, commonOptions, signedEdge, signerOf } from './session.ts';
import { showWithdrawal, showWithdrawals } from './withdrawals.ts';

/** How long a credit may be handed in. */
const CREDIT_MS = 86_400_000;

export function addOperator(program: Command, terminal: Terminal): void {
  const operator = program
    .command('operator')
    .description('money across the border of the ledger, for DIDs in OPERATORS');
  addCredit(operator, terminal);
  addList(operator, terminal);
  addConfirm(operator, terminal);
  addRefuse(operator, terminal);
}

function addCredit(operator: Command, terminal: Terminal): void {
  operator
    .command('credit')
    .description('vouch for money that came in from outside')
    .argument('<did>', 'whose account')
    .argument('<units>', 'how much')
    .requiredOption('--ref <reference>', 'the payment outside; it counts once')
    .option('--sign-only', 'print the signed credit for its owner to hand in')
    .addHelpText(
      'after',
      `
Examples:
  zs operator credit did:key:z6Mk… 25 --ref "bank 2026-11-22 #7"
  zs operator credit did:key:z6Mk… 25 --ref invoice-1 --sign-only > credit.json`,
    )
    .action(
      async (
        did: string,
        units: string,
        flags: { ref: string; signOnly?: boolean },
        command: Command,
      ) => {
        const common = commonOptions(command, terminal);
        if (!didField.safeParse(did).success) {
          throw new CommandFailure('usage', `${did}: not an Ed25519 did:key`);
        }
        const order: RailCredit = {
          account: did,
          amount: String(amount(units)),
          ext_ref: flags.ref,
          not_after: String(systemClock.now() + CREDIT_MS),
        };
        const body = wellFormed(railCreditSchema.safeParse(order));
        const signer = await signerOf(common);
        const edge = signedEdge(common, signer);
        const { network } = orFail(await edge.network({ signal: terminal.signal }));
        const credit = await sealEnvelope(network, 'rail.credit', body, signer);
        if (flags.signOnly === true) {
          terminal.out(`${JSON.stringify(credit)}\n`);
          return;
        }
        const answer = orFail(await edge.credit(credit, { signal: terminal.signal }));
        const available = formatUnits(BigInt(answer.available));
        show(terminal, common.json, { did, available, reference: flags.ref }, () =>
          [`account    ${did}`, `available  ${available}`, ''].join('\n'),
        );
      },
    );
}

function addList(operator: Command, terminal: Terminal): void {
  operator
    .command('withdrawals')
    .description('what is to be paid, oldest first')
    .option('--all', 'paid and refused ones too')
    .addHelpText('after', '\nExample:\n  zs operator withdrawals --json')
    .action(async (flags: { all?: boolean }, command: Command) => {
      const common = commonOptions(command, terminal);
      const filter = flags.all === true ? {} : { state: 'pending' as const };
      await showWithdrawals(terminal, common, await signerOf(common), filter);
    });
}

function addConfirm(operator: Command, terminal: Terminal): void {
  operator
    .command('confirm')
    .description('say that a withdrawal was paid outside')
    .argument('<withdrawal>', 'its id')
    .requiredOption('--ref <payment>', 'the payment outside; one payment ends one withdrawal')
    .addHelpText(
      'after',
      `
Pay first, with the withdrawal's id as the payment's own reference so that nobody pays it again;
then confirm. Repeating a confirmation changes nothing.

Example:
  zs operator confirm Jt6…4I --ref "bank 2026-11-22 #9"`,
    )
    .action(async (id: string, flags: { ref: string }, command: Command) => {
      await settle(terminal, command, id, { outcome: 'done', ext_ref: flags.ref });
    });
}

function addRefuse(operator: Command, terminal: Terminal): void {
  operator
    .command('refuse')
    .description('say that a withdrawal will not be paid: its money returns to the owner')
    .argument('<withdrawal>', 'its id')
    .requiredOption('--reason <text>', 'what its owner is told')
    .addHelpText('after', '\nExample:\n  zs operator refuse Jt6…4I --reason "no such account"')
    .action(async (id: string, flags: { reason: string }, command: Command) => {
      await settle(terminal, command, id, { outcome: 'failed', reason: flags.reason });
    });
}

async function settle(
  terminal: Terminal,
  command: Command,
  id: string,
  word: Pick<RailDebit, 'outcome' | 'ext_ref' | 'reason'>,
): Promise<void> {
  const common = commonOptions(command, terminal);
  if (!hashField.safeParse(id).success) {
    throw new CommandFailure('usage', `${id}: not the id of a withdrawal`);
  }
  const signer = await signerOf(common);
  const edge = signedEdge(common, signer);
  const { signal } = terminal;
  const { network } = orFail(await edge.network({ signal }));
  // What is signed is what the ledger shows now: its answer must be of the same money.
  const { did, amount: sum } = orFail(await edge.withdrawal(id, { signal }));
  const order: RailDebit = { withdrawal: id, account: did, amount: sum, ...word };
  const body = wellFormed(railDebitSchema.safeParse(order));
  const debit = await sealEnvelope(network, 'rail.debit', body, signer);
  showWithdrawal(terminal, common, orFail(await edge.debit(debit, { signal })));
}
