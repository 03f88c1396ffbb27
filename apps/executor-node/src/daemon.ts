/** What every daemon of a state folder is made of: an executor, or an arbiter. */
import type { EdgeClient } from '@zerostate/sdk';
import type { Result } from '@zerostate/shared';
import type { Command } from './commands.ts';
import type { Clock, Dial, Log, Rng, Timers } from './ports.ts';
import type { OpenState } from './state/open.ts';

export interface NodePorts {
  clock: Clock;
  rng: Rng;
  timers: Timers;
  dial: Dial;
  log: Log;
}

export interface Surroundings {
  state: OpenState;
  ports: NodePorts;
  /** Tests hand in their own; the real one is made for the pinned edge. */
  edge?: EdgeClient;
  /** Something failed that must not: the process has to end and start again from its disk. */
  fatal: (cause: unknown) => void;
}

export interface RunningDaemon {
  readonly did: string;
  execute(command: Command): Promise<Result<unknown, string>>;
  /** Hands over what it can for at most `graceMs`; the rest resumes at the next start. */
  stop(graceMs: number): Promise<void>;
}
