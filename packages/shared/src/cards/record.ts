/** Rules of `card.record` (protocol.md, Agent card): which of two records of an agent holds. */
import { sha256Base64url, utf8 } from '../encoding/bytes.ts';
import { jcs } from '../encoding/jcs.ts';
import { ISSUED_AHEAD_MS_MAX } from '../limits.ts';
import type { CardRecord } from '../messages/card.ts';
import { err, ok, type Result } from '../result.ts';

export type RecordCode = 'record-from-future' | 'record-expired' | 'record-period' | 'record-hash';

/** sha256 of the card's canonical JSON, signatures included: what `card_sha256` names. */
export function cardHash(card: { readonly [key: string]: unknown }): string {
  return sha256Base64url(utf8(jcs(card)));
}

/** The times of a record at `now` (ms): not issued ahead, not over. */
export function checkRecord(record: CardRecord, now: number): Result<void, RecordCode> {
  const issuedAt = Number(record.issued_at);
  const expiresAt = Number(record.expires_at);
  if (expiresAt <= issuedAt) return err('record-period');
  if (issuedAt > now + ISSUED_AHEAD_MS_MAX) return err('record-from-future');
  return now < expiresAt ? ok(undefined) : err('record-expired');
}

/** As `checkRecord`, and that the card is the one the record names. */
export function checkCardRecord(
  record: CardRecord,
  card: { readonly [key: string]: unknown },
  now: number,
): Result<void, RecordCode> {
  const times = checkRecord(record, now);
  if (!times.ok) return times;
  return cardHash(card) === record.card_sha256 ? times : err('record-hash');
}

/** How a record stands to the one that is held for the same (did, agent). */
export type RecordOrder = 'newer' | 'same' | 'equivocation' | 'stale';

/**
 * The highest seq wins. The same seq again is the same record only if everything in it is the
 * same: another card, another period or a changed mind about revocation is equivocation.
 */
export function compareRecords(held: CardRecord | null, incoming: CardRecord): RecordOrder {
  if (held === null) return 'newer';
  if (held.did !== incoming.did || held.agent !== incoming.agent) {
    throw new RangeError('records of different agents have no order');
  }
  const ahead = BigInt(incoming.seq) - BigInt(held.seq);
  if (ahead !== 0n) return ahead > 0n ? 'newer' : 'stale';
  return jcs(held) === jcs(incoming) ? 'same' : 'equivocation';
}

/** Whether the agent of a record can be found and used at `now`. */
export function isLiveRecord(record: CardRecord, now: number): boolean {
  return record.revoked === 'false' && checkRecord(record, now).ok;
}

/** `did#agent`, as it is written and read by people. */
export function agentName(record: { did: string; agent: string }): string {
  return `${record.did}#${record.agent}`;
}
