import { readFileSync } from 'node:fs';
import { type AdmittedModule, admit, type Outcome, run } from '@zerostate/runtime';

/** Runs the agents of this repository the way an executor does. */

export interface AgentRun {
  /** Exit code of the command. */
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
  readonly gas: bigint;
  /** Most 64 KiB pages of memory. */
  readonly pages: number;
}

const LIMITS = {
  gasMax: 50_000_000_000n,
  pagesMax: 4096,
  wallMsMax: 60_000,
  outputMax: 64 * 1024 * 1024,
};

const admitted = new Map<string, Promise<AdmittedModule>>();

async function admitAgent(agent: string): Promise<AdmittedModule> {
  const file = new URL(`../${agent}/${agent}.wasm`, import.meta.url);
  const result = await admit(readFileSync(file));
  if (!result.ok) throw new Error(`${agent} is not admitted: ${result.code} ${result.detail}`);
  return result.module;
}

/** The module of `agents/<agent>/<agent>.wasm`, admitted once. */
export function agentModule(agent: string): Promise<AdmittedModule> {
  const module = admitted.get(agent) ?? admitAgent(agent);
  admitted.set(agent, module);
  return module;
}

/** The exit code of a command; any other ending, as a trap or a limit, is no answer. */
function exitCode({ status, stderr }: Outcome): number {
  if (status === 'ok') return 0;
  const code = /^exit:(\d+)$/.exec(status)?.[1];
  if (code === undefined) throw new Error(`${status}: ${Buffer.from(stderr).toString()}`);
  return Number(code);
}

export async function callAgent(agent: string, fn: string): Promise<Outcome> {
  const call = { abi: 'call', fn, args: [] } as const;
  const result = await run(await agentModule(agent), call, LIMITS, 'test');
  if (!result.ok) throw new Error(result.detail);
  return result.outcome;
}

export async function runAgent(
  agent: string,
  args: readonly string[],
  stdin: Uint8Array | string = '',
): Promise<AgentRun> {
  const input = typeof stdin === 'string' ? Buffer.from(stdin) : stdin;
  const call = { abi: 'wasi', args, input } as const;
  const result = await run(await agentModule(agent), call, LIMITS, 'test');
  if (!result.ok) throw new Error(result.detail);
  const { outcome } = result;
  return {
    code: exitCode(outcome),
    stdout: Buffer.from(outcome.output),
    stderr: Buffer.from(outcome.stderr).toString(),
    gas: outcome.gas,
    pages: outcome.pagesPeak,
  };
}
