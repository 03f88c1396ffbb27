import { Router } from '../packages/mesh/src/routing/router.ts';
import type { Packet, Policy } from './routing-simulation.ts';
import { hopsBetween, seeded, type Topology } from './routing-topology.ts';

/**
 * Fewest hops, an equal share to equal paths; with `oracle` it knows at once which nodes died,
 * otherwise never.
 */
export function shortestPath(topology: Topology, seed: number, oracle: boolean): Policy {
  const random = seeded(seed);
  let hops = hopsBetween(
    topology,
    topology.map(() => true),
  );
  let living = topology.length;
  return {
    choose: (node, { destination }) =>
      least(topology[node] ?? [], random, (next) => hops[destination]?.[next] ?? 0),
    moved: () => undefined,
    failed: () => undefined,
    tick: (_, alive) => {
      const count = alive.filter(Boolean).length;
      if (!oracle || count === living) return;
      living = count;
      hops = hopsBetween(topology, alive);
    },
  };
}

/** One score a neighbour, whatever the destination: an exponential mean of how fast it took things. */
export function scorePerNeighbour(topology: Topology, seed: number): Policy {
  const random = seeded(seed);
  const scores = topology.map((neighbours) => new Map(neighbours.map((next) => [next, 1])));
  const learn = (from: number, to: number, ticks: number): void => {
    const of = scores[from];
    of?.set(to, 0.7 * (of.get(to) ?? 1) + 0.3 * ticks);
  };
  return {
    choose: (node, packet) => {
      const neighbours = topology[node] ?? [];
      if (neighbours.includes(packet.destination)) return packet.destination;
      const back = packet.from;
      const onward = neighbours.filter((next) => next !== back);
      return least(
        onward.length > 0 ? onward : neighbours,
        random,
        (next) => scores[node]?.get(next) ?? 1,
      );
    },
    moved: (from, to, _, { waited }) => learn(from, to, waited + 1),
    failed: (from, to) => learn(from, to, 50),
    tick: () => undefined,
  };
}

/** Q-routing as published (Boyan & Littman 1993): η .7, greedy over all neighbours, estimates from 0. */
export function plainQ(topology: Topology, seed: number): Policy {
  const random = seeded(seed);
  const table = topology.map((neighbours) =>
    neighbours.map(() => new Float64Array(topology.length)),
  );
  const best = (node: number, destination: number): [at: number, ticks: number] => {
    if (node === destination) return [-1, 0];
    let found: [number, number] = [-1, Number.POSITIVE_INFINITY];
    let ties = 0;
    for (const [at, row] of (table[node] ?? []).entries()) {
      const ticks = row[destination] ?? 0;
      if (ticks > found[1]) continue;
      ties = ticks === found[1] ? ties + 1 : 1;
      if (ties === 1 || random() * ties < 1) found = [at, ticks];
    }
    return found;
  };
  const learn = (from: number, to: number, destination: number, target: number): void => {
    const row = table[from]?.[topology[from]?.indexOf(to) ?? -1];
    if (row) row[destination] = 0.3 * (row[destination] ?? 0) + 0.7 * target;
  };
  return {
    choose: (node, { destination }) => topology[node]?.[best(node, destination)[0]],
    moved: (from, to, packet, { waited }) =>
      learn(from, to, packet.destination, waited + 1 + best(to, packet.destination)[1]),
    failed: (from, to) => {
      for (const destination of topology.keys()) learn(from, to, destination, 50);
    },
    tick: () => undefined,
  };
}

/** Ticks between two rounds of the distance layer. */
const ROUND_TICKS = 20;

/** The routers that nodes run. */
export function ours(topology: Topology, seed: number): Policy {
  const random = seeded(seed);
  const routers = topology.map(
    (_, node) =>
      new Router({
        self: `${node}`,
        hopFloorMs: 1,
        failurePenaltyMs: 50,
        random,
      }),
  );
  const gossip = (alive: readonly boolean[]): void => {
    for (const [node, router] of routers.entries()) if (alive[node]) router.nextRound();
    const said = topology.flatMap((neighbours, node) =>
      neighbours.map((to) => ({ node, to, vector: routers[node]?.vectorFor(`${to}`) ?? [] })),
    );
    for (const { node, to, vector } of said) {
      if (alive[node] && alive[to]) routers[to]?.heard(`${node}`, vector);
    }
  };
  for (const [node, neighbours] of topology.entries()) {
    for (const next of neighbours) routers[node]?.joined(`${next}`);
  }
  const everyone = topology.map(() => true);
  for (let round = 0; round < 32; round++) gossip(everyone);
  return {
    choose: (node, packet) => chosen(routers, node, packet),
    moved: (from, to, packet, { ahead, left }) => {
      const [here, there] = [routers[from], routers[to]];
      if (!here || !there) return;
      const { source, destination } = packet;
      const remaining = there.remaining(`${destination}`, new Set([`${from}`]));
      here.learn(`${destination}`, `${to}`, { wait: ahead, transfer: 1, remaining });
      if (to === source) return;
      const behind = here.remaining(`${source}`, new Set([`${to}`]));
      there.learn(`${source}`, `${from}`, { wait: left, transfer: 1, remaining: behind });
    },
    failed: (from, to) => routers[from]?.failed(`${to}`),
    tick: (now, alive) => {
      if (now % ROUND_TICKS === ROUND_TICKS - 1) gossip(alive);
    },
  };
}

/** The first of the next hops, best first, that knows a way on. */
function chosen(routers: readonly Router[], node: number, packet: Packet): number | undefined {
  const { passed, destination } = packet;
  const end = `${destination}`;
  passed.add(`${node}`);
  const refused: string[] = [];
  let next = routers[node]?.nextHop(end, passed);
  while (
    next !== undefined &&
    next !== end &&
    routers[Number(next)]?.nextHop(end, passed) === undefined
  ) {
    passed.add(next);
    refused.push(next);
    next = routers[node]?.nextHop(end, passed);
  }
  for (const peer of refused) passed.delete(peer);
  next ??= routers[node]?.nextHop(end, new Set([`${node}`, `${packet.from}`]));
  return next === undefined ? undefined : Number(next);
}

/** The cheapest of `nodes`, any of several equal ones. */
function least(
  nodes: readonly number[],
  random: () => number,
  cost: (node: number) => number,
): number | undefined {
  let best: number | undefined;
  let lowest = Number.POSITIVE_INFINITY;
  let ties = 0;
  for (const node of nodes) {
    const of = cost(node);
    if (of > lowest) continue;
    ties = of === lowest ? ties + 1 : 1;
    if (ties > 1 && random() * ties >= 1) continue;
    lowest = of;
    best = node;
  }
  return best;
}
