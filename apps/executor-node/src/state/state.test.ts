import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemRng } from '../adapters/system.ts';
import { createKeyFile, keyPath, makeStateFolder, readKeyFile } from './keys.ts';
import { lockState } from './lock.ts';

let folder: string;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'zs-state-')), 'node');
  await makeStateFolder(folder);
});
afterEach(() => rm(join(folder, '..'), { recursive: true, force: true }));

test('a key is made once, for its owner alone', async () => {
  const made = await createKeyFile(folder, systemRng);
  expect((await stat(keyPath(folder))).mode & 0o777).toBe(0o600);
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  expect(await readKeyFile(folder)).toEqual(made);
  expect(await createKeyFile(folder, systemRng)).toMatchObject({ ok: false, code: 'key-exists' });
  expect(await readKeyFile(folder)).toEqual(made);
});

test('a key that others can read, or that is none, is refused with what to do', async () => {
  expect(await readKeyFile(folder)).toMatchObject({
    code: 'key-missing',
    detail: expect.stringContaining('zerostate-node init'),
  });
  await createKeyFile(folder, systemRng);
  for (const mode of [0o640, 0o604, 0o660]) {
    await chmod(keyPath(folder), mode);
    expect(await readKeyFile(folder)).toMatchObject({
      code: 'key-readable',
      detail: expect.stringContaining('chmod 600'),
    });
  }
  await chmod(keyPath(folder), 0o600);
  await writeFile(keyPath(folder), 'not a seed\n');
  expect(await readKeyFile(folder)).toMatchObject({ code: 'key-invalid' });
});

test('a second node on one state is refused with the pid of the first', async () => {
  const first = await lockState(folder, 4242);
  expect(await lockState(folder, 4343)).toMatchObject({
    ok: false,
    code: 'state-locked',
    detail: expect.stringContaining('process 4242'),
  });
  if (!first.ok) throw new Error(first.code);
  await first.value.release();
  const second = await lockState(folder, 4343);
  expect(second.ok).toBe(true);
  if (second.ok) await second.value.release();
});

test('the lock of a process that was killed -9 is taken over', async () => {
  const script = `
    import { lockState } from ${JSON.stringify(new URL('./lock.ts', import.meta.url).href)};
    const lock = await lockState(${JSON.stringify(folder)}, process.pid);
    console.log(lock.ok);
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  expect(line).toBe('true');
  expect(await lockState(folder, 1)).toMatchObject({
    detail: expect.stringContaining(`process ${child.pid}`),
  });
  child.kill('SIGKILL');
  await exited;
  expect(await readFile(join(folder, 'holder.json'), 'utf8')).toContain(String(child.pid));
  const taken = await lockState(folder, 7);
  expect(taken.ok).toBe(true);
  if (taken.ok) await taken.value.release();
});
