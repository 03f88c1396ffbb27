import type { Mesh } from '../node.ts';
import { until } from './adapters/system.ts';
import { addressOf, type TestMesh } from './nodes.ts';

/**
 * Nodes of which only those named by an edge may connect with each other, the first dials;
 * and `guests`, who may connect with all.
 */
export async function meshOf(
  test: TestMesh,
  edges: readonly (readonly [number, number])[],
  seeds: readonly Uint8Array[],
  guests: readonly string[] = [],
): Promise<Mesh[]> {
  const dids = await Promise.all(seeds.map((seed) => test.didOf(seed)));
  const nodes: Mesh[] = [];
  for (const [at, seed] of seeds.entries()) {
    const friends = edges.flatMap(([a, b]) => (a === at ? [b] : b === at ? [a] : []));
    const members = [...guests, ...friends.map((friend) => dids[friend] ?? '')];
    nodes.push(await test.node({ members }, { seed }));
  }
  for (const [a, b] of edges) await connect(nodes[a], nodes[b]);
  return nodes;
}

/** Edges of a chain of so many nodes. */
export function chain(length: number): [number, number][] {
  return Array.from({ length: length - 1 }, (_, at) => [at, at + 1]);
}

async function connect(a: Mesh | undefined, b: Mesh | undefined): Promise<void> {
  if (a === undefined || b === undefined) throw new Error('an edge names no node');
  const connected = await a.connect(addressOf(b));
  if (!connected.ok) throw new Error(connected.code);
}

/** Waits until `from` knows that `to` is so many hops away. */
export async function settled(from: Mesh, to: string, hops: number): Promise<void> {
  await until(() => from.routes(to).destinations[0]?.hops === hops);
}
