import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { routerFile } from './router-file.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zs-routes-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('what a router learned is there again, whole, and for its owner alone', async () => {
  const memory = routerFile(folder);
  expect(await memory.load()).toBeNull();
  const state = { version: 1 as const, neighbours: [{ peer: 'x', waitMs: 3, rests: [] }] };
  // What a crash left of an earlier save is not read.
  await writeFile(join(folder, 'routes.json.new'), '{"neighb');
  await memory.save(state);
  expect(await routerFile(folder).load()).toEqual(state);
  expect(await readdir(folder)).toEqual(['routes.json']);
  expect((await stat(join(folder, 'routes.json'))).mode & 0o077).toBe(0);
});
