/** The edge of the local network in workerd: wrangler dev over the repository's own Hrana server. */
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runToEnd, startChild } from './child.ts';
import { ready, type Settings, type Started } from './edge.ts';
import { freePort, keyAt, layout } from './state.ts';

const ROOT = join(import.meta.dirname, '../..');

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
  const ledgerPort = await freePort(8_900);
  const directoryPort = await freePort(ledgerPort + 1);
  const urls = {
    LEDGER_URL: `http://127.0.0.1:${ledgerPort}`,
    DIRECTORY_URL: `http://127.0.0.1:${directoryPort}`,
  };
  const databases = await startChild({
    name: 'databases',
    command: process.execPath,
    args: [join(ROOT, 'scripts/hrana.ts')],
    env: {
      HRANA_STATE: dirname(at.ledger),
      HRANA_LEDGER_PORT: String(ledgerPort),
      HRANA_DIRECTORY_PORT: String(directoryPort),
    },
    log: at.log('databases'),
  });
  started(databases);
  await migrated(urls);
  return urls;
}

async function envFile(path: string, values: Readonly<Record<string, string>>): Promise<string> {
  const lines = Object.entries(values).map(([name, value]) => `${name}=${value}\n`);
  await writeFile(path, lines.join(''), { mode: 0o600 });
  return path;
}

/** The databases need a moment to listen: the migration is tried until they do. */
async function migrated(urls: Readonly<Record<string, string>>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      const args = [join(ROOT, 'scripts/migrate.ts')];
      await runToEnd({ name: 'migrate', command: process.execPath, args, env: urls });
      return;
    } catch (error) {
      if (tries === 20) throw error;
    }
  }
}
