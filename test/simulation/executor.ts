/** One executor daemon: the real node object on its own in-memory database. */
import { createEdgeClient } from '@zerostate/sdk';
import type { Signer } from '@zerostate/shared';
import { type RunningNode, startNode } from '../../apps/executor-node/src/node.ts';
import type { Rng, Sandbox } from '../../apps/executor-node/src/ports.ts';
import type { Database } from '../../apps/executor-node/src/state/database.ts';
import type { Pinned } from '../../apps/executor-node/src/state/store.ts';
import { inProcessSandbox } from '../../apps/executor-node/src/testing/sandbox.ts';
import type { ExposurePolicy } from '../../apps/executor-node/src/wallet/context.ts';
import { type Network, ORIGIN } from './network.ts';
import type { Life, Scheduler } from './scheduler.ts';

export interface ExecutorPlace {
  scheduler: Scheduler;
  network: Network;
  life: Life;
  database: Database;
  signer: Signer;
  pinned: Pinned;
  exposure: ExposurePolicy;
  rng: Rng;
  offMs: number;
  /** ms that a run takes. */
  runMs: () => number;
  failed: (what: string) => void;
}

export interface SimExecutor {
  readonly life: Life;
  readonly did: string;
  /** Resolves once it runs, which is never if it dies before. */
  readonly node: Promise<RunningNode>;
}

export function startExecutor(place: ExecutorPlace): SimExecutor {
  const { scheduler, network, life, database, signer, pinned, rng } = place;
  const clock = { now: () => Math.floor(scheduler.now) + place.offMs };
  const timers = {
    after: (ms: number, run: () => void) => scheduler.after(ms, life, `${life.name} timer`, run),
    every: (ms: number, run: () => void) => scheduler.every(ms, life, `${life.name} tick`, run),
  };
  const fetch = network.fetchFrom(life, life.name);
  const node = startNode({
    state: {
      folder: '',
      lock: { announce: async () => undefined, release: async () => undefined },
      signer,
      database,
      pinned,
      close: async () => undefined,
    },
    ports: {
      clock,
      rng,
      timers,
      dial: network.dialFrom(life, life.name),
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    },
    sandbox: timed(inProcessSandbox(), (run) => timers.after(place.runMs(), run)),
    exposure: place.exposure,
    edge: createEdgeClient({ url: ORIGIN, signer, fetch, clock, rng, timers }),
    fatal: (cause) => {
      if (life.isAlive) place.failed(`${life.name} ${stackOf(cause)}`);
    },
  });
  node.catch((cause: unknown) => place.failed(`${life.name} ${stackOf(cause)}`));
  return { life, did: signer.did, node };
}

const stackOf = (cause: unknown): string =>
  cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);

/** The task id of the speed probe, which takes no time of the world. */
const NO_TASK = 'A'.repeat(43);

function timed(sandbox: Sandbox, pause: (resume: () => void) => void): Sandbox {
  return {
    ...sandbox,
    async run(request) {
      const outcome = await sandbox.run(request);
      if (request.taskId !== NO_TASK) await new Promise<void>((resolve) => pause(resolve));
      return outcome;
    },
  };
}
