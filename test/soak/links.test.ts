/**
 * A thousand executors on one edge that goes away: they all come back by themselves, and nothing
 * on its way to them or from them is lost. It needs a minute, and belongs to the soak.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDatabase } from '../../apps/edge/src/adapters/libsql.ts';
import { outboxInsert } from '../../apps/edge/src/hub/outbox.ts';
import type { Database } from '../../apps/edge/src/ports.ts';
import { readNetwork } from '../../apps/edge/test-support/job.ts';
import type { LinkTarget } from '../../bench/link-client.ts';
import { Swarm } from '../../bench/link-swarm.ts';
import type { Child } from '../../scripts/start/child.ts';
import { startProcessEdge } from '../../scripts/start/edge.ts';
import { freePort, layout } from '../../scripts/start/state.ts';

const LINKS = 1_000;
/** Bounds against hanging: an executor that was refused many times waits half a minute. */
const WITHIN_MS = 300_000;
const BODY = { ch: 'A'.repeat(43), state: 'closed' } as const;

let state: string;
let port: number;
let edge: Child;
let swarm: Swarm;
let target: LinkTarget;
let directory: Database;

beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'zs-links-'));
  port = await freePort(21_000);
  target = await start();
  directory = openDatabase({ url: `file:${layout(state).directory}`, synchronous: 'normal' });
  swarm = await Swarm.of(LINKS);
});
afterEach(async () => {
  await swarm.stop();
  await directory.close();
  await edge.stop();
  await rm(state, { recursive: true, force: true });
});

async function start(): Promise<LinkTarget> {
  const started = (child: Child): void => {
    edge = child;
  };
  const url = await startProcessEdge(state, port, started, { settings: { LOG_LEVEL: 'warn' } });
  const { edge_did: did, network } = await readNetwork(url);
  return { host: '127.0.0.1', port, edge: { did, network } };
}

/** One message for each executor, written beside the edge. */
async function writeToAll(): Promise<void> {
  const rows = await directory.read({ sql: 'SELECT did FROM link', args: [] });
  const statements = rows.flatMap(({ did }) =>
    outboxInsert(String(did), 'channel.changed', BODY, Date.now()),
  );
  await directory.batch(statements);
}

async function numberOf(sql: string): Promise<number> {
  const [row] = await directory.read({ sql, args: [] });
  return Number(row?.n);
}

test.each(['SIGTERM', 'SIGKILL'] as const)(
  `${LINKS} links survive a %s of their edge, and nothing is lost`,
  async (signal) => {
    await swarm.open(LINKS, target, WITHIN_MS);
    await writeToAll();
    await swarm.reached('messages', LINKS, WITHIN_MS);
    await swarm.reached('acknowledged', LINKS, WITHIN_MS);
    process.kill(edge.pid, signal);
    expect(await edge.ended).toBe(signal === 'SIGTERM' ? 'exit 0' : signal);
    await writeToAll();
    await start();
    await swarm.allUp(LINKS, WITHIN_MS);
    await swarm.reached('messages', 2 * LINKS, WITHIN_MS);
    // The presence of each welcome: numbered on from where the edge had processed.
    await swarm.reached('acknowledged', 2 * LINKS, WITHIN_MS);
    await edge.stop();
    expect(await numberOf('SELECT COUNT(*) AS n FROM outbox')).toBe(0);
    expect(await numberOf('SELECT COUNT(*) AS n FROM link WHERE epoch = 2 AND seen = 2')).toBe(
      LINKS,
    );
    expect(swarm.total('messages')).toBe(2 * LINKS);
  },
  WITHIN_MS * 2,
);
