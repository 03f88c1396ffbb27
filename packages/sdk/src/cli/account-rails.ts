/** Money in and out of one's own account over the network's operators. */
import {
  type AccountAnswer,
  encodeBase64url,
  envelopeField,
  parseJson,
  type RailWithdraw,
  railWithdrawSchema,
  sealEnvelope,
} from '@zerostate/shared';
import type { Command } from 'commander';
import { forgetOrder, keepOrder, orderPath, readOrder } from '../adapters/order-file.ts';
import { systemClock, systemRng } from '../adapters/system.ts';
import type { EdgeClient } from '../edge-client.ts';
import { CommandFailure, orFail, wellFormed } from './exit.ts';
import { readInput, type Terminal } from './io.ts';
import { amount, type CommonOptions, commonOptions, signedEdge, signerOf } from './session.ts';
import { showWithdrawal } from './withdrawals.ts';

/** How long an order that did not reach the ledger may still be taken. */
const ORDER_MS = 600_000;

export function addDeposit(
  account: Command,
  terminal: Terminal,
  showAccount: (terminal: Terminal, common: CommonOptions, answer: AccountAnswer) => void,
): void {
  account
    .command('deposit')
    .description('hand in a credit that an operator signed for you')
    .argument('<file>', 'the credit as JSON; - for standard input')
    .addHelpText(
      'after',
      `
An operator makes one with zs operator credit --sign-only. It counts once, whoever hands it in.

Examples:
  zs account deposit credit.json
  zs account deposit - < credit.json`,
    )
    .action(async (path: string, _flags: unknown, command: Command) => {
      const common = commonOptions(command, terminal);
      const text = new TextDecoder().decode(await readInput(terminal, path));
      const parsed = parseJson(text);
      const credit = envelopeField.safeParse(parsed.ok ? parsed.value : undefined);
      if (!credit.success) throw new CommandFailure('usage', `${path}: not a signed credit`);
      const edge = signedEdge(common, await signerOf(common));
      showAccount(
        terminal,
        common,
        orFail(await edge.credit(credit.data, { signal: terminal.signal })),
      );
    });
}

export function addWithdraw(account: Command, terminal: Terminal): void {
  account
    .command('withdraw')
    .description('take money out: held at once, then paid by an operator')
    .argument('<units>', 'how much')
    .requiredOption('--to <destination>', 'where to, in words that the operators understand')
    .addHelpText(
      'after',
      `
The order is kept in the --state folder until the ledger has it: after a crash or a lost reply the
same command sends the same order again, and nothing is taken out twice.

Examples:
  zs account withdraw 25 --to "DE02 1203 0000 0000 2020 51"
  zs account withdrawals --pending`,
    )
    .action(async (units: string, flags: { to: string }, command: Command) => {
      const common = commonOptions(command, terminal);
      const asked = { amount: String(amount(units)), destination: flags.to };
      const signer = await signerOf(common);
      const edge = signedEdge(common, signer);
      const { network } = orFail(await edge.network({ signal: terminal.signal }));
      const path = orderPath(common.state, network);
      const left = orFail(await readOrder(path));
      if (left !== null) {
        terminal.err(`sending again what was left open: ${left.body.amount} micro-units`);
        const done = await send(edge, path, left, terminal);
        if (left.body.amount === asked.amount && left.body.destination === asked.destination) {
          showWithdrawal(terminal, common, done);
          return;
        }
      }
      const order: RailWithdraw = {
        account: signer.did,
        rail: 'operator',
        ...asked,
        nonce: encodeBase64url(systemRng.bytes(16)),
        not_after: String(systemClock.now() + ORDER_MS),
      };
      const body = wellFormed(railWithdrawSchema.safeParse(order));
      const envelope = await sealEnvelope(network, 'rail.withdraw', body, signer);
      // On disk before it is sent: a second order would take the money out twice.
      await keepOrder(path, envelope);
      showWithdrawal(terminal, common, await send(edge, path, envelope, terminal));
    });
}

/** Kept until the edge has answered, well or badly; only silence leaves it. */
async function send(
  edge: EdgeClient,
  path: string,
  envelope: Parameters<EdgeClient['withdraw']>[0],
  terminal: Terminal,
) {
  const answer = await edge.withdraw(envelope, { signal: terminal.signal });
  if (answer.ok || isRefusal(answer)) await forgetOrder(path);
  return orFail(answer);
}

/** The ledger said no and will say so again: nothing is held. */
function isRefusal({ problem }: { problem?: { status: number } | undefined }): boolean {
  const status = problem?.status ?? 0;
  return status >= 400 && status < 500 && ![408, 409, 425, 429].includes(status);
}
