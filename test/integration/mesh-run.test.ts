/** Callers that never meet an edge, as people use them: `zs run --mesh` in a process of its own. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type MeshNode, startMeshNode, zs } from './mesh-nodes.ts';
import { type Network, startNetwork } from './network.ts';

let network: Network;
let first: MeshNode;
beforeAll(async () => {
  network = await startNetwork();
  first = await startMeshNode(network, 'first', ['digest']);
});
afterAll(async () => {
  await first?.child.stop();
  await network?.stop();
});

test('zs run --mesh finds an executor, has its work checked and pays it, without an edge', async () => {
  const caller = await network.party('caller', 50n);
  const mesh = ['--mesh', '--bootstrap', first.address, '--allow-private'];
  const args = ['--state', caller.folder, '--edge', 'http://127.0.0.1:9', ...mesh, '--json'];
  const ran = await zs(['run', 'sha-256 digest', ...args, '--budget', '1', '--in', 'package.json']);
  expect(ran, ran.stderr).toMatchObject({ code: 0 });
});
