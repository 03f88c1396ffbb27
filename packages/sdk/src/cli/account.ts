import { type AccountAnswer, didField, type WithdrawalAnswer } from '@zerostate/shared';
import type { Command } from 'commander';
import { formatUnits } from '../units.ts';
import { addDeposit, addWithdraw } from './account-rails.ts';
import { CommandFailure, orFail } from './exit.ts';
import { show, type Terminal } from './io.ts';
import {
  amount,
  type CommonOptions,
  commonOptions,
  publicEdge,
  signedEdge,
  signerOf,
} from './session.ts';
import { showWithdrawals } from './withdrawals.ts';

export function addAccount(program: Command, terminal: Terminal): void {
  const account = program.command('account').description('your money on the ledger');
  account
    .command('show')
    .description('what an account holds, free and in channels')
    .argument('[did]', 'whose; your own by default')
    .addHelpText('after', '\nExamples:\n  zs account show\n  zs account show did:key:z6Mk… --json')
    .action(async (did: string | undefined, _flags: unknown, command: Command) => {
      const common = commonOptions(command, terminal);
      if (did !== undefined && !didField.safeParse(did).success) {
        throw new CommandFailure('usage', `${did}: not an Ed25519 did:key`);
      }
      const whose = did ?? (await signerOf(common)).did;
      const answer = orFail(await publicEdge(common).account(whose, { signal: terminal.signal }));
      showAccount(terminal, common, answer);
    });
  account
    .command('faucet')
    .description('play money, on a local network')
    .argument('<units>', 'how much')
    .addHelpText('after', '\nExample:\n  zs account faucet 100')
    .action(async (units: string, _flags: unknown, command: Command) => {
      const common = commonOptions(command, terminal);
      const sum = amount(units);
      const edge = signedEdge(common, await signerOf(common));
      const answer = orFail(await edge.faucet(sum, { signal: terminal.signal }));
      showAccount(terminal, common, answer);
    });
  addDeposit(account, terminal, showAccount);
  addWithdraw(account, terminal);
  addWithdrawals(account, terminal);
}

function addWithdrawals(account: Command, terminal: Terminal): void {
  account
    .command('withdrawals')
    .description('what you took out, and what became of it')
    .option('--pending', 'only what is not paid or refused yet')
    .addHelpText('after', '\nExample:\n  zs account withdrawals --pending --json')
    .action(async (flags: { pending?: boolean }, command: Command) => {
      const common = commonOptions(command, terminal);
      const signer = await signerOf(common);
      const state: WithdrawalAnswer['state'] | undefined = flags.pending ? 'pending' : undefined;
      await showWithdrawals(terminal, common, signer, { did: signer.did, ...(state && { state }) });
    });
}

function showAccount(terminal: Terminal, { json }: CommonOptions, answer: AccountAnswer): void {
  const available = formatUnits(BigInt(answer.available));
  const escrow = formatUnits(BigInt(answer.escrow));
  const withdrawing = formatUnits(BigInt(answer.withdrawing));
  show(terminal, json, { did: answer.did, available, escrow, withdrawing }, () =>
    [
      `account      ${answer.did}`,
      `available    ${available}`,
      `escrow       ${escrow}`,
      `withdrawing  ${withdrawing}`,
      '',
    ].join('\n'),
  );
}
