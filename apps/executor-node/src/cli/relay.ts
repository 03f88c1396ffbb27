import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { createLog } from '../adapters/log.ts';
import { systemClock, systemRng, systemTimers } from '../adapters/system.ts';
import { askRelay, initRelay, startRelay } from '../mesh/relay-daemon.ts';
import { EXIT, must } from './exit.ts';
import { type Output, print } from './output.ts';

const STATE = join('.zerostate', 'relay');
const MIB = 1_048_576;

type Common = { state: string; json?: boolean };
type StartArguments = Common & {
  listen: string[];
  announce: string[];
  bootstrap: string[];
  allowPrivate?: boolean;
  deny: string[];
  reservations: number;
  circuits: number;
  mibPerHour: number;
  metrics?: number;
  logLevel: string;
};

/** `relay`: the commands of a public relay for executors that nobody can dial. */
export function addRelay(program: Command, ended: (exitCode: number) => void): void {
  const relay = program
    .command('relay')
    .description('run a relay, through which executors behind NAT are reached')
    .exitOverride();
  withCommon(relay.command('init'), ['relay init', 'relay init --state ./relay'])
    .description("make the relay's key")
    .action((o: Common) => init(outputOf(o), o));
  withCommon(relay.command('start'), [
    'relay start --listen /ip4/0.0.0.0/tcp/4001 --listen /ip4/0.0.0.0/tcp/4002/ws',
    'relay start --announce /dns4/relay.example.com/tcp/443/wss --mib-per-hour 512',
  ])
    .description('relay until SIGINT or SIGTERM')
    .option('--listen <address>', 'multiaddr to listen on; repeatable', collect, [])
    .option('--announce <address>', 'multiaddr told to others instead; repeatable', collect, [])
    .option(
      '--bootstrap <address>',
      'another relay, or a node that keeps cards; repeatable',
      collect,
      [],
    )
    .option('--allow-private', 'loopback and private addresses too: for a network of your own')
    .option('--deny <did>', 'DID that gets no service; repeatable', collect, [])
    .option('--reservations <n>', 'executors it holds a place for', wholeNumber, 8192)
    .option('--circuits <n>', 'relayed connections of one DID at a time', wholeNumber, 64)
    .option('--mib-per-hour <n>', 'relayed MiB of one DID an hour', wholeNumber, 4096)
    .option('--metrics <port>', 'serve Prometheus metrics on this port of loopback', wholeNumber)
    .addOption(
      new Option('--log-level <level>', 'what is written to stderr')
        .choices(['debug', 'info', 'warn', 'error', 'silent'])
        .default('info'),
    )
    .action(async (o: StartArguments) => ended(await start(outputOf(o), o)));
  withCommon(relay.command('status'), ['relay status', 'relay status --json'])
    .description('say how a running relay is: reservations, circuits, bytes, refusals')
    .action((o: Common) => status(outputOf(o), o));
}

async function init(output: Output, options: Common): Promise<void> {
  const { did, isNew } = must(await initRelay(options.state, systemRng));
  print(output, { did, state: options.state, new: isNew }, () =>
    [
      isNew ? `A new relay in ${options.state}:` : `${options.state} is a relay already:`,
      `  did  ${did}`,
      'Next: zerostate-node relay start --listen /ip4/0.0.0.0/tcp/4001',
    ].join('\n'),
  );
}

async function start(output: Output, o: StartArguments): Promise<number> {
  const log = createLog(o.logLevel);
  const ports = { clock: systemClock, rng: systemRng, timers: systemTimers, log };
  const stopped = new Promise<number>((resolve) => {
    process.once('SIGTERM', () => resolve(EXIT.ok));
    process.once('SIGINT', () => resolve(EXIT.interrupted));
  });
  const options = {
    state: o.state,
    listen: o.listen.length === 0 ? ['/ip4/0.0.0.0/tcp/4001'] : o.listen,
    announce: o.announce,
    bootstrap: o.bootstrap,
    allowPrivate: o.allowPrivate === true,
    reservations: o.reservations,
    quota: { bytesPerHour: o.mibPerHour * MIB, circuits: o.circuits },
    denied: o.deny,
    metricsPort: o.metrics ?? null,
  };
  const relay = must(await startRelay(options, ports, process.pid));
  const { did, addresses, metrics } = relay;
  print(output, { started: true, did, addresses, metrics, pid: process.pid }, () =>
    [`${did} relays at`, ...addresses.map((address) => `  ${address}`)].join('\n'),
  );
  const exitCode = await stopped;
  await relay.stop();
  return exitCode;
}

async function status(output: Output, options: Common): Promise<void> {
  const value = must(await askRelay(options.state));
  print(output, value, () => JSON.stringify(value, null, 2));
}

function withCommon(command: Command, examples: readonly string[]): Command {
  const lines = examples.map((example) => `  zerostate-node ${example}`).join('\n');
  return command
    .exitOverride()
    .option('--state <dir>', 'state folder of the relay', STATE)
    .option('--json', 'answer in JSON on stdout')
    .addHelpText('after', `\nExamples:\n${lines}`);
}

function outputOf(options: Common): Output {
  return { isJson: options.json === true, write: (text) => process.stdout.write(text) };
}

function collect(value: string, known: string[]): string[] {
  return [...known, value];
}

function wholeNumber(text: string): number {
  if (!/^[0-9]{1,9}$/.test(text)) throw new InvalidArgumentError('Not a whole number.');
  return Number(text);
}
