import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { ensureEncoder } from '../../../packages/discovery/scripts/build-encoder.ts';
import type { EncoderReport } from './suite.ts';

const RUNNER = fileURLToPath(new URL('runner.ts', import.meta.url));
const RUNTIMES = { node: [], bun: [], deno: ['run', '--allow-read', '--allow-env'] } as const;

/** What this repository's files gave when they were committed, w8 and w4. */
const EXPECTED = JSON.parse(
  readFileSync(new URL('fixtures/expected.json', import.meta.url), 'utf8'),
) as EncoderReport[];

function runOn(runtime: keyof typeof RUNTIMES): Promise<EncoderReport[]> {
  const bin = fileURLToPath(new URL('../../../node_modules/.bin', import.meta.url));
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH ?? ''}` };
  const child = spawn(runtime, [...RUNTIMES[runtime], RUNNER], { env, stdio: 'pipe' });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => {
      try {
        resolve(JSON.parse(output));
      } catch {
        reject(new Error(`${runtime} printed no report: ${output}${errors}`));
      }
    });
  });
}

beforeAll(async () => {
  await ensureEncoder(['w8', 'w4']);
});

test('the encoder means what the stock model means', () => {
  const [w8, w4] = EXPECTED;
  expect(w8?.otherIds).toBe(0);
  expect(w8?.cosineMin).toBeGreaterThanOrEqual(0.999);
  expect(w8?.cosineMean).toBeGreaterThanOrEqual(0.9996);
  expect(w4?.otherIds).toBe(0);
  expect(w4?.cosineMean).toBeGreaterThanOrEqual(0.955);
});

test.for(['node', 'bun', 'deno'] as const)(
  '%s makes the same vectors as every other runtime, to the last bit',
  async (runtime) => {
    expect(await runOn(runtime)).toEqual(EXPECTED);
  },
);
