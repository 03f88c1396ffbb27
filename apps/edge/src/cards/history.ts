/** What a DID published before, and what it signed twice. */
import { agentField, cardHistoryAnswerSchema, didField } from '@zerostate/shared';
import { z } from 'zod';
import { limitField, limitOf } from '../http/query.ts';
import type { Router } from '../http/router.ts';
import type { Database, Row, Statement } from '../ports.ts';
import { cached } from './answer.ts';

/** Renewed twice a day, the 64 records that are kept of an agent go back a month; others further. */
const HISTORY_KEEP_MS = 90 * 86_400_000;
/** Whoever signs two records of one seq this often has shown what there is to show. */
const EQUIVOCATIONS_MAX = 100;

const query = z.strictObject({
  did: didField,
  agent: agentField.optional(),
  cursor: z
    .string()
    .regex(/^[1-9][0-9]{0,15}$/, 'not the cursor of this list')
    .optional(),
  limit: limitField,
});

export function addHistory(router: Router, { directory }: { directory: Database }): void {
  router.add(
    {
      method: 'get',
      path: '/v1/cards/history',
      tag: 'cards',
      summary: 'Records that a DID published, newest first, and those of one seq that contradict',
      query,
      answers: { 200: { description: 'One page', schema: cardHistoryAnswerSchema } },
    },
    async (c, { query: { did, agent, cursor, limit } }) => {
      const max = limitOf(limit);
      const before = cursor === undefined ? null : Number(cursor);
      const about = { did, agent: agent ?? null, before };
      const [past = [], contradictions = []] = await directory.readMany([
        pastRecords(about, max + 1),
        equivocations(about),
      ]);
      const page = past.slice(0, max);
      const body = JSON.stringify({
        records: page.map(toPastRecord),
        equivocations: before === null ? contradictions.map(toEquivocation) : [],
        ...(past.length > max ? { next: String(page.at(-1)?.rev) } : {}),
      });
      return cached(c, body);
    },
  );
}

type About = { did: string; agent: string | null; before: number | null };

function pastRecords({ did, agent, before }: About, limit: number): Statement {
  return {
    sql: `SELECT agent, seq, rev, revoked, record, published_at FROM card_history
          WHERE did = ?1 AND (?2 IS NULL OR agent = ?2) AND (?3 IS NULL OR rev < ?3)
          ORDER BY rev DESC LIMIT ?4`,
    args: [did, agent, before, limit],
  };
}

function equivocations({ did, agent }: About): Statement {
  return {
    sql: `SELECT agent, seq, record, other, at FROM card_equivocation
          WHERE did = ?1 AND (?2 IS NULL OR agent = ?2) ORDER BY at DESC LIMIT ?3`,
    args: [did, agent, EQUIVOCATIONS_MAX],
  };
}

function toPastRecord(row: Row) {
  return {
    agent: String(row.agent),
    seq: String(row.seq),
    rev: Number(row.rev),
    revoked: row.revoked === 1n,
    published_at: Number(row.published_at),
    record: parsed(row.record),
  };
}

function toEquivocation(row: Row) {
  return {
    agent: String(row.agent),
    seq: String(row.seq),
    at: Number(row.at),
    record: parsed(row.record),
    other: parsed(row.other),
  };
}

function parsed(text: Row[string] | undefined): unknown {
  return JSON.parse(String(text));
}

export function forgetHistory(now: number, rowsMax: number): Statement {
  return {
    sql: `DELETE FROM card_history WHERE (did, rev) IN (SELECT did, rev FROM card_history
            WHERE published_at < ?1 ORDER BY published_at LIMIT ?2)`,
    args: [now - HISTORY_KEEP_MS, rowsMax],
  };
}
