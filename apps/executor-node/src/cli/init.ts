import { createEdgeClient } from '@zerostate/sdk';
import { openDatabase } from '../adapters/database.ts';
import { systemClock, systemRng, systemTimers } from '../adapters/system.ts';
import { initNode } from '../state/init.ts';
import { must } from './exit.ts';
import { type Output, print } from './output.ts';

/** `init`: makes the node's key and pins its edge. */
export async function init(
  output: Output,
  options: { edge: string; state: string },
): Promise<void> {
  const clients = { clock: systemClock, rng: systemRng, timers: systemTimers };
  const node = must(
    await initNode(options.state, options.edge, {
      clock: systemClock,
      rng: systemRng,
      edge: createEdgeClient({ url: options.edge, ...clients }),
      openDatabase,
      pid: process.pid,
    }),
  );
  const { did, edge, edgeDid, network, isNew } = node;
  const answer = { did, edge, edge_did: edgeDid, network, state: options.state, new: isNew };
  print(output, answer, () =>
    [
      isNew ? `A new node in ${options.state}:` : `${options.state} is a node already:`,
      `  did      ${did}`,
      `  edge     ${edge}`,
      `  network  ${network}`,
      'Next, as an executor: zerostate-node card add DIR, then zerostate-node start.',
      'As an arbiter: put the DID into the ARBITERS of the edge, then zerostate-node arbiter.',
      'Keep a copy of the key file.',
    ].join('\n'),
  );
}
