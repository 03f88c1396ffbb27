import { availableParallelism } from 'node:os';
import { ok } from '@zerostate/shared';
import { startSandbox } from '../adapters/sandbox.ts';
import { meshOf } from '../mesh/launch.ts';
import { changeMeshSettings, type MeshChange } from '../mesh/settings.ts';
import { type MeshOfNode, startNode } from '../node.ts';
import type { ExposurePolicy } from '../wallet/context.ts';
import { runDaemon } from './daemon.ts';
import { type Output, print } from './output.ts';

export interface StartOptions {
  state: string;
  workers?: number;
  logLevel: string;
  exposure: ExposurePolicy;
  /** What the command line says of the mesh; the rest is as it was the last time. */
  mesh: MeshChange;
}

/** `start`: runs the node until a signal ends it. Returns the exit code. */
export function start(output: Output, options: StartOptions): Promise<number> {
  const { exposure } = options;
  let mesh: MeshOfNode | null = null;
  return runDaemon(
    { ...options, role: 'executor' },
    {
      prepare: async ({ state, ports }) => {
        const settings = await changeMeshSettings(state.database, options.mesh);
        if (!settings.ok) return settings;
        const made = await meshOf(state, settings.value, ports);
        if (!made.ok) return made;
        mesh = made.value;
        return ok(undefined);
      },
      startSandbox: () => startSandbox(options.workers ?? availableParallelism()),
      launch: (surroundings, sandbox) =>
        startNode({ ...surroundings, sandbox, exposure, ...(mesh === null ? {} : { mesh }) }),
      announce: ({ pinned: { did, edge, network } }, { mode }) => {
        const started = { started: true, did, edge, network, sandbox: mode, pid: process.pid };
        print(output, started, () => `${did} runs on ${edge} (${network}), sandbox ${mode}`);
      },
    },
  );
}
