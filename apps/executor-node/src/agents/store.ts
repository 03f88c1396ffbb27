import { asc, eq } from 'drizzle-orm';
import { type Database, type Statement, sql } from '../state/database.ts';
import { outboxInsert } from '../state/store.ts';
import * as tables from '../state/tables.ts';
import type { SignedCard } from './sign-card.ts';

export type CardRow = typeof tables.card.$inferSelect;

export function readCards(database: Database): Promise<CardRow[]> {
  return database.db.select().from(tables.card).orderBy(asc(tables.card.agent));
}

export async function readCard(database: Database, agent: string): Promise<CardRow | null> {
  const rows = await database.db.select().from(tables.card).where(eq(tables.card.agent, agent));
  return rows[0] ?? null;
}

export function saveModule(
  sha256: string,
  bytes: Uint8Array,
  meter: string,
  now: number,
): Statement {
  return sql(
    `INSERT INTO module (sha256, bytes, meter, at) VALUES (?, ?, ?, ?)
     ON CONFLICT (sha256) DO UPDATE SET meter = excluded.meter`,
    sha256,
    bytes,
    meter,
    now,
  );
}

export async function readModule(database: Database, sha256: string): Promise<Uint8Array | null> {
  const { module } = tables;
  const rows = await database.db
    .select({ bytes: module.bytes })
    .from(module)
    .where(eq(module.sha256, sha256));
  return rows[0]?.bytes ?? null;
}

export async function modulePutAt(database: Database, sha256: string): Promise<number | null> {
  const { module } = tables;
  const rows = await database.db
    .select({ putAt: module.putAt })
    .from(module)
    .where(eq(module.sha256, sha256));
  return rows[0]?.putAt ?? null;
}

export function moduleWasPut(sha256: string, now: number): Statement {
  return sql('UPDATE module SET put_at = ? WHERE sha256 = ?', now, sha256);
}

/** A newly signed card, waiting to be published. */
export function saveCard(
  signed: SignedCard,
  source: { json: string; modules: readonly string[]; isRevoked: boolean },
  now: number,
): Statement {
  return sql(
    `INSERT INTO card (agent, seq, source, card, record, modules, expires_at, revoked, state, at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'waiting', ?)
     ON CONFLICT (agent) DO UPDATE SET seq = excluded.seq, source = excluded.source,
       card = excluded.card, record = excluded.record, modules = excluded.modules,
       expires_at = excluded.expires_at, revoked = excluded.revoked, state = 'waiting', code = '',
       at = excluded.at`,
    signed.agent,
    signed.seq,
    source.json,
    JSON.stringify(signed.card),
    JSON.stringify(signed.record),
    JSON.stringify(source.modules),
    signed.expiresAt,
    source.isRevoked ? 1 : 0,
    now,
  );
}

/** Puts a card's publication into the outbox. */
export function sendCard(row: CardRow, now: number): Statement[] {
  const record: unknown = JSON.parse(row.record);
  const card: unknown = JSON.parse(row.card);
  return [
    ...outboxInsert({ type: 'card.publish', ref: row.agent, body: { record, card } }, now),
    cardState(row.agent, row.seq, 'sent', ''),
  ];
}

/** Only of the record that it is about: a newer one may be there already. */
export function cardState(
  agent: string,
  seq: number,
  state: CardRow['state'],
  code: string,
): Statement {
  return sql(
    'UPDATE card SET state = ?, code = ? WHERE agent = ? AND seq = ?',
    state,
    code,
    agent,
    seq,
  );
}

/** The edge does not take a card that was sent; it is tried again later, with its modules. */
export function cardRefused(agent: string, code: string, now: number): Statement[] {
  return [
    sql(
      `UPDATE module SET put_at = NULL WHERE sha256 IN
       (SELECT value FROM card, json_each(card.modules) WHERE agent = ?)`,
      agent,
    ),
    sql(
      "UPDATE card SET state = 'refused', code = ?, at = ? WHERE agent = ? AND state <> 'waiting'",
      code,
      now,
      agent,
    ),
  ];
}

/** Cards that were refused before `before`: what was missing may be there now. */
export function retryRefused(before: number): Statement {
  return sql("UPDATE card SET state = 'waiting' WHERE state = 'refused' AND at <= ?", before);
}
