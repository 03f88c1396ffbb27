/** A published card as the directory keeps it. */

import type { CardDocument } from '@zerostate/discovery';
import {
  type CardRecord,
  type CardSummary,
  cardRecordSchema,
  type ExecutorCard,
  validateAgentCard,
} from '@zerostate/shared';
import { z } from 'zod';
import type { Row } from '../ports.ts';

/** What stands in a row; `record` and `card` are JSON text. */
export type CardRow = {
  did: string;
  agent: string;
  rev: number;
  expiresAt: number;
  revoked: boolean;
  funded: boolean;
  record: string;
  card: string;
};

export const CARD_COLUMNS = 'did, agent, rev, expires_at, revoked, funded, record, card';

export function toCardRow(row: Row): CardRow {
  return {
    did: String(row.did),
    agent: String(row.agent),
    rev: Number(row.rev),
    expiresAt: Number(row.expires_at),
    revoked: row.revoked === 1n,
    funded: row.funded === 1n,
    record: String(row.record),
    card: String(row.card),
  };
}

const storedRecord = z.object({ body: cardRecordSchema });

/** The signed record of a row. It was checked when it was stored, and is checked again. */
export function recordOf(row: Pick<CardRow, 'record'>): CardRecord {
  return storedRecord.parse(JSON.parse(row.record)).body;
}

function executorCardOf(row: CardRow): ExecutorCard {
  const card = validateAgentCard(JSON.parse(row.card));
  if (!card.ok) throw new Error(`stored card ${row.did}#${row.agent}: ${card.code}`);
  return card.value;
}

export function toSummary(row: CardRow, online: boolean): CardSummary {
  const record = recordOf(row);
  const { card, params } = executorCardOf(row);
  return {
    did: row.did,
    agent: row.agent,
    name: card.name,
    description: card.description,
    tags: [...new Set(card.skills.flatMap(({ tags }) => tags))],
    skills: card.skills.map(({ id }) => id),
    regions: params.regions,
    seq: record.seq,
    card_sha256: record.card_sha256,
    issued_at: record.issued_at,
    expires_at: record.expires_at,
    rev: row.rev,
    online,
  };
}

/** The card as the search index takes it. */
export function toDocument(row: CardRow): CardDocument {
  const { card, params } = executorCardOf(row);
  const { base, per_mgas, per_page } = params.price;
  return {
    key: `${row.did}#${row.agent}`,
    did: row.did,
    agent: row.agent,
    name: card.name,
    description: card.description,
    version: card.version,
    tags: [],
    skills: card.skills.map(({ id, name, description, tags, examples }) => ({
      id,
      name,
      description,
      tags,
      ...(examples === undefined ? {} : { examples }),
    })),
    regions: params.regions,
    price: { base: BigInt(base), perMgas: BigInt(per_mgas), perPage: BigInt(per_page) },
    cardSha256: recordOf(row).card_sha256,
    expiresAt: row.expiresAt,
  };
}
