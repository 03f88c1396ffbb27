import { DEFAULT_RELAY_POLICY, type Mesh, type RelayQuota, startMesh } from '@zerostate/mesh';
import { createSigner, err, isDid, ok, type Result } from '@zerostate/shared';
import { askControl, serveControl } from '../adapters/control-socket.ts';
import type { Clock, Log, Rng, Timers } from '../ports.ts';
import { createKeyFile, makeStateFolder, readKeyFile } from '../state/keys.ts';
import { lockState, readHolder } from '../state/lock.ts';
import { relayMetrics, serveMetrics } from './relay-metrics.ts';

export interface RelayOptions {
  state: string;
  listen: readonly string[];
  announce: readonly string[];
  /** Other relays and nodes that keep the table. */
  bootstrap: readonly string[];
  /** Tells and dials loopback and private addresses: for a network of one's own. */
  allowPrivate: boolean;
  reservations: number;
  quota: RelayQuota;
  denied: readonly string[];
  /** null: no metrics. */
  metricsPort: number | null;
}

export interface RelayPorts {
  clock: Clock;
  rng: Rng;
  timers: Timers;
  log: Log;
}

export interface RunningRelay {
  did: string;
  addresses: string[];
  metrics: string | null;
  stop(): Promise<void>;
}

/** Makes a relay's key; the one that is there stays. */
export async function initRelay(
  folder: string,
  rng: Rng,
): Promise<Result<{ did: string; isNew: boolean }, string>> {
  await makeStateFolder(folder);
  const made = await createKeyFile(folder, rng);
  const seed = made.ok ? made : await readKeyFile(folder);
  if (!seed.ok) return seed;
  return ok({ did: (await createSigner(seed.value)).did, isNew: made.ok });
}

/** Runs a relay on its key, alone in its state folder. */
export async function startRelay(
  options: RelayOptions,
  ports: RelayPorts,
  pid: number,
): Promise<Result<RunningRelay, string>> {
  const stranger = options.denied.find((did) => !isDid(did));
  if (stranger !== undefined) return err('did-invalid', stranger);
  const seed = await readKeyFile(options.state);
  if (!seed.ok) return seed;
  const lock = await lockState(options.state, pid);
  if (!lock.ok) return lock;
  const started = await startMesh({
    seed: seed.value,
    network: '',
    config: {
      listen: options.listen,
      bootstrap: options.bootstrap,
      allowPrivate: options.allowPrivate,
      // Where all executors are behind NAT there is nobody else to keep the table.
      isDhtServer: true,
      ...(options.announce.length === 0 ? {} : { announce: options.announce }),
    },
    ports,
    relay: {
      ...DEFAULT_RELAY_POLICY,
      reservationsMax: options.reservations,
      quota: options.quota,
      denied: new Set(options.denied),
    },
  });
  if (!started.ok) {
    await lock.value.release();
    return started;
  }
  return ok(await serve(started.value, options, lock.value));
}

async function serve(
  mesh: Mesh,
  options: RelayOptions,
  lock: { announce(control: string): Promise<void>; release(): Promise<void> },
): Promise<RunningRelay> {
  const control = await serveControl(options.state, async ({ command }) =>
    command === 'status' ? ok(mesh.status()) : err('command-unknown', 'a relay has only status'),
  );
  await lock.announce(control.path);
  const metrics =
    options.metricsPort === null
      ? null
      : await serveMetrics(options.metricsPort, () => relayMetrics(mesh.status()));
  return {
    did: mesh.did,
    addresses: mesh.addresses(),
    metrics: metrics?.url ?? null,
    async stop() {
      await metrics?.close();
      await control.close();
      await mesh.stop();
      await lock.release();
    },
  };
}

/** What a running relay says of itself. */
export async function askRelay(folder: string): Promise<Result<unknown, string>> {
  const holder = await readHolder(folder);
  if (holder?.control == null) return err('relay-stopped', `no relay runs in ${folder}`);
  return askControl(holder.control, { command: 'status' });
}
