/** What `start` and `arbiter` have in common: the state for one process, signals, an orderly end. */
import { ok, type Result } from '@zerostate/shared';
import { serveControl } from '../adapters/control-socket.ts';
import { openDatabase } from '../adapters/database.ts';
import { createLog } from '../adapters/log.ts';
import { systemClock, systemRng, systemTimers } from '../adapters/system.ts';
import { dialWebSocket } from '../adapters/websocket.ts';
import type { RunningDaemon, Surroundings } from '../daemon.ts';
import type { Log } from '../ports.ts';
import { readHolder } from '../state/lock.ts';
import { type OpenState, openState } from '../state/open.ts';
import { type Role, takeRole } from '../state/role.ts';
import { CliFailure, EXIT, must } from './exit.ts';

/** A stop takes at most 10 s: what runs gets most of it. */
const GRACE_MS = 8_000;
const STOP_MS_MAX = 10_000;
/** A command that holds the state lets go of it within this. */
const COMMAND_MS_MAX = 5_000;
const POLL_MS = 50;

export interface DaemonOptions {
  state: string;
  logLevel: string;
  role: Role;
}

/**
 * Runs a daemon until a signal ends it; `launch` starts it, and `announce` is told when it can be
 * asked. Returns the exit code.
 */
export async function runDaemon<S extends { close(): Promise<void> }>(
  options: DaemonOptions,
  parts: {
    /** What can refuse the start before anything runs. */
    prepare?: (surroundings: Surroundings) => Promise<Result<void, string>>;
    startSandbox: () => Promise<S>;
    launch: (
      surroundings: Surroundings,
      sandbox: S,
    ) => Promise<Pick<RunningDaemon, 'execute' | 'stop'>>;
    announce: (state: OpenState, sandbox: S) => void;
  },
): Promise<number> {
  const log = createLog(options.logLevel);
  const stopped = waitForStop(log);
  const state = must(await openFreeState(options.state));
  const role = await takeRole(state, options.role);
  if (!role.ok) {
    await state.close();
    throw new CliFailure(role);
  }
  const clocks = { clock: systemClock, rng: systemRng, timers: systemTimers };
  const ports = { ...clocks, dial: dialWebSocket, log };
  const surroundings = { state, ports, fatal: stopped.fatal };
  const prepared = (await parts.prepare?.(surroundings)) ?? ok(undefined);
  if (!prepared.ok) {
    await state.close();
    throw new CliFailure(prepared);
  }
  const sandbox = await parts.startSandbox().catch(async (cause: unknown) => {
    await state.close();
    const detail = `no sandbox here: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new CliFailure({ ok: false, code: 'sandbox-missing', detail });
  });
  const running = await parts.launch(surroundings, sandbox);
  const control = await serveControl(options.state, (command) => running.execute(command));
  await state.lock.announce(control.path);
  parts.announce(state, sandbox);

  const exitCode = await stopped.done;
  // One that cannot stop in time is ended as by a crash: its disk has what it acknowledged.
  const cancel = systemTimers.after(STOP_MS_MAX, () => process.exit(EXIT.failed));
  await control.close();
  await running.stop(exitCode === EXIT.failed ? 0 : GRACE_MS);
  await state.close();
  cancel();
  return exitCode;
}

/** A command such as `status` holds the state for a moment; a running node holds it for good. */
async function openFreeState(folder: string): ReturnType<typeof openState> {
  const deadline = systemClock.now() + COMMAND_MS_MAX;
  for (;;) {
    const state = await openState(folder, { clock: systemClock, openDatabase, pid: process.pid });
    if (state.ok || state.code !== 'state-locked' || systemClock.now() > deadline) return state;
    const holder = await readHolder(folder);
    if (holder !== null && holder.control !== null) return state;
    await new Promise<void>((resolve) => systemTimers.after(POLL_MS, resolve));
  }
}

/** Ends with the first signal, or with the first failure that must not be. */
function waitForStop(log: Log): { done: Promise<number>; fatal: (cause: unknown) => void } {
  let end: (exitCode: number) => void = () => undefined;
  const done = new Promise<number>((resolve) => {
    end = resolve;
  });
  process.once('SIGTERM', () => end(EXIT.ok));
  process.once('SIGINT', () => end(EXIT.interrupted));
  return {
    done,
    fatal(cause) {
      const detail = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
      log.error('node failed', { detail });
      end(EXIT.failed);
    },
  };
}
