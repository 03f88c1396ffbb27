import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));

async function inputsOf(entry: string): Promise<[path: string, imports: string[]][]> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [`packages/sdk/src/${entry}`],
    bundle: true,
    platform: 'browser',
    format: 'esm',
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  return Object.entries(metafile.inputs).map(([path, { imports }]) => [
    path,
    imports.filter(({ external }) => external).map((each) => each.path),
  ]);
}

test('the main entry bundles for a browser without any module or global of Node', async () => {
  const inputs = await inputsOf('index.ts');
  expect(inputs.flatMap(([, external]) => external)).toEqual([]);
  const own = inputs.map(([path]) => path).filter((path) => !path.includes('node_modules'));
  expect(own).toContain('packages/sdk/src/client/connect.ts');
  for (const path of own) {
    const text = await readFile(`${root}/${path}`, 'utf8');
    expect(text, path).not.toMatch(/\bBuffer\.|\bprocess\.[a-z]|'node:/);
  }
});

test('the entry for Node is told apart: a browser cannot take it by mistake', async () => {
  await expect(inputsOf('node.ts')).rejects.toThrow(/node:/);
});
