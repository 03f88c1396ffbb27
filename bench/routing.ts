import type { BenchOptions, BenchReport, BenchResult } from './report.ts';
import { median } from './report.ts';
import { type ChooserName, meanResponseMs } from './routing-executors.ts';
import { ours, plainQ, scorePerNeighbour, shortestPath } from './routing-policies.ts';
import { type Outcome, type Policy, simulate } from './routing-simulation.ts';
import {
  geometric,
  irregularGrid,
  scaleFree,
  seeded,
  smallWorld,
  type Topology,
} from './routing-topology.ts';

interface Scene {
  readonly name: string;
  readonly build: (seed: number) => Topology;
  /** Packets a tick: with room to spare, and where shortest path begins to queue. */
  readonly loads: readonly number[];
  /** With a tenth of the nodes slow, and with a tenth of them dead. */
  readonly disturbedLoad: number;
}

const SCENES: readonly Scene[] = [
  { name: 'grid', build: () => irregularGrid(), loads: [2.5, 3], disturbedLoad: 1.2 },
  {
    name: 'smallworld',
    build: (seed) => smallWorld(200, 4, 0.1, seed),
    loads: [6, 8],
    disturbedLoad: 3.2,
  },
  {
    name: 'scalefree',
    build: (seed) => scaleFree(200, 3, seed),
    loads: [6, 9],
    disturbedLoad: 3.2,
  },
  { name: 'geometric', build: (seed) => geometric(200, 5, seed), loads: [4, 5], disturbedLoad: 2 },
];

/** None of these was used when the parameters of the router were chosen. */
const SEEDS = [7001, 7002, 7003, 7004, 7005];
const TICKS = 2_500;
const WARM_UP = 700;
const HOPS_MAX = 1_000;
/** Service of a hidden slow node, in ticks. */
const SLOW = 4;
const FAILED_AT = 900;
/** Packets born this long after the failure, and for this long, are compared with the oracle's. */
const RECOVERED_AFTER = 100;
const RECOVERY_TICKS = 500;

/** Routing between nodes beside shortest path and others, and the choice of an executor. */
export async function run({ note }: BenchOptions): Promise<BenchReport> {
  const results: BenchResult[] = [];
  for (const scene of SCENES) {
    for (const load of scene.loads) {
      note(`${scene.name}, load ${load}`);
      results.push(...underLoad(scene, load));
    }
    note(`${scene.name}, hidden slow nodes`);
    results.push(slowNodes(scene));
    note(`${scene.name}, a tenth of the nodes fails`);
    results.push(recovery(scene));
  }
  note('choice of an executor');
  results.push(...executors());
  return { suite: 'routing', machine: '', results };
}

type Making = (topology: Topology, seed: number) => Policy;

function route(scene: Scene, making: Making, load: number, seed: number, more = {}): Outcome {
  const topology = scene.build(seed);
  const common = { topology, load, ticks: TICKS, warmUp: WARM_UP, hopsMax: HOPS_MAX, ...more };
  return simulate({ ...common, policy: making(topology, seed), seed: seed + 1 });
}

const withoutOracle: Making = (topology, seed) => shortestPath(topology, seed, false);
const withOracle: Making = (topology, seed) => shortestPath(topology, seed, true);

function underLoad(scene: Scene, load: number): BenchResult[] {
  const runs = SEEDS.map((seed) => ({
    our: route(scene, ours, load, seed),
    path: route(scene, withoutOracle, load, seed),
    q: route(scene, plainQ, load, seed),
    score: route(scene, scorePerNeighbour, load, seed),
  }));
  const at = `${scene.name}.${load}`;
  const middle = (of: (one: (typeof runs)[number]) => number): number =>
    round(median(runs.map(of)));
  return [
    {
      ...lower(
        `mean_vs_sp.${at}`,
        middle(({ our, path }) => our.mean / path.mean),
      ),
      vs: {
        'plain-q': middle(({ our, q }) => our.mean / q.mean),
        'score-per-neighbour': middle(({ our, score }) => our.mean / score.mean),
      },
    },
    lower(
      `p99_vs_sp.${at}`,
      middle(({ our, path }) => our.p99 / path.p99),
    ),
    {
      name: `delivered.${at}`,
      value: Math.min(...runs.map(({ our }) => our.delivered)),
      unit: 'share',
      better: 'higher',
      vs: { 'shortest-path': middle(({ our, path }) => our.delivered / path.delivered) },
    },
  ];
}

function slowNodes(scene: Scene): BenchResult {
  const ratios = SEEDS.map((seed) => {
    const random = seeded(seed + 2);
    const service = scene.build(seed).map(() => (random() < 0.1 ? SLOW : 1));
    const more = { service };
    const path = route(scene, withoutOracle, scene.disturbedLoad, seed, more);
    return route(scene, ours, scene.disturbedLoad, seed, more).mean / path.mean;
  });
  return lower(`slow_vs_sp.${scene.name}`, round(median(ratios)));
}

function recovery(scene: Scene): BenchResult {
  const from = FAILED_AT + RECOVERED_AFTER;
  const ratios = SEEDS.map((seed) => {
    const random = seeded(seed + 3);
    const nodes = [...scene.build(seed).keys()].filter(() => random() < 0.1);
    const more = { failure: { at: FAILED_AT, nodes } };
    const mean = (making: Making): number => {
      const { times } = route(scene, making, scene.disturbedLoad, seed, more);
      const kept = times.filter(([born]) => born >= from && born < from + RECOVERY_TICKS);
      return kept.reduce((sum, [, ticks]) => sum + ticks, 0) / kept.length;
    };
    return mean(ours) / mean(withOracle);
  });
  return lower(`recovery_vs_oracle.${scene.name}`, round(median(ratios)));
}

const EXECUTOR_LOADS = [0.3, 0.6, 0.9];

function executors(): BenchResult[] {
  return EXECUTOR_LOADS.map((load) => {
    const against = (peer: ChooserName): number =>
      round(
        median(SEEDS.map((s) => meanResponseMs('bandit', load, s) / meanResponseMs(peer, load, s))),
      );
    const name = load === 0.6 ? 'executor.mean_vs_p2c' : `executor.mean_vs_p2c.load${load}`;
    const vs = { random: against('random'), 'greedy-average': against('greedy-average') };
    return { ...lower(name, against('p2c')), vs };
  });
}

function lower(name: string, value: number): BenchResult {
  return { name, value, unit: 'x', better: 'lower' };
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}
