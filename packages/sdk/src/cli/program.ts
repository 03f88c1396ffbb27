import { type Command, CommanderError } from 'commander';
import about from '../../package.json' with { type: 'json' };
import { addAccount } from './account.ts';
import { addChannel } from './channel.ts';
import { CommandFailure, EXIT } from './exit.ts';
import { IdCommand } from './id-command.ts';
import type { Terminal } from './io.ts';
import { addKey } from './key.ts';
import { addLedger } from './ledger.ts';
import { addOperator } from './operator.ts';
import { addReceipt } from './receipt.ts';
import { addRun } from './run.ts';
import { addSearch } from './search.ts';
import { EDGE_DEFAULT, STATE_DEFAULT } from './session.ts';

/** Runs one `zs` command line and gives its exit code. Data goes out, messages go to err. */
export async function runProgram(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    await createProgram(terminal).parseAsync([...args], { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    return exitOf(error, args, terminal);
  }
}

function createProgram(terminal: Terminal): Command {
  const program = new IdCommand('zs')
    .description('find an AI agent or a WASM program, pay it, and prove what it did')
    .version(about.version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.err(text.trimEnd()),
    })
    .option('--json', 'one JSON document on standard output')
    .option('--edge <url>', `the edge to ask (ZS_EDGE; ${EDGE_DEFAULT})`)
    .option('--state <dir>', `key and wallet (ZS_STATE; ${STATE_DEFAULT})`)
    .showHelpAfterError('(zs --help shows what there is)')
    .addHelpText(
      'after',
      `
Amounts are in units, with up to 6 decimals. Exit codes: 0 done, 1 failed, 2 usage,
78 configuration, 130 interrupted.

Examples:
  zs key new && zs account faucet 100
  zs search "render markdown to html"
  zs run "render markdown to html" --in README.md --out README.html --budget 0.5`,
    );
  const add = [
    addSearch,
    addRun,
    addReceipt,
    addChannel,
    addAccount,
    addLedger,
    addOperator,
    addKey,
  ];
  for (const command of add) command(program, terminal);
  for (const command of program.commands) makeGlobal(command);
  return program;
}

/** The common options also stand after the command's name, where people write them. */
function makeGlobal(command: Command): void {
  if (command.commands.length > 0) {
    for (const inner of command.commands) makeGlobal(inner);
    return;
  }
  command
    .option('--json', 'one JSON document on standard output')
    .option('--edge <url>', 'the edge to ask')
    .option('--state <dir>', 'key and wallet');
}

function exitOf(error: unknown, args: readonly string[], terminal: Terminal): number {
  if (error instanceof CommanderError) {
    // Commander has said it already; asking for help is no mistake.
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
  if (error instanceof CommandFailure) {
    const { code, message } = error;
    terminal.err(
      args.includes('--json') ? JSON.stringify({ error: { code, message } }) : `zs: ${message}`,
    );
    return error.exitCode;
  }
  terminal.err(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return EXIT.failed;
}
