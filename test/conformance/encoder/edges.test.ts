import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { ensureEncoder } from '../../../packages/discovery/scripts/build-encoder.ts';
import type { Child } from '../../../scripts/start/child.ts';
import { startNode } from '../../../scripts/start/nodes.ts';
import { type RunningEdge, startEdge } from '../edges.ts';

/** Shares no word with the card that should be found, one of the three of node-2. */
const REQUEST = 'avatar from a big photo';
const FOUND = 'png-thumbnail';
const TRIES_MAX = 480;
const TRY_MS = 500;

interface Answer {
  readonly semantic: boolean;
  readonly results: readonly { agent: string }[];
}

beforeAll(async () => {
  await ensureEncoder();
});

async function search({ url }: RunningEdge): Promise<Answer> {
  const answer = await fetch(`${url}/v1/search`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ text: REQUEST }),
  });
  // Checked border: `searchAnswerSchema` of the edge.
  return (await answer.json()) as Answer;
}

/** Vectors come one after the other: the order settles with the last one. */
async function settled(edge: RunningEdge): Promise<Answer> {
  for (let tries = 1; ; tries++) {
    const answer = await search(edge);
    const isFound = answer.semantic && answer.results[0]?.agent === FOUND;
    if (isFound || tries === TRIES_MAX) return answer;
    await pause(TRY_MS);
  }
}

test.for(['node', 'workerd'] as const)(
  'an edge on %s finds a published card by its meaning, and until then says that it does not',
  async (runtime) => {
    const edge = await startEdge(runtime);
    const nodes: Child[] = [];
    const state = await mkdtemp(join(tmpdir(), 'zs-meaning-'));
    try {
      expect((await search(edge)).semantic).toBe(false);
      await startNode(state, 'node-2', edge.url, (child) => nodes.push(child));
      const answer = await settled(edge);
      expect(answer.semantic, edge.tail()).toBe(true);
      expect(answer.results[0]?.agent).toBe(FOUND);
    } finally {
      for (const node of nodes) await node.stop();
      await edge.stop();
      await rm(state, { recursive: true, force: true });
    }
  },
);
