import { disputeVerdictSchema } from '@zerostate/shared';
import { count } from 'drizzle-orm';
import { z } from 'zod';
import type { LinkStatus } from '../link/client.ts';
import type { Database } from '../state/database.ts';
import type { Pinned } from '../state/store.ts';
import * as tables from '../state/tables.ts';
import { countDisputes, type DisputeRow, recentDisputes } from './store.ts';

/** Disputes that `status` lists. */
const LISTED_MAX = 100;

/** What only a running arbiter knows. */
export interface RunningArbiterStatus {
  link: LinkStatus;
  sandbox: { mode: string };
  judging: number;
  named: boolean | null;
}

/** How an arbiter is, and its disputes, as plain JSON. */
export async function arbiterStatus(
  database: Database,
  pinned: Pinned,
  running: RunningArbiterStatus | null,
) {
  const waiting = await database.db.select({ n: count() }).from(tables.outbox);
  const listed = await recentDisputes(database, LISTED_MAX);
  return {
    running: running !== null,
    role: 'arbiter' as const,
    did: pinned.did,
    edge: pinned.edge,
    edge_did: pinned.edgeDid,
    network: pinned.network,
    link: running?.link ?? { state: 'stopped', since: null, problem: null },
    sandbox: running?.sandbox ?? null,
    named: running?.named ?? null,
    judging: running?.judging ?? 0,
    outbox: waiting[0]?.n ?? 0,
    disputes: await countDisputes(database),
    cases: listed.map(caseOf),
  };
}

const storedVerdict = z.object({ body: disputeVerdictSchema });

function caseOf(row: DisputeRow) {
  const { claim, state, why, detail, outcome, ch, task, tries, nextAt, at, decidedAt } = row;
  const words = row.verdict === null ? null : storedVerdict.parse(JSON.parse(row.verdict)).body;
  return {
    claim,
    state,
    ...(why === '' ? {} : { why }),
    ...(detail === '' ? {} : { detail }),
    verdict: words === null ? null : { verdict: words.verdict, price: words.price },
    outcome,
    ch,
    task,
    tries,
    next_at: nextAt,
    at,
    decided_at: decidedAt,
  };
}
