import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestHarness } from 'wrangler';
import { ensureEncoder } from '../../packages/discovery/scripts/build-encoder.ts';

const FIXTURES = join(import.meta.dirname, '../conformance/encoder/fixtures');

const server = createTestHarness({
  workers: [{ configPath: join(import.meta.dirname, 'encoder.toml') }],
});

beforeAll(async () => {
  await ensureEncoder(['w8', 'w4']);
  await server.listen();
});
afterAll(() => server.close());

function fixture(name: string): unknown {
  return JSON.parse(readFileSync(join(FIXTURES, name), 'utf8'));
}

test('workerd makes the vectors that Node, Bun and Deno make, to the last bit', async () => {
  const reports: unknown[] = [];
  for (const format of ['w8', 'w4']) {
    const order = { format, texts: fixture('texts.json'), stock: fixture('stock.json') };
    const answer = await server.fetch('/', { method: 'POST', body: JSON.stringify(order) });
    reports.push(await answer.json());
  }
  expect(reports).toEqual(fixture('expected.json'));
});
