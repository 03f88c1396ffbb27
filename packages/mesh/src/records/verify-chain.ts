import {
  type CardRecord,
  cardHash,
  cardRecordSchema,
  checkRecord,
  compareRecords,
  type Did,
  type ExecutorCard,
  err,
  ok,
  openEnvelope,
  type Result,
  type Verifier,
  validateAgentCard,
  verifyCard,
} from '@zerostate/shared';
import type { CardKey, SignedCard, UncheckedCard } from './card-value.ts';

export type ChainCode =
  /** The record is not one, or its signature or the card's is not its author's. */
  | 'signature-record'
  | 'signature-card'
  /** The card is not the one the record names. */
  | 'hash-differs'
  /** Signed well, by somebody or for something else than was asked for. */
  | 'authority-did'
  | 'authority-agent'
  | 'authority-card'
  | 'freshness-future'
  | 'freshness-expired'
  | 'freshness-stale'
  | 'freshness-equivocation';

export interface VerifiedCard extends SignedCard {
  body: CardRecord;
  params: ExecutorCard['params'];
}

export interface ChainContext {
  network: string;
  verifier: Verifier;
  /** ms since the epoch. */
  now: number;
  /** What was asked for; null where anything may come. */
  wanted: Pick<CardKey, 'did' | 'agent'> | null;
  /** The record held for the same agent. */
  held: (did: Did, agent: string) => CardRecord | null;
}

/**
 * Every card that comes from a peer, the table or gossip goes through this before anything else
 * sees it: hash → signature → authority → freshness. The first link that breaks names itself;
 * `detail` has the finding of the rule beneath it. Cheap links come before dear ones.
 */
export async function verifyChain(
  unchecked: UncheckedCard,
  context: ChainContext,
): Promise<Result<VerifiedCard, ChainCode>> {
  const claimed = cardRecordSchema.safeParse(bodyOf(unchecked.record));
  if (!claimed.success) return err('signature-record', 'not a card.record');
  const hash = checkHash(claimed.data, unchecked.card);
  if (!hash.ok) return hash;
  // What is already over, or older than what is held, is not worth two signature checks.
  const fresh = checkFreshness(claimed.data, context);
  if (!fresh.ok && fresh.code !== 'freshness-equivocation') return fresh;
  const signed = await checkSignatures(unchecked, claimed.data.did, context);
  if (!signed.ok) return signed;
  const authority = checkAuthority(claimed.data, unchecked, context);
  if (!authority.ok) return authority;
  // Equivocation is only said of a record that its author truly signed.
  if (!fresh.ok) return fresh;
  // While signatures were checked, a newer one may have been kept.
  const still = checkFreshness(claimed.data, context);
  if (!still.ok) return still;
  const { card, params } = authority.value;
  return ok({ record: signed.value, card, body: claimed.data, params });
}

function checkHash(body: CardRecord, card: Record<string, unknown>): Result<void, ChainCode> {
  return cardHash(card) === body.card_sha256 ? ok(undefined) : err('hash-differs', body.agent);
}

async function checkSignatures({ record, card }: UncheckedCard, did: Did, context: ChainContext) {
  const { network, verifier } = context;
  const opened = await openEnvelope(network, record, cardRecordSchema, 'card.record', verifier, {
    by: ({ did: author }) => [author],
    maxSigs: 1,
  });
  if (!opened.ok) return err('signature-record', opened.code);
  const signed = await verifyCard(card, did, verifier);
  return signed.ok ? ok(opened.value.envelope) : err('signature-card', signed.code);
}

function checkAuthority(
  body: CardRecord,
  { card }: UncheckedCard,
  { wanted }: ChainContext,
): Result<ExecutorCard, ChainCode> {
  if (wanted !== null && wanted.did !== body.did) return err('authority-did', body.did);
  if (wanted !== null && wanted.agent !== body.agent) return err('authority-agent', body.agent);
  const executor = validateAgentCard(card);
  return executor.ok
    ? executor
    : err('authority-card', `${executor.code} ${executor.detail ?? ''}`);
}

function checkFreshness(body: CardRecord, { now, held }: ChainContext): Result<void, ChainCode> {
  const times = checkRecord(body, now);
  if (!times.ok) {
    const isAhead = times.code === 'record-from-future';
    return err(isAhead ? 'freshness-future' : 'freshness-expired', times.code);
  }
  switch (compareRecords(held(body.did, body.agent), body)) {
    case 'stale':
      return err('freshness-stale', body.seq);
    case 'equivocation':
      return err('freshness-equivocation', body.seq);
    default:
      return ok(undefined);
  }
}

function bodyOf(record: unknown): unknown {
  return typeof record === 'object' && record !== null && 'body' in record ? record.body : null;
}
