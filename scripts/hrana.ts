/**
 * Serves the two embedded databases over HTTP for `wrangler dev`: `node scripts/hrana.ts`.
 *
 * Environment: HRANA_STATE (folder, default .zerostate/edge), HRANA_TOKEN (optional bearer token),
 * HRANA_LEDGER_PORT and HRANA_DIRECTORY_PORT (default: any free port). Prints one JSON object
 * with both URLs, then runs until SIGINT or SIGTERM.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startHranaServer } from '../apps/edge/src/adapters/hrana-dev-server.ts';

const folder = process.env.HRANA_STATE ?? '.zerostate/edge';
const authToken = process.env.HRANA_TOKEN;
await mkdir(folder, { recursive: true, mode: 0o700 });

function serve(name: 'ledger' | 'directory') {
  return startHranaServer({
    file: join(folder, `${name}.db`),
    synchronous: name === 'ledger' ? 'full' : 'normal',
    port: Number(process.env[`HRANA_${name.toUpperCase()}_PORT`] ?? 0),
    ...(authToken === undefined ? {} : { authToken }),
  });
}

const [ledger, directory] = await Promise.all([serve('ledger'), serve('directory')]);
console.log(JSON.stringify({ ledger: ledger.url, directory: directory.url }));

let stopping = false;
async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  await Promise.all([ledger.close(), directory.close()]);
}
process.on('SIGINT', () => void stop());
process.on('SIGTERM', () => void stop());
