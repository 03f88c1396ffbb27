import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { VectorReport } from './suite.ts';

const RUNNER = fileURLToPath(new URL('runner.ts', import.meta.url));
/** Per kind; ZS_SOAK=1 makes the 1 000 of the promise. */
const FORGERIES = process.env.ZS_SOAK === '1' ? 1000 : 100;

const RUNTIMES = { node: [], bun: [], deno: ['run', '--allow-read', '--allow-env'] } as const;

function runOn(runtime: keyof typeof RUNTIMES): Promise<VectorReport> {
  const args = [...RUNTIMES[runtime], RUNNER, String(FORGERIES)];
  const bin = fileURLToPath(new URL('../../node_modules/.bin', import.meta.url));
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH ?? ''}` };
  const child = spawn(runtime, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
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

test.for(['node', 'bun', 'deno'] as const)(
  '%s accepts the signatures and encodings that the others accept, and no other',
  async (runtime) => {
    const report = await runOn(runtime);
    expect(report.failed).toEqual([]);
    // The same checks ran everywhere: none is skipped where a runtime is weak.
    expect(report.passed).toBe(1440 + 4 * FORGERIES);
  },
);
