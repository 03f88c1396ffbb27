import { chmod, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestSha256, utf8 } from '@zerostate/shared';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GENESIS, TEST_NETWORK } from '../testing/edge.ts';
import { countingRng, signerOf } from '../testing/parties.ts';
import { temporaryFolder } from '../testing/wallets.ts';
import { createKeyFile, keyPath, readKeyFile } from './key-file.ts';
import { createModuleFolder } from './module-folder.ts';
import { keepNetwork, readNetwork } from './network-file.ts';
import { createOrderFolder } from './order-folder.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

const NETWORK_ANSWER = {
  network: TEST_NETWORK,
  genesis: GENESIS,
  edge_did: GENESIS.ledger,
  origins: [],
  arbiters: [],
  faucet: false,
  now: 1,
  version: 'test',
};
const rng = countingRng('keys');
const state = () => join(folder.path, 'state');

test('a key is for its owner alone, and reads back', async () => {
  const made = await createKeyFile(state(), rng);
  expect(await readKeyFile(state())).toEqual(made);
  expect((await stat(keyPath(state()))).mode & 0o777).toBe(0o600);
  expect((await stat(state())).mode & 0o777).toBe(0o700);
});

test('a key is never overwritten', async () => {
  await createKeyFile(state(), rng);
  const before = await readFile(keyPath(state()));
  expect(await createKeyFile(state(), rng)).toMatchObject({ ok: false, code: 'key-exists' });
  expect(await readFile(keyPath(state()))).toEqual(before);
});

test('a key that others can read, a link and a damaged one are refused with what to do', async () => {
  expect(await readKeyFile(state())).toMatchObject({ code: 'key-missing' });
  await createKeyFile(state(), rng);
  await chmod(keyPath(state()), 0o640);
  expect(await readKeyFile(state())).toMatchObject({
    code: 'key-readable',
    detail: expect.stringContaining('chmod 600'),
  });
  await chmod(keyPath(state()), 0o600);
  await writeFile(keyPath(state()), 'short');
  expect(await readKeyFile(state())).toMatchObject({ code: 'key-invalid' });
  await symlink(keyPath(state()), keyPath(folder.path));
  expect(await readKeyFile(folder.path)).toMatchObject({ code: 'key-invalid' });
});

test('a cached module that was changed on disk is not used', async () => {
  const modules = createModuleFolder(state());
  const bytes = utf8('a module');
  const hash = await digestSha256(bytes);
  await modules.put(hash, bytes);
  expect(new Uint8Array((await modules.get(hash)) ?? [])).toEqual(bytes);
  expect(await readdir(state())).toEqual([`${hash}.wasm`]);
  await writeFile(join(state(), `${hash}.wasm`), 'another');
  // This process has read it before, the next one has not.
  expect(new Uint8Array((await modules.get(hash)) ?? [])).toEqual(bytes);
  expect(await createModuleFolder(state()).get(hash)).toBeNull();
});

test('a name that is no hash never reaches the file system', async () => {
  const modules = createModuleFolder(state());
  await writeFile(join(folder.path, 'x.wasm'), 'x');
  expect(await modules.get('../x')).toBeNull();
  await modules.put('../y', utf8('y'));
  expect(await readdir(folder.path)).toEqual(['x.wasm']);
});

test('an order that was sent is there with its input until it is forgotten', async () => {
  const orders = createOrderFolder(join(folder.path, 'orders'));
  const [task, other] = [await digestSha256(utf8('a task')), await digestSha256(utf8('another'))];
  expect(await orders.tasks()).toEqual([]);
  await orders.keep(task, utf8('its input'));
  await orders.keep(other, new Uint8Array());
  const again = createOrderFolder(join(folder.path, 'orders'));
  expect(new TextDecoder().decode((await again.input(task)) ?? undefined)).toBe('its input');
  expect(await again.input(other)).toHaveLength(0);
  expect(await again.input(await digestSha256(utf8('a third')))).toBeNull();
  expect(new Set(await again.tasks())).toEqual(new Set([task, other]));
  const { mode } = await stat(join(folder.path, 'orders', task));
  expect(mode & 0o777).toBe(0o600);
  await again.forget(task);
  expect(await orders.tasks()).toEqual([other]);
  // A name from outside is never a path.
  await expect(orders.keep('../../key', new Uint8Array())).rejects.toThrow('hash');
});

test('the network of the first time is kept, and a changed file is no new first time', async () => {
  const path = join(folder.path, 'network.json');
  expect(await readNetwork(folder.path)).toEqual({ ok: true, value: null });
  await keepNetwork(folder.path, NETWORK_ANSWER);
  expect(await readNetwork(folder.path)).toEqual({ ok: true, value: NETWORK_ANSWER });
  const { did: ledger } = await signerOf('another ledger');
  const other = { ...NETWORK_ANSWER, genesis: { ...NETWORK_ANSWER.genesis, ledger } };
  for (const text of ['', '{}', JSON.stringify(other)]) {
    await writeFile(path, text);
    expect(await readNetwork(folder.path)).toMatchObject({ code: 'network-file-invalid' });
  }
});
