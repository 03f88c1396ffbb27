/** A node does not get slower by what it has done: no statement reads through all of it. */
import type { Client } from '@libsql/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openDatabase } from '../adapters/database.ts';
import { MeshPeer } from '../testing/mesh-peer.ts';
import { World } from '../testing/world.ts';
import type { Database } from './database.ts';
import { MIGRATIONS, migrate } from './migrate.ts';

/** Tables whose rows stay for ever. */
const HISTORY = ['channel', 'claim', 'cond', 'receipt', 'task', 'voucher'];
/** Indexes of what is unfinished, and of the newest. */
const SHORT = ['channel_live', 'cond_open', 'receipt_undelivered', 'voucher_waiting', 'voucher_at'];
/** A count that people ask for, from an index alone. */
const COUNTED = 'select "state", count(*) from "task" group by "task"."state"';

let world: World;
let peer: MeshPeer;
const asked = new Set<string>();

beforeEach(async () => {
  asked.clear();
  world = await World.make();
  world.listen = ['/ip4/127.0.0.1/tcp/0'];
  world.wrap = (inner) => {
    recordStatements(inner);
    return inner;
  };
});
afterEach(async () => {
  await peer.stop();
  await world.end();
  expect(world.failures).toEqual([]);
});

function recordStatements({ db }: Database): void {
  const { $client: client } = db as typeof db & { $client: Client };
  const { execute, batch } = client;
  vi.spyOn(client, 'execute').mockImplementation((statement: unknown) => {
    asked.add(textOf(statement));
    return execute(statement as string);
  });
  vi.spyOn(client, 'batch').mockImplementation((statements, mode) => {
    for (const statement of statements) asked.add(textOf(statement));
    return batch(statements, mode);
  });
}

function textOf(statement: unknown): string {
  if (typeof statement === 'string') return statement;
  return (statement as { sql: string }).sql;
}

async function plansOf(texts: Iterable<string>): Promise<Map<string, string[]>> {
  const plans = new Map<string, string[]>();
  const database = await openDatabase(':memory:');
  await migrate(database, MIGRATIONS, 1);
  for (const text of texts) {
    const rows = await database.db.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${text}`);
    plans.set(
      text,
      rows.map(({ detail }) => detail),
    );
  }
  await database.close();
  return plans;
}

/** Whether a step of a plan reads rows for everything that was ever done, or done on one lane. */
function readsHistory(step: string): boolean {
  if (SHORT.some((index) => step.includes(` INDEX ${index}`))) return false;
  const [kind, table = ''] = step.split(' ');
  if (!HISTORY.includes(table)) return false;
  if (kind === 'SCAN') return true;
  // From the beginning of a lane, or of a channel.
  if (table === 'receipt') return /INDEX receipt_lane/.test(step) && !step.includes('due>?');
  return table === 'voucher' && /PRIMARY KEY/.test(step) && !step.includes('cum=?');
}

test('a node asks nothing of its database that takes longer with everything it ever did', async () => {
  const caller = await world.ready();
  if (world.mesh === null) throw new Error('the node has no mesh');
  peer = await MeshPeer.join(world.mesh, world.edge.network, { now: () => world.time.now() }, 5);
  for (const byMesh of [false, true]) {
    const placed = await caller.sign();
    if (byMesh) await peer.said({ type: 'task.offer', body: placed.body });
    else world.edge.deliver('directory', 'task.offer', placed.body);
    const receipt = byMesh ? await peer.told(placed.task) : await caller.result(placed.task);
    const seq = await caller.pay({ ...placed, seq: 0 }, receipt);
    await world.edge.acked('ledger', seq);
  }
  // One is not paid, and claimed.
  const unpaid = await caller.offer();
  await caller.result(unpaid.task);
  await world.outboxEmpty();
  await world.passUntil(1_000, () => world.edge.claims.length > 0);
  await world.passUntil(10_000, () => world.edge.redeemed.length > 0);
  await world.stop();
  await world.start();
  for (const command of ['status', 'earnings'] as const) await world.node?.execute({ command });

  const texts = [...asked].filter((text) => /^\s*(select|insert|update|delete)/i.test(text));
  const plans = [...(await plansOf(texts))];
  const slow = plans.filter(([text, plan]) => text !== COUNTED && plan.some(readsHistory));
  expect(slow).toEqual([]);
  // Without the work there would be nothing to hold.
  for (const word of ['receipt', 'voucher', 'claim', 'push', 'output']) {
    expect(texts.filter((text) => text.includes(word))).not.toEqual([]);
  }
});
