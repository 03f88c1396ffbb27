import { afterEach, describe, expect, test } from 'vitest';
import type { Mesh } from '../node.ts';
import type { Message } from '../tasks/message.ts';
import { until } from '../testing/adapters/system.ts';
import { chain, meshOf, settled } from '../testing/chains.ts';
import { TestMesh } from '../testing/nodes.ts';

const mesh = new TestMesh();
afterEach(() => mesh.stop());

const task = 'A'.repeat(43);
const cancel: Message = { type: 'task.cancel', body: { task } };
const progress: Message = { type: 'task.progress', body: { task, gas: '7' } };

/** Nodes of a mesh, the first and the last apart. */
async function world(edges: readonly (readonly [number, number])[], hops: number) {
  const size = 1 + Math.max(...edges.flat());
  const seeds = Array.from({ length: size }, () => mesh.seed());
  const nodes = await meshOf(mesh, edges, seeds);
  const [first, last] = [nodes[0], nodes[size - 1]];
  if (first === undefined || last === undefined) throw new Error('no nodes');
  await settled(first, last.did, hops);
  await settled(last, first.did, hops);
  return { nodes, seeds, first, last };
}

function answerWith(node: Mesh, message: Message | null, seen: string[] = []): string[] {
  node.tasks.handle('task.cancel', async ({ from, body }) => {
    seen.push(from);
    return { ok: true, value: { message, body: body.toReversed() } };
  });
  return seen;
}

describe('a question to a node without a connection', () => {
  test('crosses three hops with its body, knows its author, and its answer comes back', async () => {
    const { nodes, first, last } = await world(chain(4), 3);
    const seen = answerWith(last, progress);
    const body = new Uint8Array(1_000_000).map((_, at) => at % 251);
    const answered = await first.ask(last.did, cancel, { body });
    if (!answered.ok) throw new Error(answered.code);
    expect(answered.value.message).toEqual(progress);
    expect(Buffer.compare(answered.value.body, body.toReversed())).toBe(0);
    expect(seen).toEqual([first.did]);
    expect(first.wire.isConnected(last.did)).toBe(false);
    for (const node of nodes.slice(1, 3)) {
      await until(() => node.counters.of('route-forwarded') === 2);
    }
    const [account] = last.tasks.accounts.top(1);
    expect(account).toMatchObject({ did: first.did, messagesIn: 1 });
  });
});
