import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestHarness } from 'wrangler';
import { runVectorSuite, type VectorReport } from '../vectors/suite.ts';

const VECTORS = join(import.meta.dirname, '../vectors');
const FORGERIES = process.env.ZS_SOAK === '1' ? 1000 : 50;

const server = createTestHarness({
  workers: [{ configPath: join(import.meta.dirname, 'wrangler.toml') }],
});

beforeAll(async () => {
  await server.listen();
});
afterAll(() => server.close());

async function vectorFiles(): Promise<Record<string, string>> {
  const entries = await readdir(VECTORS, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
  const texts = paths.map(async (path) => [relative(VECTORS, path), await readFile(path, 'utf8')]);
  return Object.fromEntries(await Promise.all(texts));
}

test('workerd accepts the signatures and encodings that Node accepts, and no other', async () => {
  const files = await vectorFiles();
  const body = JSON.stringify({ files, forgeries: FORGERIES });
  const answer = await server.fetch('/', { method: 'POST', body });
  // Checked border: the worker above answers nothing else.
  const report = (await answer.json()) as VectorReport;
  const onNode = await runVectorSuite(async (name) => files[name] ?? '', { forgeries: FORGERIES });
  expect(report).toEqual(onNode);
  expect(report.failed).toEqual([]);
  expect(report.passed).toBeGreaterThan(1_400);
});
