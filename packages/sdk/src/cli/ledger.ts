import type { Transfer } from '@zerostate/shared';
import type { Command } from 'commander';
import { formatUnits } from '../units.ts';
import { CommandFailure, orFail } from './exit.ts';
import { show, type Terminal, table } from './io.ts';
import { addLedgerAudit } from './ledger-audit.ts';
import { commonOptions, publicEdge } from './session.ts';

export function addLedger(program: Command, terminal: Terminal): void {
  const ledger = program.command('ledger').description('the public ledger of this network');
  ledger
    .command('transfers')
    .description('transfers in their order, one page')
    .option('--after <seq>', 'only those after this number', '0')
    .addHelpText('after', '\nExample:\n  zs ledger transfers --after 100 --json')
    .action(async (flags: { after: string }, command: Command) => {
      const common = commonOptions(command, terminal);
      if (!/^[0-9]{1,15}$/.test(flags.after)) {
        throw new CommandFailure('usage', '--after is a whole number');
      }
      const { signal } = terminal;
      const page = orFail(await publicEdge(common).transfers(Number(flags.after), { signal }));
      const transfers = page.transfers.map((transfer) => ({
        ...transfer,
        amount: formatUnits(BigInt(transfer.amount)),
      }));
      show(terminal, common.json, { ...page, transfers }, () =>
        table([['seq', 'time', 'code', 'amount', 'from', 'to'], ...transfers.map(rowOf)]),
      );
    });
  ledger
    .command('conservation')
    .description('whether all that was paid in is still there: the difference is 0')
    .addHelpText('after', '\nExample:\n  zs ledger conservation')
    .action(async (_flags: unknown, command: Command) => {
      const common = commonOptions(command, terminal);
      const sums = orFail(await publicEdge(common).conservation({ signal: terminal.signal }));
      const units = {
        credits: formatUnits(BigInt(sums.credits)),
        debits: formatUnits(BigInt(sums.debits)),
        difference: formatUnits(BigInt(sums.difference)),
      };
      show(terminal, common.json, units, () => table(Object.entries(units)));
      if (units.difference !== '0') {
        throw new CommandFailure(
          'ledger-imbalance',
          `credits and debits differ by ${units.difference}`,
        );
      }
    });
  addLedgerAudit(ledger, terminal);
}

function rowOf({ seq, ts, code, amount, debit, credit }: Transfer): string[] {
  return [String(seq), new Date(ts).toISOString(), code, amount, debit, credit];
}
