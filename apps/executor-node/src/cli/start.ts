import { availableParallelism } from 'node:os';
import { serveControl } from '../adapters/control-socket.ts';
import { openDatabase } from '../adapters/database.ts';
import { createLog } from '../adapters/log.ts';
import { startSandbox } from '../adapters/sandbox.ts';
import { systemClock, systemRng, systemTimers } from '../adapters/system.ts';
import { dialWebSocket } from '../adapters/websocket.ts';
import { startNode } from '../node.ts';
import type { Log } from '../ports.ts';
import { readHolder } from '../state/lock.ts';
import { openState } from '../state/open.ts';
import type { ExposurePolicy } from '../wallet/context.ts';
import { CliFailure, EXIT, must } from './exit.ts';
import { type Output, print } from './output.ts';

/** A stop takes at most 10 s: what runs gets most of it. */
const GRACE_MS = 8_000;
const STOP_MS_MAX = 10_000;
/** A command that holds the state lets go of it within this. */
const COMMAND_MS_MAX = 5_000;
const POLL_MS = 50;

export interface StartOptions {
  state: string;
  workers?: number;
  logLevel: string;
  exposure: ExposurePolicy;
}

/** `start`: runs the node until a signal ends it. Returns the exit code. */
export async function start(output: Output, options: StartOptions): Promise<number> {
  const log = createLog(options.logLevel);
  const stopped = waitForStop(log);
  const state = must(await openFreeState(options.state));
  const sandbox = await startSandbox(options.workers ?? availableParallelism()).catch(
    async (cause: unknown) => {
      await state.close();
      const detail = `no sandbox here: ${cause instanceof Error ? cause.message : String(cause)}`;
      throw new CliFailure({ ok: false, code: 'sandbox-missing', detail });
    },
  );
  const node = await startNode({
    state,
    sandbox,
    exposure: options.exposure,
    fatal: stopped.fatal,
    ports: {
      clock: systemClock,
      rng: systemRng,
      timers: systemTimers,
      dial: dialWebSocket,
      log,
    },
  });
  const control = await serveControl(options.state, (command) => node.execute(command));
  await state.lock.announce(control.path);
  const { did, edge, network } = state.pinned;
  const started = { started: true, did, edge, network, sandbox: sandbox.mode, pid: process.pid };
  print(output, started, () => `${did} runs on ${edge} (${network}), sandbox ${sandbox.mode}`);

  const exitCode = await stopped.done;
  // A node that cannot stop in time is ended as by a crash: its disk has what it acknowledged.
  const cancel = systemTimers.after(STOP_MS_MAX, () => process.exit(EXIT.failed));
  await control.close();
  await node.stop(exitCode === EXIT.failed ? 0 : GRACE_MS);
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
