import { encodeBase64url } from '@zerostate/shared';
import type { Command } from 'commander';
import { parseAgent } from '../client/candidates.ts';
import type { RunResult, RunValue } from '../client/run-model.ts';
import { encodeBundle } from '../receipts/bundle.ts';
import { formatUnits } from '../units.ts';
import type { VerifyMode } from '../verify/policy.ts';
import { CommandFailure, describe } from './exit.ts';
import { plain, readInput, type Terminal, writeOutput } from './io.ts';
import { addMeshOptions, type MeshFlags, withWay } from './mesh.ts';
import { progressOn } from './progress.ts';
import { amount, type CommonOptions, commonOptions } from './session.ts';

interface RunFlags extends MeshFlags {
  in?: string;
  out?: string;
  budget: string;
  agent?: string;
  skill?: string;
  args?: string[];
  verify: string;
  bundle?: string;
  fund?: string;
}

const MODES: readonly VerifyMode[] = ['always', 'sample', 'never'];

export function addRun(program: Command, terminal: Terminal): void {
  addMeshOptions(program.command('run'))
    .description('find an agent, have it do one piece of work, check the result and pay')
    .argument('[words]', 'what you need, in words; optional with --agent')
    .option('--in <file>', 'input of the program; - for standard input')
    .option('--out <file>', 'where the output goes; - for standard output')
    .requiredOption('--budget <units>', 'the most this may cost')
    .option('--agent <did#agent>', 'this agent and no other')
    .option('--skill <id>', 'the skill of the agent that is wanted')
    .option('--args <args...>', 'arguments of the program')
    .option('--verify <mode>', `run it again to check: ${MODES.join(', ')}`, 'always')
    .option('--bundle <file>', 'keep receipt, order, input and output as proof')
    .option('--fund <units>', 'what a new channel holds, if one has to be opened')
    .addHelpText(
      'after',
      `
Examples:
  zs run "render markdown to html" --in README.md --out README.html --budget 0.5
  zs run "sha-256 digest" --in big.iso --budget 1 --bundle proof.json --json
  zs run --agent did:key:z6Mk…#hello --budget 0.1 --out -
  zs run "sha-256 digest" --in big.iso --budget 1 \\
    --mesh --bootstrap /dns4/node.example/tcp/4001/p2p/12D3Koo…`,
    )
    .action(async (words: string | undefined, flags: RunFlags, command: Command) => {
      const common = commonOptions(command, terminal);
      const options = await readFlags(terminal, words, flags, common);
      const onProgress = progressOn(terminal, common.json);
      const result = await withWay(
        terminal,
        common,
        flags,
        (client) => client.run({ ...options, onProgress, signal: terminal.signal }),
        onProgress,
      );
      await report(terminal, common, flags, result);
    });
}

async function readFlags(
  terminal: Terminal,
  words: string | undefined,
  flags: RunFlags,
  { json }: CommonOptions,
) {
  const agent = flags.agent === undefined ? undefined : parseAgent(flags.agent);
  if (agent === null) throw new CommandFailure('usage', `${flags.agent}: not did:key:…#agent`);
  if (agent === undefined && words === undefined) {
    throw new CommandFailure('usage', 'say what you need in words, or name an --agent');
  }
  if (json && flags.out === '-') {
    throw new CommandFailure('usage', '--json and --out - would both write to standard output');
  }
  const mode = MODES.find((name) => name === flags.verify);
  if (mode === undefined) throw new CommandFailure('usage', `--verify is ${MODES.join(', ')}`);
  return {
    query: words,
    agent,
    skill: flags.skill,
    args: flags.args,
    budget: amount(flags.budget),
    verify: mode,
    channel: { fund: flags.fund === undefined ? undefined : amount(flags.fund) },
    input: flags.in === undefined ? undefined : await readInput(terminal, flags.in),
  };
}

async function report(
  terminal: Terminal,
  { json }: CommonOptions,
  flags: RunFlags,
  result: RunResult,
): Promise<void> {
  for (const { did, agent, code, detail } of result.ok ? result.value.tried : result.tried) {
    terminal.err(`${did}#${agent} did not do it: ${plain(describe(code, detail))}`);
  }
  if (!result.ok) {
    const open =
      result.task === undefined ? '' : `; task ${result.task} is settled by the next zs command`;
    throw new CommandFailure(result.code, `${plain(describe(result.code, result.detail))}${open}`);
  }
  const { value } = result;
  if (flags.bundle !== undefined) {
    await writeOutput(terminal, flags.bundle, encodeBundle(value.bundle));
  }
  if (flags.out !== undefined) await writeOutput(terminal, flags.out, value.output);
  if (json) terminal.out(`${JSON.stringify(jsonOf(value, flags.out === undefined), null, 2)}\n`);
  else {
    if (flags.out === undefined) terminal.out(value.output);
    terminal.err(summary(value));
  }
  if (!value.delivered) terminal.err('the voucher did not arrive; the next zs command sends it');
  if (value.status !== 'ok') {
    throw new CommandFailure('program-failed', `the program ended with ${value.status}`);
  }
}

function summary(value: RunValue): string {
  const { agent, price, gas, verified, receiptId, timings_ms: timings } = value;
  const checked = verified ? 'checked by running it again' : 'not checked';
  return (
    `${plain(agent.name)} did it for ${formatUnits(price)} (${gas} gas) ` +
    `in ${timings.total.toFixed(0)} ms, ${checked}; receipt ${receiptId}`
  );
}

function jsonOf(value: RunValue, withOutput: boolean) {
  const { output, price, gas, pagesPeak, bundle: _, ...rest } = value;
  return {
    ...rest,
    price: formatUnits(price),
    gas: String(gas),
    pages_peak: String(pagesPeak),
    output_bytes: output.length,
    ...(withOutput ? { output: encodeBase64url(output) } : {}),
  };
}
