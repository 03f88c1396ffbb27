/** Fails when the worker's bundle, gzipped, is over what a Cloudflare Worker may be here: 1 MiB. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const FOLDER = join(import.meta.dirname, '../dist/worker');
const BYTES_MAX = 1_048_576;

const bytes = readdirSync(FOLDER)
  .filter((name) => !name.endsWith('.map') && name !== 'README.md')
  .reduce((sum, name) => sum + gzipSync(readFileSync(join(FOLDER, name)), { level: 9 }).length, 0);
console.log(`worker bundle: ${(bytes / 1024).toFixed(1)} KiB gz`);
if (bytes > BYTES_MAX) {
  console.error(`over ${BYTES_MAX / 1024} KiB: see what dist/worker holds`);
  process.exit(1);
}
