/** Relays and executors of the test as their daemons, each reached through the switchboard alone. */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { peerIdFromDid } from '@zerostate/mesh';
import { isDid } from '@zerostate/shared';
import { openDatabase } from '../../apps/executor-node/src/adapters/database.ts';
import {
  systemClock,
  systemRng,
  systemTimers,
} from '../../apps/executor-node/src/adapters/system.ts';
import { ask } from '../../apps/executor-node/src/cli/ask.ts';
import { initRelay } from '../../apps/executor-node/src/mesh/relay-daemon.ts';
import { changeMeshSettings } from '../../apps/executor-node/src/mesh/settings.ts';
import { initNode } from '../../apps/executor-node/src/state/init.ts';
import { openState } from '../../apps/executor-node/src/state/open.ts';
import { type Child, startChild } from '../../scripts/start/child.ts';
import { freePort } from '../../scripts/start/state.ts';
import { MONEY, must, type Party, ROOT } from '../integration/dispute-network.ts';
import { keyedParty } from '../integration/mesh-network.ts';
import type { Switchboard } from './switchboard.ts';

const NODE_CLI = join(ROOT, 'apps/executor-node/src/cli/main.ts');
const START_LOOKS = 1_200;
const LOOK_MS = 50;

export function peerOf(did: string): string {
  const peer = isDid(did) ? peerIdFromDid(did) : null;
  if (peer?.ok !== true) throw new Error(`${did} is no peer`);
  return peer.value;
}

/** A relay that is killed and comes back with its key at its port. */
export class RelayDaemon {
  readonly name: string;
  /** Where everybody reaches it. */
  readonly address: string;
  readonly #folder: string;
  readonly #ports: { own: number; outer: number };
  readonly #log: string;
  #child: Child | null = null;

  private constructor(
    name: string,
    about: { folder: string; did: string; log: string; ports: { own: number; outer: number } },
  ) {
    this.name = name;
    this.address = `/ip4/127.0.0.1/tcp/${about.ports.outer}/p2p/${peerOf(about.did)}`;
    this.#folder = about.folder;
    this.#ports = about.ports;
    this.#log = about.log;
  }

  static async make(name: string, state: string, board: Switchboard): Promise<RelayDaemon> {
    const folder = join(state, name);
    const { did } = must(await initRelay(folder, systemRng));
    const own = await freePort(0);
    const ports = { own, outer: await board.lay(name, own) };
    return new RelayDaemon(name, { folder, did, ports, log: join(state, 'logs', `${name}.log`) });
  }

  /** Resolves when it relays. */
  async start(): Promise<void> {
    const at = (port: number) => `/ip4/127.0.0.1/tcp/${port}`;
    const child = await startChild({
      name: this.name,
      command: process.execPath,
      args: [
        ...[NODE_CLI, 'relay', 'start', '--state', this.#folder, '--json'],
        ...['--listen', at(this.#ports.own), '--announce', at(this.#ports.outer)],
        '--allow-private',
      ],
      log: this.#log,
    });
    this.#child = child;
    let ended: string | null = null;
    void child.ended.then((reason) => {
      ended = reason;
    });
    for (let looks = 0; looks < START_LOOKS; looks++) {
      if (child.tail().includes('"started":true')) return;
      if (ended !== null) break;
      await pause(LOOK_MS);
    }
    throw new Error(`${this.name} did not start (${ended}): ${child.tail()}`);
  }

  async kill(): Promise<void> {
    if (this.#child === null) return;
    process.kill(this.#child.pid, 'SIGKILL');
    await this.#child.ended;
    this.#child = null;
  }

  async stop(): Promise<void> {
    await this.#child?.stop();
  }
}

/** An executor that nobody can dial, as behind a NAT. */
export interface Executor extends Party {
  readonly name: string;
  readonly log: string;
}

/** Its key, its agent and what it knows of the mesh; it does not run yet. */
export async function makeExecutor(
  name: string,
  state: string,
  edge: string,
  relays: readonly RelayDaemon[],
): Promise<Executor> {
  const party = await keyedParty(state, name, edge);
  const ports = { clock: systemClock, rng: systemRng, timers: systemTimers };
  const adapters = { ...ports, edge: party.edge, openDatabase, pid: process.pid };
  must(await initNode(party.folder, edge, adapters));
  must(await party.edge.faucet(MONEY));
  must(await ask(party.folder, { command: 'card-add', folder: join(ROOT, 'agents/digest') }));
  const opened = must(
    await openState(party.folder, { clock: systemClock, openDatabase, pid: process.pid }),
  );
  const change = {
    isOn: true,
    listen: [],
    relays: relays.map(({ address }) => address),
    bootstrap: relays.map(({ address }) => address),
    allowPrivate: true,
  };
  must(await changeMeshSettings(opened.database, change));
  await opened.close();
  return { ...party, name, log: join(state, 'logs', `${name}.log`) };
}

export function startExecutor(executor: Executor, board: Switchboard): Promise<Child> {
  return startChild({
    name: executor.name,
    command: process.execPath,
    args: [
      ...[NODE_CLI, 'start', '--state', executor.folder, '--workers', '1'],
      // What is paid is on the ledger soon, so that the test ends with everything there.
      ...['--redeem-age', '2'],
    ],
    env: board.environmentOf(executor.name),
    log: executor.log,
  });
}

/** The addresses of an executor: through each relay. */
export function waysTo({ did }: Executor, relays: readonly RelayDaemon[]): string[] {
  return relays.map(({ address }) => `${address}/p2p-circuit/p2p/${peerOf(did)}`);
}
