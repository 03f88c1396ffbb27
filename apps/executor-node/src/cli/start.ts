import { availableParallelism } from 'node:os';
import { startSandbox } from '../adapters/sandbox.ts';
import { startNode } from '../node.ts';
import type { ExposurePolicy } from '../wallet/context.ts';
import { runDaemon } from './daemon.ts';
import { type Output, print } from './output.ts';

export interface StartOptions {
  state: string;
  workers?: number;
  logLevel: string;
  exposure: ExposurePolicy;
}

/** `start`: runs the node until a signal ends it. Returns the exit code. */
export function start(output: Output, options: StartOptions): Promise<number> {
  const { exposure } = options;
  return runDaemon(
    { ...options, role: 'executor' },
    {
      startSandbox: () => startSandbox(options.workers ?? availableParallelism()),
      launch: (surroundings, sandbox) => startNode({ ...surroundings, sandbox, exposure }),
      announce: ({ pinned: { did, edge, network } }, { mode }) => {
        const started = { started: true, did, edge, network, sandbox: mode, pid: process.pid };
        print(output, started, () => `${did} runs on ${edge} (${network}), sandbox ${mode}`);
      },
    },
  );
}
