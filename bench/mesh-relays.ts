/** Relays that die, and what a relay holds for each peer that reserved with it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../packages/mesh/src/testing/adapters/system.ts';
import { TestMesh } from '../packages/mesh/src/testing/nodes.ts';
import { RelayProcess } from '../test/mesh/relay-process.ts';
import { type Moved, RelayWorld } from '../test/mesh/relay-world.ts';
import { collected, MEMORY_PRELOAD, memoryEnv } from './process-figures.ts';
import type { BenchResult } from './report.ts';

/** Peers before the first reading: what a relay makes once is made by then. */
const WARM_PEERS = 8;

/** The slowest of so many deaths of a relay, each from the kill, or the return, on. */
export async function failoverFigures(rounds: number): Promise<BenchResult[]> {
  const world = await RelayWorld.make();
  try {
    const times: Moved[] = [];
    for (let round = 0; round < rounds; round++) {
      await world.rest(round);
      times.push(await world.kill(round));
    }
    const figure = (name: string, values: number[]): BenchResult => {
      const value = Number(Math.max(...values).toFixed(0));
      return { name, value, unit: 'ms', better: 'lower' };
    };
    return [
      figure(
        'failover.ms_max',
        times.map(({ moved }) => moved),
      ),
      figure(
        'rereserve.ms_max',
        times.map(({ reservedAgain }) => reservedAgain),
      ),
    ];
  } finally {
    await world.stop();
  }
}

/** Heap and buffers of a relay's process, once garbage is collected, for each further peer. */
export async function relayMemory(peers: number): Promise<BenchResult> {
  const state = await mkdtemp(join(tmpdir(), 'zs-bench-relay-'));
  const file = join(state, 'memory.json');
  const relay = new RelayProcess(101, {
    env: { ...process.env, ...memoryEnv(file) },
    execArgv: ['--expose-gc', `--import=${MEMORY_PRELOAD}`],
  });
  const mesh = new TestMesh();
  try {
    await relay.start();
    const held = async (): Promise<number> => {
      const { heapUsed, external } = await collected(relay.pid, file);
      return heapUsed + external;
    };
    const join = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        const node = await mesh.node({ listen: [], relays: [relay.address] });
        await until(() => node.status().relays.every(({ state }) => state === 'reserved'));
      }
    };
    await join(WARM_PEERS);
    const before = await held();
    await join(peers);
    const value = Number(((await held()) - before) / 1024 / peers).toFixed(1);
    return { name: 'relay.kib_per_peer', value: Number(value), unit: 'KiB', better: 'lower' };
  } finally {
    await mesh.stop();
    await relay.kill();
    await rm(state, { recursive: true, force: true });
  }
}
