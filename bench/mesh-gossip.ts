import { setTimeout as pause } from 'node:timers/promises';
import type { Mesh } from '@zerostate/mesh';
import { createSigner } from '@zerostate/shared';
import { until } from '../packages/mesh/src/testing/adapters/system.ts';
import { signedCard } from '../packages/mesh/src/testing/cards.ts';
import { addressOf, TestMesh } from '../packages/mesh/src/testing/nodes.ts';

import { type BenchResult, quantile } from './report.ts';

/** A message that has not come after this is missed. */
const MISSED_MS = 10_000;

/** A network that has found itself: so many neighbours each, and a few of gossipsub's heartbeats. */
const NEIGHBOURS = 6;
const MEET_MS = 300_000;
const LOOK_MS = 500;
const SETTLE_MS = 5_000;
/** An author may tell two cards a second for ever. */
const PAUSE_MS = 500;

/** Cards of one author, told one after the other; how long until each node has checked and has it. */
export async function gossipFigures(nodes: number, cards: number): Promise<BenchResult[]> {
  const mesh = new TestMesh();
  try {
    const boot = await mesh.node();
    const seed = mesh.seed();
    const author = await mesh.node({ bootstrap: [addressOf(boot)] }, { seed });
    const others: Mesh[] = [boot];
    while (others.length < nodes - 1) {
      others.push(await mesh.node({ bootstrap: [addressOf(boot)] }));
    }
    const everybody = [author, ...others];
    const neighbours = Math.min(NEIGHBOURS, nodes - 1);
    await meet(everybody, neighbours);
    await pause(SETTLE_MS);
    const signer = await createSigner(seed);
    const delays: number[] = [];
    for (let i = 0; i < cards; i++) {
      const agent = `agent-${i}`;
      // Within what one author may tell: a node past its rate is not heard, by design.
      await pause(PAUSE_MS);
      const signed = await signedCard(signer, agent, 1, Date.now());
      const start = performance.now();
      await author.gossip.tellCard(signed);
      const arrivals = others.map((node) => arrival(node, signer.did, agent, start));
      delays.push(...(await Promise.all(arrivals)).filter((ms) => ms < MISSED_MS));
    }
    const missed = cards * others.length - delays.length;
    return [
      {
        name: `gossip.${nodes}.p50_ms`,
        value: tenths(quantile(delays, 0.5)),
        unit: 'ms',
        better: 'lower',
      },
      {
        name: `gossip.${nodes}.p99_ms`,
        value: tenths(quantile(delays, 0.99)),
        unit: 'ms',
        better: 'lower',
      },
      { name: `gossip.${nodes}.missed`, value: missed, unit: 'messages', better: 'lower' },
    ];
  } finally {
    await mesh.stop();
  }
}

/** Until each node has so many that listen to it: minutes, where fifty nodes share a core. */
async function meet(nodes: readonly Mesh[], neighbours: number): Promise<void> {
  const end = performance.now() + MEET_MS;
  const lonely = () => nodes.filter((node) => node.gossip.listeners() < neighbours).length;
  while (lonely() > 0) {
    if (performance.now() > end) throw new Error(`${lonely()} of ${nodes.length} nodes are alone`);
    await pause(LOOK_MS);
  }
}

/** ms from `start` until a node holds the card, MISSED_MS when it never does. */
async function arrival(node: Mesh, did: string, agent: string, start: number): Promise<number> {
  return until(() => {
    const passed = performance.now() - start;
    if (node.book.card(did, agent) !== null) return Math.max(passed, Number.MIN_VALUE);
    return passed > MISSED_MS ? MISSED_MS : null;
  });
}

function tenths(value: number): number {
  return Number(value.toFixed(1));
}
