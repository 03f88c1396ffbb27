/** The real executor node, in this process, with a sandbox whose outcomes a test may change. */
import { join } from 'node:path';
import { openDatabase } from '../../apps/executor-node/src/adapters/database.ts';
import { startSandbox } from '../../apps/executor-node/src/adapters/sandbox.ts';
import {
  systemClock,
  systemRng,
  systemTimers,
} from '../../apps/executor-node/src/adapters/system.ts';
import { dialWebSocket } from '../../apps/executor-node/src/adapters/websocket.ts';
import { startNode } from '../../apps/executor-node/src/node.ts';
import type { GuestOutcome, Sandbox } from '../../apps/executor-node/src/ports.ts';
import { initNode } from '../../apps/executor-node/src/state/init.ts';
import { openState } from '../../apps/executor-node/src/state/open.ts';
import { DEFAULT_EXPOSURE } from '../../apps/executor-node/src/wallet/context.ts';
import { must, type Party, ROOT, until } from './dispute-network.ts';

export interface LyingExecutor {
  /** What is made of an outcome before a receipt is signed on it. */
  lie: (outcome: GuestOutcome) => GuestOutcome;
  /** A host fault that every run ends with; null lets them be. */
  fault: string | null;
  /**
   * Lets so many ms pass for the node once the edge has all its results: a claim is filed half a
   * minute after that.
   */
  pass(ms: number): Promise<void>;
  stop(): Promise<void>;
}

/** Its folder has a key and its account money. */
export async function startLyingExecutor(
  party: Party,
  agents: readonly string[],
): Promise<LyingExecutor> {
  let aheadMs = 0;
  const clock = { now: () => systemClock.now() + aheadMs };
  const adapters = { clock, rng: systemRng, edge: party.edge, openDatabase, pid: process.pid };
  must(await initNode(party.folder, party.edge.url, adapters));
  const state = must(await openState(party.folder, adapters));
  const real = await startSandbox(1);
  const executor: LyingExecutor = {
    lie: (outcome) => outcome,
    fault: null,
    async pass(ms) {
      await until(async () => outboxOf(must(await node.execute({ command: 'status' }))) === 0);
      aheadMs += ms;
    },
    async stop() {
      await node.stop(0);
      await state.close();
    },
  };
  const sandbox: Sandbox = {
    ...real,
    async run(task) {
      if (executor.fault !== null) return { ok: false, code: executor.fault };
      const outcome = await real.run(task);
      return outcome.ok ? executor.lie(outcome) : outcome;
    },
  };
  const failures = (cause: unknown): void => {
    throw cause;
  };
  const log = { info: () => {}, warn: () => {}, error: () => {} };
  const ports = { clock, rng: systemRng, timers: systemTimers, dial: dialWebSocket, log };
  const node = await startNode({
    state,
    sandbox,
    ports,
    exposure: DEFAULT_EXPOSURE,
    fatal: failures,
  });
  for (const agent of agents) {
    must(await node.execute({ command: 'card-add', folder: join(ROOT, 'agents', agent) }));
  }
  return executor;
}

function outboxOf(status: unknown): unknown {
  return typeof status === 'object' && status !== null && 'outbox' in status ? status.outbox : null;
}
