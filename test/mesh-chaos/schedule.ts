/** What happens to the network, and when: decided by a seed. */
import type { Cut } from './switchboard.ts';

export interface World {
  readonly nodes: readonly string[];
  readonly relays: readonly string[];
  readonly edge: string;
}

export type Fault =
  | { readonly kind: 'kill'; readonly relays: readonly string[]; readonly ms: number }
  | { readonly kind: 'partition'; readonly cut: Cut; readonly ms: number };

/** A relay is back after this, and a partition healed. */
const DOWN_MS = [300, 2_500] as const;
const CUT_MS = [2_000, 9_000] as const;
/** Of the kills, those that hit every relay at once. */
const ALL_RELAYS_SHARE = 0.2;

/** So many kills and partitions in an order of their own. */
export function scheduleOf(
  world: World,
  counts: { kills: number; partitions: number },
  random: () => number,
): Fault[] {
  const kills = Array.from({ length: counts.kills }, () => killOf(world, random));
  const partitions = Array.from({ length: counts.partitions }, () => partitionOf(world, random));
  return shuffled<Fault>([...kills, ...partitions], random);
}

function killOf({ relays }: World, random: () => number): Fault {
  const isEvery = random() < ALL_RELAYS_SHARE;
  const one = relays[Math.floor(random() * relays.length)] ?? '';
  return { kind: 'kill', relays: isEvery ? relays : [one], ms: between(DOWN_MS, random) };
}

function partitionOf({ nodes, relays, edge }: World, random: () => number): Fault {
  const half = Math.floor(nodes.length / 2);
  const mixed = shuffled(nodes, random);
  const [off, others] = [mixed.slice(0, half), mixed.slice(half)];
  const [first = '', ...rest] = shuffled(relays, random);
  // Either half is alone with nobody, or each has a relay, and one of them the edge.
  const isSplit = random() < 0.5 && rest.length > 0;
  const parts = isSplit
    ? [
        { nodes: off, servers: [...rest, edge] },
        { nodes: others, servers: [first] },
      ]
    : [{ nodes: off, servers: [...relays, edge] }];
  const kind = random() < 0.5 ? 'reset' : 'silent';
  return { kind: 'partition', cut: { kind, parts }, ms: between(CUT_MS, random) };
}

/** One line for the log. */
export function wordsOf(fault: Fault): string {
  if (fault.kind === 'kill') return `kill ${fault.relays.join(' and ')} for ${fault.ms} ms`;
  const { kind, parts } = fault.cut;
  const said = parts.map(({ nodes, servers }) => `${nodes.join(' ')} without ${servers.join(' ')}`);
  return `${kind} partition for ${fault.ms} ms: ${said.join('; ')}`;
}

export function between([least, most]: readonly [number, number], random: () => number): number {
  return Math.round(least + random() * (most - least));
}

function shuffled<T>(all: readonly T[], random: () => number): T[] {
  return all
    .map((each) => ({ each, at: random() }))
    .sort((x, y) => x.at - y.at)
    .map(({ each }) => each);
}
