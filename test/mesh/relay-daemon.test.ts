/** What an operator of relays runs: their tables, what they say of themselves, one to a folder. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSigner } from '@zerostate/shared';
import { afterEach, expect, test } from 'vitest';
import {
  askRelay,
  initRelay,
  type RelayOptions,
  type RunningRelay,
  startRelay,
} from '../../apps/executor-node/src/mesh/relay-daemon.ts';
import { systemPorts, until } from '../../packages/mesh/src/testing/adapters/system.ts';
import { signedCard } from '../../packages/mesh/src/testing/cards.ts';
import { TCP, TestMesh } from '../../packages/mesh/src/testing/nodes.ts';

const mesh = new TestMesh();
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await mesh.stop();
  for (const end of ends.splice(0).reverse()) await end();
});

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'zs-relay-'));
  ends.push(() => rm(made, { recursive: true, force: true }));
  return made;
}

function optionsOf(state: string, bootstrap: readonly string[] = []): RelayOptions {
  return {
    ...{ state, bootstrap, listen: [TCP], announce: [], allowPrivate: true, denied: [] },
    ...{ reservations: 8, quota: { circuits: 8, bytesPerHour: 1_048_576 }, metricsPort: 0 },
  };
}

async function relay(state: string, bootstrap: readonly string[] = []): Promise<RunningRelay> {
  const started = await startRelay(optionsOf(state, bootstrap), systemPorts(), process.pid);
  if (!started.ok) throw new Error(started.code);
  ends.push(() => started.value.stop());
  return started.value;
}

test('relays that know each other keep one table for nodes that know one of them', async () => {
  const folders = [await folder(), await folder()];
  for (const state of folders) await initRelay(state, systemPorts().rng);
  const first = await relay(folders[0] ?? '');
  const second = await relay(folders[1] ?? '', first.addresses);
  const seed = mesh.seed();
  const behindNat = { listen: [], isDhtServer: false };
  const publisher = await mesh.node({ ...behindNat, bootstrap: first.addresses }, { seed });
  const resolver = await mesh.node({ ...behindNat, bootstrap: second.addresses });
  const author = await createSigner(seed);
  // Both ends have met their relay, the relays each other.
  await until(() => publisher.wire.connections().length > 0);
  await until(() => resolver.wire.connections().length > 0);
  const signed = await signedCard(author, 'digest', 1, Date.now());
  const published = await publisher.cards.publish(signed);
  expect(published).toMatchObject({ ok: true });
  let resolved = await resolver.cards.resolve(author.did, 'digest');
  // The relays may still be meeting each other.
  while (!resolved.ok) resolved = await resolver.cards.resolve(author.did, 'digest');
  expect(resolved.value.body.seq).toBe('1');
});

test('a relay says how it is, to its owner and as metrics, and is one to a folder', async () => {
  const state = await folder();
  expect(await askRelay(state)).toMatchObject({ ok: false, code: 'relay-stopped' });
  const ports = systemPorts();
  expect((await startRelay(optionsOf(state), ports, process.pid)).ok).toBe(false);
  const made = await initRelay(state, ports.rng);
  expect(await initRelay(state, ports.rng)).toEqual(
    made.ok ? { ok: true, value: { ...made.value, isNew: false } } : made,
  );
  const running = await relay(state);
  expect(made).toMatchObject({ value: { did: running.did } });
  const node = await mesh.node({ listen: [], relays: running.addresses });
  await until(() => node.status().relays.every(({ state: held }) => held === 'reserved'));
  expect(await askRelay(state)).toMatchObject({ value: { relay: { reservations: 1 } } });
  const text = await (await fetch(running.metrics ?? '')).text();
  expect(text).toMatch(/^zerostate_relay_reservations 1$/m);
  const again = await startRelay(optionsOf(state), ports, process.pid);
  expect(again).toMatchObject({ ok: false });
  const stranger = { ...optionsOf(await folder()), denied: ['nobody'] };
  expect(await startRelay(stranger, ports, process.pid)).toMatchObject({ code: 'did-invalid' });
});
