import { chmod, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestSha256, utf8 } from '@zerostate/shared';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { countingRng } from '../testing/parties.ts';
import { temporaryFolder } from '../testing/wallets.ts';
import { createKeyFile, keyPath, readKeyFile } from './key-file.ts';
import { createModuleFolder } from './module-folder.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

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
  expect(await modules.get(hash)).toBeNull();
});

test('a name that is no hash never reaches the file system', async () => {
  const modules = createModuleFolder(state());
  await writeFile(join(folder.path, 'x.wasm'), 'x');
  expect(await modules.get('../x')).toBeNull();
  await modules.put('../y', utf8('y'));
  expect(await readdir(folder.path)).toEqual(['x.wasm']);
});
