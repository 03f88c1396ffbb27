/** A task that no edge has seen, unpaid and argued about: real edge, executor and arbiter. */

import { type Mesh, startMesh } from '@zerostate/mesh';
import { METER } from '@zerostate/runtime';
import { readKeyFile } from '@zerostate/sdk/node';
import { sha256Base64url, taskReceiptSchema } from '@zerostate/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeTask } from '../../apps/edge/test-support/documents.ts';
import {
  systemClock,
  systemRng,
  systemTimers,
} from '../../apps/executor-node/src/adapters/system.ts';
import type { Child } from '../../scripts/start/child.ts';
import {
  type Channel,
  claimId,
  claimOf,
  type DisputeNetwork,
  moduleOf,
  must,
  objectTo,
  type Party,
  startDisputeNetwork,
  until,
} from './dispute-network.ts';
import { type MeshNode, proposeChannel, startMeshNode } from './mesh-network.ts';

const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };

let network: DisputeNetwork;
let node: MeshNode;
let creator: Party;
let channel: Channel;
let mesh: Mesh;
const children: Child[] = [];
beforeAll(async () => {
  network = await startDisputeNetwork();
  await network.startArbiter();
  const about = { agents: ['hello'], bootstrap: [] };
  const started = (child: Child) => children.push(child);
  node = await startMeshNode(network.state, 'executor', network.url, started, about);
  creator = await network.party('creator');
  channel = await proposeChannel(creator, node);
  mesh = must(
    await startMesh({
      seed: must(await readKeyFile(creator.folder)),
      network: must(await creator.edge.network()).network,
      config: { listen: [], allowPrivate: true },
      ports: { clock: systemClock, rng: systemRng, timers: systemTimers, log: SILENT },
    }),
  );
  must(await mesh.connect(node.address));
});
afterAll(async () => {
  await mesh.stop();
  for (const child of children.reverse()) await child.stop();
  await network.stop();
});

test('its executor claims, its creator objects, and the arbiter has all it takes to decide', async () => {
  const { network: id } = must(await creator.edge.network());
  const job = { now: Date.now(), ...channel, lane: '1', input: new Uint8Array(0) };
  const { manifest, cond, ...task } = await makeTask(id, creator.signer, node.signer, job, {
    manifest: {
      ...{ agent: 'hello', abi: 'call', fn: 'hello', meter: METER },
      module: sha256Base64url(await moduleOf('hello')),
      ...{ gas_max: '1000000', pages_max: '16', wall_ms_max: '10000', output_max: '4096' },
      ...{ price_per_mgas: '100', price_max: '100000' },
    },
  });
  const { receipt } = await until(async () => {
    const asked = await mesh.ask(node.did, { type: 'task.offer', body: { manifest, cond } });
    const message = asked.ok ? asked.value.message : null;
    if (message?.type === 'task.reject') throw new Error(message.body.code);
    return message?.type === 'task.result' ? message.body : undefined;
  });
  expect(await creator.edge.task(task.id)).toMatchObject({ code: 'task-unknown' });

  // Nobody pays it: closing alone claims what is due, and leaves the least time to object.
  must(await node.execute({ command: 'channel-close1', ch: channel.ch }));
  const claim = await claimId(creator, { ...task, manifest, cond });
  const filed = await until(() => claimOf(network.url, claim));
  expect(filed).toMatchObject({ state: 'pending', task: task.id });

  must(await creator.edge.submitTask({ manifest, cond }));
  const signed = { ...receipt, body: taskReceiptSchema.parse(receipt.body) };
  await objectTo(creator, task.id, signed, 'output-differs');
  const decided = await until(async () => {
    const known = await claimOf(network.url, claim);
    return known?.state === 'posted' ? known : undefined;
  });
  // The receipt is true: it is paid.
  expect(decided).toMatchObject({ price: signed.body.price });
  await until(async () => {
    const known = must(await creator.edge.task(task.id));
    return known.state === 'done' ? known : undefined;
  });
  const reputation = must(await creator.edge.reputation(node.did));
  expect(reputation).toMatchObject({ n: 1, ok: 1, failed: 0 });
});
