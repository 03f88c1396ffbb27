/** Cards in the directory: the newest record of each (did, agent), numbered by a growing rev. */
import type { Database, Statement } from '../ports.ts';
import { CARD_COLUMNS, type CardRow, toCardRow } from './model.ts';

/** Refused by a trigger when a DID has as many cards as it may have. */
export const CARD_LIMIT = 'card_limit';

export type NewCard = {
  did: string;
  agent: string;
  seq: string;
  issuedAt: number;
  expiresAt: number;
  cardSha256: string;
  revoked: boolean;
  funded: boolean;
  recordId: string;
  record: string;
  card: string;
  modules: readonly string[];
  at: number;
};

/** One batch; refused as a whole when a record of the same or a higher seq came in between. */
export function publishStatements(card: NewCard): Statement[] {
  const { did, agent } = card;
  const modules = card.revoked ? [] : [...new Set(card.modules)];
  return [
    { sql: 'UPDATE card_rev SET rev = rev + 1', args: [] },
    {
      sql: `INSERT INTO card(did, agent, seq, rev, issued_at, expires_at, card_sha256, revoked,
              funded, record_id, record, card, published_at)
            SELECT ?1, ?2, ?3, rev, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12 FROM card_rev WHERE true
            ON CONFLICT(did, agent) DO UPDATE SET seq = excluded.seq, rev = excluded.rev,
              issued_at = excluded.issued_at, expires_at = excluded.expires_at,
              card_sha256 = excluded.card_sha256, revoked = excluded.revoked,
              funded = excluded.funded, record_id = excluded.record_id,
              record = excluded.record, card = excluded.card, published_at = excluded.published_at`,
      args: [
        did,
        agent,
        BigInt(card.seq),
        card.issuedAt,
        card.expiresAt,
        card.cardSha256,
        card.revoked ? 1 : 0,
        card.funded ? 1 : 0,
        card.recordId,
        card.record,
        card.card,
        card.at,
      ],
    },
    { sql: 'DELETE FROM card_module WHERE did = ?1 AND agent = ?2', args: [did, agent] },
    {
      sql: `INSERT INTO card_module(module, did, agent)
            SELECT value, ?2, ?3 FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING`,
      args: [JSON.stringify(modules), did, agent],
    },
  ];
}

/** Keeps both signed records of one seq. */
export function equivocationStatement(
  held: { did: string; agent: string; seq: string; id: string; record: string },
  other: { id: string; record: string },
  at: number,
): Statement {
  return {
    sql: `INSERT INTO card_equivocation(did, agent, seq, record_id, record, other_id, other, at)
          VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING`,
    args: [
      held.did,
      held.agent,
      BigInt(held.seq),
      held.id,
      held.record,
      other.id,
      other.record,
      at,
    ],
  };
}

export async function readCard(
  database: Database,
  did: string,
  agent: string,
): Promise<CardRow | null> {
  const [row] = await database.read({
    sql: `SELECT ${CARD_COLUMNS} FROM card WHERE did = ?1 AND agent = ?2`,
    args: [did, agent],
  });
  return row === undefined ? null : toCardRow(row);
}

/** Whether an agent's publisher is online, and how often it signed two records of one seq. */
export async function readStanding(
  database: Database,
  { did, agent }: { did: string; agent: string },
  now: number,
): Promise<{ online: boolean; equivocations: number }> {
  const [row] = await database.read({
    sql: `SELECT EXISTS (SELECT 1 FROM presence WHERE did = ?1 AND alive_until > ?3) AS online,
            (SELECT COUNT(*) FROM card_equivocation WHERE did = ?1 AND agent = ?2) AS equivocations`,
    args: [did, agent, now],
  });
  return { online: row?.online === 1n, equivocations: Number(row?.equivocations ?? 0) };
}

export type HeldCards = { held: (CardRow & { recordId: string }) | null; others: number };

/** The record held for an agent, and how many other live cards its DID has. */
export async function readHeld(
  database: Database,
  about: { did: string; agent: string; now: number },
): Promise<HeldCards> {
  const [cards, counts] = await database.readMany([
    {
      sql: `SELECT ${CARD_COLUMNS}, record_id FROM card WHERE did = ?1 AND agent = ?2`,
      args: [about.did, about.agent],
    },
    {
      sql: `SELECT COUNT(*) AS n FROM card
            WHERE did = ?1 AND agent <> ?2 AND revoked = 0 AND expires_at > ?3`,
      args: [about.did, about.agent, about.now],
    },
  ]);
  const row = cards?.[0];
  const held = row === undefined ? null : { ...toCardRow(row), recordId: String(row.record_id) };
  return { held, others: Number(counts?.[0]?.n ?? 0) };
}

/** Live cards after a (did, agent), in that order; of one DID when it is named. */
export async function listCards(
  database: Database,
  page: { did?: string; after: readonly [string, string]; limit: number; now: number },
): Promise<(CardRow & { online: boolean })[]> {
  const { did, after, limit, now } = page;
  const [afterDid, afterAgent] = after;
  // Two texts, so that each is a range of the primary key.
  const where = did === undefined ? '(did, agent) > (?1, ?2)' : 'did = ?1 AND agent > ?2';
  const rows = await database.read({
    sql: `SELECT ${CARD_COLUMNS}, EXISTS (SELECT 1 FROM presence p
              WHERE p.did = card.did AND p.alive_until > ?3) AS online
          FROM card WHERE ${where} AND revoked = 0 AND expires_at > ?3
          ORDER BY did, agent LIMIT ?4`,
    args: [did ?? afterDid, did === undefined || did === afterDid ? afterAgent : '', now, limit],
  });
  return rows.map((row) => ({ ...toCardRow(row), online: row.online === 1n }));
}

/** Records above a rev, oldest first, the revoked ones too: what an index has to catch up with. */
export async function cardsSince(
  database: Database,
  rev: number,
  limit: number,
): Promise<CardRow[]> {
  const rows = await database.read({
    sql: `SELECT ${CARD_COLUMNS} FROM card WHERE rev > ?1 ORDER BY rev LIMIT ?2`,
    args: [rev, limit],
  });
  return rows.map(toCardRow);
}

/** Expired records are kept a day, so that an old seq cannot come back while it is still signed. */
const EXPIRED_KEEP_MS = 86_400_000;

export function forgetCards(now: number, rowsMax: number): Statement[] {
  return [
    {
      sql: `DELETE FROM card_module WHERE (did, agent) IN
              (SELECT did, agent FROM card WHERE expires_at < ?1 ORDER BY did, agent LIMIT ?2)`,
      args: [now - EXPIRED_KEEP_MS, rowsMax],
    },
    {
      sql: `DELETE FROM card WHERE (did, agent) IN
              (SELECT did, agent FROM card WHERE expires_at < ?1 ORDER BY did, agent LIMIT ?2)`,
      args: [now - EXPIRED_KEEP_MS, rowsMax],
    },
  ];
}
