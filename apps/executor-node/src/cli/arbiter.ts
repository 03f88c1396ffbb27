import { availableParallelism } from 'node:os';
import { createClaimReads } from '../adapters/claim-reads.ts';
import { startReruns } from '../adapters/reruns.ts';
import { startArbiter } from '../arbiter/node.ts';
import { runDaemon } from './daemon.ts';
import { type Output, print } from './output.ts';

export interface ArbiterStartOptions {
  state: string;
  workers?: number;
  logLevel: string;
}

/** `arbiter`: judges disputed claims until a signal ends it. Returns the exit code. */
export function arbiter(output: Output, options: ArbiterStartOptions): Promise<number> {
  return runDaemon(
    { ...options, role: 'arbiter' },
    {
      startSandbox: () => startReruns(options.workers ?? availableParallelism()),
      launch: (surroundings, reruns) => {
        const claims = createClaimReads(surroundings.state.pinned.edge);
        return startArbiter({ ...surroundings, reruns, claims });
      },
      announce: ({ pinned: { did, edge, network } }, { mode }) => {
        const started = { started: true, did, edge, network, sandbox: mode, pid: process.pid };
        print(output, started, () => `${did} judges on ${edge} (${network}), sandbox ${mode}`);
      },
    },
  );
}
