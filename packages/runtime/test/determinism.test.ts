import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const SOAK = process.env.ZS_SOAK !== undefined;
const PROGRAMS = SOAK ? '2000' : '40';
const LIMIT_MS = SOAK ? 1_800_000 : 280_000;
const MAIN = resolve(import.meta.dirname, 'determinism-main.ts');
const ROOT = resolve(import.meta.dirname, '../../..');

/** Both are packages that bring an executable. */
function installed(name: string): string {
  const require = createRequire(import.meta.url);
  return join(dirname(require.resolve(`${name}/package.json`)), '../.bin', name);
}

async function corpusOn(command: string, ...args: string[]): Promise<string[]> {
  const run = promisify(execFile);
  const { stdout } = await run(command, [...args, MAIN, PROGRAMS], {
    cwd: ROOT,
    maxBuffer: 64 * 1024 * 1024,
    // A runaway does not outlive a test that has given up.
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  return stdout.trim().split('\n');
}

test(
  'a corpus gives the same bytes, gas and memory on Node, Bun and Deno',
  async () => {
    const node = await corpusOn(process.execPath);
    expect(node.length).toBeGreaterThan(150);
    expect(node.filter((line) => line.includes('engine') || line.includes('host-'))).toEqual([]);
    expect(await corpusOn(installed('bun'))).toEqual(node);
    expect(await corpusOn(installed('deno'), 'run', '-A')).toEqual(node);
  },
  LIMIT_MS,
);
