/** Debian's chromium, headless, with a fresh profile and no traffic of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const BROWSER = 'chromium';
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Last bytes of what the browser wrote, for the message when it ends too early. */
const NOTE_LENGTH = 2_000;

/** Shows a page until `done` resolves; fails when the browser is absent or ends before. */
export async function showPage<T>(url: string, done: Promise<T>): Promise<T> {
  const profile = await mkdtemp(join(tmpdir(), 'zs-chromium-'));
  const browser = spawn(BROWSER, [...FLAGS, `--user-data-dir=${profile}`, url], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let note = '';
  browser.stderr.on('data', (chunk: Buffer) => {
    note = `${note}${chunk.toString()}`.slice(-NOTE_LENGTH);
  });
  const closed = once(browser, 'close');
  const early = closed.then(
    ([code]) => {
      throw new Error(`chromium ended with ${code} before the page reported: ${note}`);
    },
    (error: unknown) => {
      throw new Error('no chromium on the PATH: apt-get install chromium', { cause: error });
    },
  );
  try {
    return await Promise.race([done, early]);
  } finally {
    browser.kill();
    await closed.catch(() => {});
    // Its last helper may still be writing while the profile goes.
    await rm(profile, { recursive: true, force: true, maxRetries: 10 });
  }
}
