/** Neighbours of each node, by number. */
export type Topology = readonly (readonly number[])[];

/** Uniform in [0, 1) from a seed: mulberry32, the same on every runtime. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function undirected(size: number, edges: Iterable<readonly [number, number]>): Topology {
  const neighbours = Array.from({ length: size }, () => new Set<number>());
  for (const [a, b] of edges) {
    if (a === b) continue;
    neighbours[a]?.add(b);
    neighbours[b]?.add(a);
  }
  return neighbours.map((set) => [...set]);
}

/** The irregular 6 × 6 grid of Boyan & Littman, figure 1: two halves that two bridges join. */
export function irregularGrid(): Topology {
  const edges: [number, number][] = [];
  for (let row = 0; row < 6; row++) {
    for (let column = 0; column < 6; column++) {
      const node = row * 6 + column;
      const bridge = column === 2;
      if (column < 5 && (!bridge || row === 0 || row === 4)) edges.push([node, node + 1]);
      const missing = (column === 1 || column === 4) && row % 2 === 1;
      if (row < 5 && !missing) edges.push([node, node + 6]);
    }
  }
  return undirected(36, edges);
}

/** Watts & Strogatz: a ring of `size` nodes with `degree` neighbours each, rewired with chance `p`. */
export function smallWorld(size: number, degree: number, p: number, seed: number): Topology {
  const random = seeded(seed);
  const edges: [number, number][] = [];
  for (let node = 0; node < size; node++) {
    for (let step = 1; step <= degree / 2; step++) {
      const far = random() < p;
      edges.push([node, far ? Math.floor(random() * size) : (node + step) % size]);
    }
  }
  return undirected(size, edges);
}

/** Barabási & Albert: each new node joins `links` old ones, the likelier the better connected. */
export function scaleFree(size: number, links: number, seed: number): Topology {
  const random = seeded(seed);
  const edges: [number, number][] = [];
  const ends: number[] = [];
  for (let node = 0; node <= links; node++) {
    for (let other = 0; other < node; other++) {
      edges.push([node, other]);
      ends.push(node, other);
    }
  }
  for (let node = links + 1; node < size; node++) {
    const chosen = new Set<number>();
    while (chosen.size < links) chosen.add(ends[Math.floor(random() * ends.length)] ?? 0);
    for (const other of chosen) {
      edges.push([node, other]);
      ends.push(node, other);
    }
  }
  return undirected(size, edges);
}

/** Points in the unit square, joined to their `nearest` and so that all are reachable. */
export function geometric(size: number, nearest: number, seed: number): Topology {
  const random = seeded(seed);
  const points = Array.from({ length: size }, () => [random(), random()] as const);
  const away = (a: number, b: number): number => {
    const [ax, ay] = points[a] ?? [0, 0];
    const [bx, by] = points[b] ?? [0, 0];
    return Math.hypot(ax - bx, ay - by);
  };
  const others = (node: number, among: Iterable<number>): number[] =>
    [...among].filter((other) => other !== node).sort((a, b) => away(node, a) - away(node, b));
  const edges: [number, number][] = [];
  for (let node = 0; node < size; node++) {
    for (const other of others(node, points.keys()).slice(0, nearest)) edges.push([node, other]);
  }
  for (;;) {
    const topology = undirected(size, edges);
    const reached = reachable(topology, 0);
    if (reached.size === size) return topology;
    const cut = [...points.keys()].filter((node) => !reached.has(node));
    const bridges = cut.map((node) => [node, others(node, reached)[0] ?? 0] as [number, number]);
    bridges.sort(([a, b], [c, d]) => away(a, b) - away(c, d));
    edges.push(...bridges.slice(0, 1));
  }
}

function reachable(topology: Topology, from: number): Set<number> {
  const reached = new Set([from]);
  for (const node of reached) for (const next of topology[node] ?? []) reached.add(next);
  return reached;
}

/** Hops between all pairs over the nodes that live: `hops[destination][node]`. */
export function hopsBetween(topology: Topology, alive: readonly boolean[]): Float64Array[] {
  return topology.map((_, destination) => {
    const hops = new Float64Array(topology.length).fill(Number.POSITIVE_INFINITY);
    if (!alive[destination]) return hops;
    hops[destination] = 0;
    const queue = [destination];
    for (const node of queue) {
      for (const next of topology[node] ?? []) {
        if (!alive[next] || hops[next] !== Number.POSITIVE_INFINITY) continue;
        hops[next] = (hops[node] ?? 0) + 1;
        queue.push(next);
      }
    }
    return hops;
  });
}
