/** The edge of the local network in workerd: wrangler dev over the repository's own Hrana server. */
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { type Child, runToEnd, startChild } from './child.ts';
import { ready, type Settings, type Started } from './edge.ts';
import { freePort, keyAt, layout } from './state.ts';

const ROOT = join(import.meta.dirname, '../..');
const LOOK_MS = 20;

const urlsSchema = z.object({ ledger: z.url(), directory: z.url() });

export async function startWorkerEdge(
  state: string,
  port: number,
  started: Started,
  about: { settings?: Settings; inspectorPort?: number } = {},
): Promise<string> {
  const at = layout(state);
  const [ledgerKey, edgeKey] = [await keyAt(at.ledgerKey), await keyAt(at.edgeKey)];
  const urls = await startDatabases(state, started);
  const bound = await freePort(port);
  const url = `http://127.0.0.1:${bound}`;
  const vars = {
    ...urls,
    NETWORK_KIND: 'local',
    ORIGINS: url,
    HOST: '127.0.0.1',
    ...about.settings,
  };
  const secrets = { LEDGER_KEY: ledgerKey, EDGE_KEY: edgeKey };
  const worker = await startChild({
    name: 'edge',
    command: join(ROOT, 'node_modules/.bin/wrangler'),
    args: [
      ...['dev', '--config', join(ROOT, 'wrangler.toml'), '--local', '--test-scheduled'],
      ...['--ip', '127.0.0.1', '--port', String(bound)],
      ...['--inspector-port', String(about.inspectorPort ?? 0)],
      ...['--persist-to', join(state, 'edge/workerd'), '--show-interactive-dev-session=false'],
      ...Object.entries(vars).flatMap(([name, value]) => ['--var', `${name}:${value}`]),
      // Keys go by a file that its owner alone can read: command lines are public.
      ...['--env-file', await envFile(join(state, 'edge/worker.env'), secrets)],
    ],
    env: { CI: 'true', WRANGLER_SEND_METRICS: 'false' },
    log: at.log('edge'),
  });
  started(worker);
  await ready(url, worker);
  return url;
}

/** The embedded databases behind HTTP, migrated: what workerd can reach. */
export async function startDatabases(state: string, started: Started) {
  const at = layout(state);
  const databases = await startChild({
    name: 'databases',
    command: process.execPath,
    args: [join(ROOT, 'scripts/hrana.ts')],
    env: { HRANA_STATE: dirname(at.ledger) },
    log: at.log('databases'),
  });
  started(databases);
  const { ledger, directory } = await listening(databases);
  const urls = { LEDGER_URL: ledger, DIRECTORY_URL: directory };
  const args = [join(ROOT, 'scripts/migrate.ts')];
  await runToEnd({ name: 'migrate', command: process.execPath, args, env: urls });
  return urls;
}

/** The one line that `hrana.ts` prints once it listens, on ports that the system gave it. */
async function listening(databases: Child): Promise<z.infer<typeof urlsSchema>> {
  let over: string | undefined;
  void databases.ended.then((reason) => {
    over = reason;
  });
  for (;;) {
    const line = /^\{.*\}$/m.exec(databases.tail())?.[0];
    if (line !== undefined) return urlsSchema.parse(JSON.parse(line));
    if (over !== undefined) throw new Error(`databases ended (${over}):\n${databases.tail()}`);
    await pause(LOOK_MS);
  }
}

async function envFile(path: string, values: Readonly<Record<string, string>>): Promise<string> {
  const lines = Object.entries(values).map(([name, value]) => `${name}=${value}\n`);
  await writeFile(path, lines.join(''), { mode: 0o600 });
  return path;
}
