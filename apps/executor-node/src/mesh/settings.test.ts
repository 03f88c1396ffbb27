import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDatabase } from '../adapters/database.ts';
import type { Database } from '../state/database.ts';
import { MIGRATIONS, migrate } from '../state/migrate.ts';
import { pinNode } from '../state/store.ts';
import { changeMeshSettings, type MeshChange, readMeshSettings } from './settings.ts';

const PEER = '/ip4/192.0.2.1/tcp/4001/p2p/12D3KooWHSkTsXnFrha6yD9thYsRfEBCQ1Z1qcEm2DGZEciUFjQv';

let database: Database;
beforeEach(async () => {
  database = await openDatabase(':memory:');
  await migrate(database, MIGRATIONS, 1);
  const pinned = { did: 'd', edge: 'e', edgeDid: 'f', network: 'n', asset: 'credit' };
  await database.write([pinNode(pinned, 's', 1)]);
});
afterEach(() => database.close());

test('the mesh is off until it is asked for', async () => {
  expect(await readMeshSettings(database)).toMatchObject({ isOn: false, allowPrivate: false });
});

test('what was asked for once holds for later starts, each part until it is changed', async () => {
  await changeMeshSettings(database, {
    isOn: true,
    relays: [PEER],
    listen: ['/ip4/0.0.0.0/tcp/1'],
  });
  expect(await changeMeshSettings(database, { mdns: true })).toMatchObject({
    ok: true,
    value: { isOn: true, relays: [PEER], listen: ['/ip4/0.0.0.0/tcp/1'], mdns: true },
  });
  await changeMeshSettings(database, { isOn: false });
  expect(await readMeshSettings(database)).toMatchObject({ isOn: false, relays: [PEER] });
});

test('an address that is none is refused by its option, and nothing is kept', async () => {
  await changeMeshSettings(database, { isOn: true });
  const before = await readMeshSettings(database);
  const wrong: [option: string, change: MeshChange][] = [
    ['--mesh-listen', { listen: ['0.0.0.0:4001'] }],
    ['--mesh-listen', { listen: ['/ip4/300.0.0.1/tcp/1'] }],
    // Nobody is proven to answer there.
    ['--bootstrap', { bootstrap: ['/ip4/192.0.2.1/tcp/4001'] }],
    ['--relay', { relays: [PEER.slice(0, -1)] }],
  ];
  for (const [option, change] of wrong) {
    const changed = await changeMeshSettings(database, change);
    expect(changed, option).toMatchObject({ ok: false, code: 'address-invalid' });
    expect(changed.ok || changed.detail).toContain(option);
  }
  expect(await readMeshSettings(database)).toEqual(before);
});
