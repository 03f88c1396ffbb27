#!/usr/bin/env node
import { join } from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { DEFAULT_EXPOSURE } from '../wallet/context.ts';
import { arbiter } from './arbiter.ts';
import { cardAdd, cardList, cardRevoke } from './card.ts';
import { earnings } from './earnings.ts';
import { CliFailure, EXIT } from './exit.ts';
import { init } from './init.ts';
import type { Output } from './output.ts';
import { start } from './start.ts';
import { status } from './status.ts';

const STATE = join('.zerostate', 'node');

/** Runs `zerostate-node` and returns its exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  let exitCode: number = EXIT.ok;
  const program = buildProgram((code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (cause) {
    return exitOf(cause, argv.includes('--json'));
  }
}

function exitOf(cause: unknown, isJson: boolean): number {
  if (cause instanceof CommanderError) return cause.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (!(cause instanceof CliFailure)) throw cause;
  const { code, message } = cause;
  process.stderr.write(
    isJson ? `${JSON.stringify({ error: { code, detail: message } })}\n` : `${code}: ${message}\n`,
  );
  return cause.exitCode;
}

function buildProgram(ended: (exitCode: number) => void): Command {
  const program = new Command('zerostate-node')
    .description('Runs WASM agents for pay: publishes their cards, takes tasks, signs receipts.')
    .exitOverride()
    .showHelpAfterError('(--help shows the options and examples)')
    .addHelpText(
      'after',
      `
Examples:
  zerostate-node init --edge http://127.0.0.1:8787
  zerostate-node card add agents/digest
  zerostate-node start
  zerostate-node status --json
  zerostate-node arbiter --state ./arbiter

Exit codes: 0 done, 1 failed, 2 wrong usage, 78 wrong configuration, 130 interrupted.`,
    );
  addNodeCommands(program, ended);
  addCardCommands(program);
  return program;
}

function addNodeCommands(program: Command, ended: (exitCode: number) => void): void {
  withCommon(program.command('init'), ['init --edge http://127.0.0.1:8787 --state ./node-1'])
    .description('make a key and pin the edge, for an executor or an arbiter')
    .requiredOption('--edge <url>', 'origin of the edge', edgeUrl)
    .action((o: Common & { edge: string }) => init(outputOf(o), o));

  withCommon(program.command('start'), ['start', 'start --state ./node-1 --workers 2'])
    .description('run the node until SIGINT or SIGTERM')
    .option('--workers <n>', 'tasks that run at the same time (default: one a core)', wholeNumber)
    .option('--redeem-percent <n>', 'redeem above this share of a fund', wholeNumber, 10)
    .option('--redeem-age <seconds>', 'redeem vouchers older than this', wholeNumber, 900)
    .addOption(logLevel())
    .action(async (o: Common & StartArguments) => ended(await start(outputOf(o), startOptions(o))));

  addArbiter(program, ended);

  withCommon(program.command('status'), ['status', 'status --json'])
    .description('say how the node is: link, cards, queue, sandbox, money')
    .action((o: Common) => status(outputOf(o), o));

  withCommon(program.command('earnings'), ['earnings', 'earnings --json'])
    .description('list every amount earned with its voucher and receipts')
    .action((o: Common) => earnings(outputOf(o), o));
}

function addArbiter(program: Command, ended: (exitCode: number) => void): void {
  withCommon(program.command('arbiter'), [
    'init --edge http://127.0.0.1:8787 --state ./arbiter',
    'arbiter --state ./arbiter',
    'status --json --state ./arbiter',
  ])
    .description('judge disputed claims until SIGINT or SIGTERM')
    .option('--workers <n>', 'claims judged at the same time (default: one a core)', wholeNumber)
    .addOption(logLevel())
    .addHelpText(
      'after',
      `
The DID that init prints belongs into the ARBITERS of the edge. An arbiter fetches module, input,
manifest and receipt of a disputed claim, checks them, runs the task again and signs what it found.
It never judges a claim of its own, and says nothing where it cannot know: then the deadline decides.
Its cases are in status. A state folder is an executor or an arbiter, never both.`,
    )
    .action(async (o: Common & DaemonArguments) =>
      ended(await arbiter(outputOf(o), { state: o.state, logLevel: o.logLevel, ...workersOf(o) })),
    );
}

function logLevel(): Option {
  return new Option('--log-level <level>', 'what is written to stderr')
    .choices(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info');
}

function addCardCommands(program: Command): void {
  const card = program.command('card').description('publish, list and revoke agents');
  withCommon(card.command('add <dirs...>'), ['card add agents/digest', 'card add agents/*'])
    .description('sign and publish the agents of folders with an agent.json')
    .action((dirs: string[], o: Common) => cardAdd(outputOf(o), dirs, o));
  withCommon(card.command('list'), ['card list --json'])
    .description('list the cards of this node')
    .action((o: Common) => cardList(outputOf(o), o));
  withCommon(card.command('revoke <agent>'), ['card revoke digest'])
    .description('take an agent out of the network')
    .action((agent: string, o: Common) => cardRevoke(outputOf(o), agent, o));
}

type Common = { state: string; json?: boolean };
type DaemonArguments = { workers?: number; logLevel: string };
type StartArguments = DaemonArguments & { redeemPercent: number; redeemAge: number };

function workersOf({ workers }: DaemonArguments): { workers?: number } {
  return workers === undefined ? {} : { workers: Math.max(1, workers) };
}

function withCommon(command: Command, examples: readonly string[]): Command {
  const lines = examples.map((example) => `  zerostate-node ${example}`).join('\n');
  return command
    .exitOverride()
    .option('--state <dir>', 'state folder of the node', STATE)
    .option('--json', 'answer in JSON on stdout')
    .addHelpText('after', `\nExamples:\n${lines}`);
}

function outputOf(options: Common): Output {
  return { isJson: options.json === true, write: (text) => process.stdout.write(text) };
}

function startOptions(o: Common & StartArguments) {
  return {
    state: o.state,
    logLevel: o.logLevel,
    exposure: {
      ...DEFAULT_EXPOSURE,
      percentMax: BigInt(o.redeemPercent),
      ageMsMax: o.redeemAge * 1000,
    },
    ...workersOf(o),
  };
}

function wholeNumber(text: string): number {
  if (!/^[0-9]{1,9}$/.test(text)) throw new InvalidArgumentError('Not a whole number.');
  return Number(text);
}

function edgeUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new InvalidArgumentError('Not an http or https URL.');
  }
  if (url.pathname !== '/' || url.search !== '' || url.username !== '') {
    throw new InvalidArgumentError('An edge is an origin: scheme, host and port, nothing more.');
  }
  return url.origin;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
