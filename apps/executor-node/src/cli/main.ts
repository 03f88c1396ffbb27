#!/usr/bin/env node
import { join } from 'node:path';
import { IdCommand } from '@zerostate/sdk/command';
import { type Command, CommanderError, Option } from 'commander';
import about from '../../package.json' with { type: 'json' };
import { arbiter } from './arbiter.ts';
import {
  channelId,
  earningsLimit,
  edgeUrl,
  money,
  percent,
  redeemAge,
  wholeNumber,
} from './arguments.ts';
import { cardAdd, cardList, cardRevoke } from './card.ts';
import { channelClose, channelList, channelRoll, channelTopup } from './channel.ts';
import { earnings } from './earnings.ts';
import { CliFailure, EXIT } from './exit.ts';
import { init } from './init.ts';
import { type MeshArguments, meshChange, withMesh } from './mesh.ts';
import type { Output } from './output.ts';
import { addRelay } from './relay.ts';
import { routes, withRoutes } from './routes.ts';
import { start as startNode } from './start.ts';
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
  const program = new IdCommand('zerostate-node')
    .description('Runs WASM agents for pay: publishes their cards, takes tasks, signs receipts.')
    .version(about.version)
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
  addChannelCommands(program);
  addRelay(program, ended);
  return program;
}

function addNodeCommands(program: Command, ended: (exitCode: number) => void): void {
  withCommon(program.command('init'), ['init --edge http://127.0.0.1:8787 --state ./node-1'])
    .description('make a key and pin the edge, for an executor or an arbiter')
    .requiredOption('--edge <url>', 'origin of the edge', edgeUrl)
    .action((o: Common & { edge: string }) => init(outputOf(o), o));

  const start = withCommon(program.command('start'), [
    'start',
    'start --state ./node-1 --workers 2',
    'start --mesh --relay /dns4/relay.example.com/tcp/4002/ws/p2p/12D3KooW…',
  ])
    .description('run the node until SIGINT or SIGTERM')
    .option('--workers <n>', 'tasks that run at the same time (default: one a core)', wholeNumber)
    .option('--redeem-percent <n>', 'redeem above this share of a fund', wholeNumber, 10)
    .option('--redeem-age <seconds>', 'redeem vouchers older than this', redeemAge, 600)
    .option('--rebalance-percent <n>', 'keep this share of own funds spendable', percent, 20);
  withMesh(start)
    .addOption(logLevel())
    .action(async (o: Common & StartArguments) =>
      ended(await startNode(outputOf(o), startOptions(o))),
    );

  addArbiter(program, ended);

  withCommon(program.command('status'), ['status', 'status --json'])
    .description('say how the node is: link, cards, queue, sandbox, money')
    .action((o: Common) => status(outputOf(o), o));

  withRoutes(withCommon(program.command('routes'), ['routes', 'routes --json'])).action(
    (o: Common & { to?: string }) => routes(outputOf(o), o),
  );

  withCommon(program.command('earnings'), ['earnings', 'earnings --json --limit 100000'])
    .description(
      'list the newest amounts earned with their vouchers and receipts, and the sums of all',
    )
    .option('--limit <n>', 'amounts listed, up to 100000 (default: 1000)', earningsLimit)
    .action((o: Common & { limit?: number }) => earnings(outputOf(o), o));
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

function addChannelCommands(program: Command): void {
  const channel = program.command('channel').description('list, fund, roll and close channels');
  withCommon(channel.command('list'), ['channel list --json'])
    .description('list the channels that are not closed')
    .action((o: Common) => channelList(outputOf(o), o));
  withCommon(channel.command('topup').argument('<channel>', 'its id', channelId), [
    'channel topup CHANNEL --amount 0.5',
  ])
    .description("add money of the account to the node's own side")
    .requiredOption('--amount <units>', 'how much', money)
    .action((ch: string, o: Common & { amount: bigint }) => channelTopup(outputOf(o), ch, o));
  withCommon(
    channel
      .command('roll')
      .argument('<from>', 'whose income', channelId)
      .argument('<to>', 'where to', channelId),
    ['channel roll CHANNEL OTHER', 'channel roll CHANNEL OTHER --amount 0.5'],
  )
    .description("redeem a channel and put that into the node's own side of another")
    .option('--amount <units>', 'so much of the account, instead of what was redeemed', money)
    .action((from: string, to: string, o: Common & { amount?: bigint }) =>
      channelRoll(outputOf(o), { from, to }, o),
    );
  withCommon(channel.command('close').argument('<channel>', 'its id', channelId), [
    'channel close CHANNEL',
  ])
    .description('redeem, and propose to the other party to close')
    .action((ch: string, o: Common) => channelClose(outputOf(o), 'channel-close', ch, o));
  withCommon(channel.command('close1').argument('<channel>', 'its id', channelId), [
    'channel close1 CHANNEL',
  ])
    .description('redeem, claim, and close without the other party after the window')
    .action((ch: string, o: Common) => channelClose(outputOf(o), 'channel-close1', ch, o));
}

type Common = { state: string; json?: boolean };
type DaemonArguments = { workers?: number; logLevel: string };
type StartArguments = DaemonArguments & {
  redeemPercent: number;
  redeemAge: number;
  rebalancePercent: number;
} & MeshArguments;

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
      percentMax: BigInt(o.redeemPercent),
      ageMsMax: o.redeemAge * 1000,
      spendablePercent: BigInt(o.rebalancePercent),
    },
    mesh: meshChange(o),
    ...workersOf(o),
  };
}

/** A reader that has seen enough, as `head` has, is no failure. */
function letReadersGo(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => {
      if (!('code' in error) || error.code !== 'EPIPE') throw error;
    });
  }
}

if (import.meta.main) {
  letReadersGo();
  process.exitCode = await main(process.argv.slice(2));
}
