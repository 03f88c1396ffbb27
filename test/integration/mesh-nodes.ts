/** Executor daemons of a test network that also take part in the mesh, and `zs` beside them. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Child, startChild } from '../../scripts/start/child.ts';
import { layout } from '../../scripts/start/state.ts';
import { type Ended, type Network, type Party, runNodeCli } from './network.ts';

const ROOT = join(import.meta.dirname, '../..');
const NODE_CLI = join(ROOT, 'apps/executor-node/src/cli/main.ts');
const KILLED = join(import.meta.dirname, 'killed-caller.mjs');
const ZS = join(ROOT, 'packages/sdk/src/cli/main.ts');

export interface MeshNode {
  readonly party: Party;
  /** Full address on loopback. */
  readonly address: string;
  readonly child: Child;
}

/** An executor with these agents, on the mesh; on line at the edge as well when this resolves. */
export async function startMeshNode(
  network: Network,
  name: string,
  agents: readonly string[],
  bootstrap: readonly string[] = [],
): Promise<MeshNode> {
  const party = await network.publish(name, agents);
  const child = await startChild({
    name,
    command: process.execPath,
    args: [
      NODE_CLI,
      ...['start', '--state', party.folder, '--mesh', '--mesh-listen', '/ip4/127.0.0.1/tcp/0'],
      // The ledger shows what was paid a second later, not ten minutes.
      ...[
        '--allow-private',
        '--redeem-age',
        '1',
        ...bootstrap.flatMap((one) => ['--bootstrap', one]),
      ],
    ],
    log: layout(network.state).log(name),
  });
  return { party, child, address: await addressOf(party, child) };
}

async function addressOf(party: Party, child: Child): Promise<string> {
  for (let tries = 0; tries < 600; tries++) {
    const { stdout } = await runNodeCli(['status', '--state', party.folder, '--json']);
    const address = /"(\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/[A-Za-z0-9]+)"/.exec(stdout)?.[1];
    if (address !== undefined && stdout.includes('"up"')) return address;
    await pause(100);
  }
  throw new Error(`the mesh of ${child.name} did not come up: ${child.tail()}`);
}

/** Runs `zs` to its end. */
export function zs(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { env: { PATH: process.env.PATH ?? '', ...env }, maxBuffer: 1 << 26 };
    const child = execFile(process.execPath, [ZS, ...args], options, (_, stdout, stderr) => {
      resolve({ code: child.exitCode, stdout, stderr });
    });
  });
}

/** A caller that kills itself at a step of its run; resolves when it is dead. */
export function killedCaller(
  folder: string,
  address: string,
  run: { words: string; step: string; state: string },
): Promise<{ signal: string | null; stderr: string }> {
  return new Promise((resolve) => {
    const args = [KILLED, folder, address, run.words, run.step, run.state];
    const child = execFile(process.execPath, args, (_, __, stderr) => {
      resolve({ signal: child.signalCode, stderr });
    });
  });
}
