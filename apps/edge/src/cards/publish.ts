/** Publishing a card: its record and its own signature are checked, then the highest seq wins. */
import {
  type CardRecord,
  cardRecordSchema,
  checkCardRecord,
  compareRecords,
  type Envelope,
  type ExecutorCard,
  err,
  jcs,
  ok,
  openEnvelope,
  type PublishCardRequest,
  type Result,
  UNFUNDED_CARD_MS_MAX,
  type Verifier,
  validateAgentCard,
  verifyCard,
} from '@zerostate/shared';
import { isRefused, isRefusedBy } from '../database-fault.ts';
import type { ProblemCode } from '../http/problem.ts';
import type { LedgerView } from '../ledger-view.ts';
import type { Clock, Database } from '../ports.ts';
import { type CardRow, recordOf } from './model.ts';
import {
  CARD_LIMIT,
  equivocationStatement,
  type HeldCards,
  publishStatements,
  readHeld,
} from './store.ts';

export type CardDeps = {
  directory: Database;
  clock: Clock;
  verifier: Verifier;
  network: string;
  ledger: LedgerView;
};

type Checked = {
  id: string;
  record: CardRecord;
  envelope: Envelope<CardRecord>;
  card: ExecutorCard;
};

/** The row that stands after it, and whether this call put it there. */
export type Published = { row: CardRow; isNew: boolean };

/** `admits` is asked once the signatures stand: nobody can use up another's rate. */
export async function publishCard(
  deps: CardDeps,
  request: PublishCardRequest,
  admits: (did: string) => boolean = () => true,
): Promise<Result<Published, ProblemCode>> {
  const checked = await checkRequest(deps, request);
  if (!checked.ok) return checked;
  const { record } = checked.value;
  if (!admits(record.did)) return err('rate-limited');
  // Two workers may publish at once: the loser of the batch looks again, and then finds a newer one.
  for (let attempt = 0; ; attempt++) {
    const now = deps.clock.now();
    const before = await readHeld(deps.directory, { did: record.did, agent: record.agent, now });
    const order = compareRecords(before.held && recordOf(before.held), record);
    if (order === 'same' && before.held) return ok({ row: before.held, isNew: false });
    if (order === 'stale') return err('card-stale');
    if (order === 'equivocation') return keepEquivocation(deps, before, checked.value, now);
    const funded = await deps.ledger.isFunded(record.did);
    const refusal = funded ? null : unfundedRefusal(record, before, now);
    if (refusal !== null) return refusal;
    const written = await write(deps, checked.value, funded, now);
    if (written.ok || written.code !== 'card-stale' || attempt > 0) return written;
  }
}

/** Everything that needs no database, the cheap parts first. */
async function checkRequest(
  deps: CardDeps,
  request: PublishCardRequest,
): Promise<Result<Checked, ProblemCode>> {
  const { verifier, network, clock } = deps;
  const opened = await openEnvelope(
    network,
    request.record,
    cardRecordSchema,
    'card.record',
    verifier,
    { by: (body) => [body.did], maxSigs: 1 },
  );
  if (!opened.ok) return opened;
  const card = validateAgentCard(request.card);
  if (!card.ok) return card;
  const { id, body, envelope } = opened.value;
  const named = checkCardRecord(body, request.card, clock.now());
  if (!named.ok) return named;
  const signed = await verifyCard(request.card, body.did, verifier);
  if (!signed.ok) return signed;
  return ok({ id, record: body, envelope, card: card.value });
}

/** A DID without money here keeps one card for a day. */
function unfundedRefusal(record: CardRecord, before: HeldCards, now: number) {
  if (record.revoked === 'true') return null;
  if (before.others > 0) return err('card-limit', 'one card without a funded account');
  const livesMs = Number(record.expires_at) - now;
  if (livesMs <= UNFUNDED_CARD_MS_MAX) return null;
  return err('card-lifetime', 'at most 24 hours without a funded account');
}

async function keepEquivocation(
  deps: CardDeps,
  before: HeldCards,
  other: Checked,
  now: number,
): Promise<Result<never, ProblemCode>> {
  const { held } = before;
  if (held === null) throw new Error('equivocation needs a held record');
  const { did, agent, seq } = other.record;
  await deps.directory.batch([
    equivocationStatement(
      { did, agent, seq, id: held.recordId, record: held.record },
      { id: other.id, record: JSON.stringify(other.envelope) },
      now,
    ),
  ]);
  return err('card-equivocation', `seq ${seq} of ${did}#${agent}`);
}

async function write(
  deps: CardDeps,
  checked: Checked,
  funded: boolean,
  at: number,
): Promise<Result<Published, ProblemCode>> {
  const { record, envelope, card, id } = checked;
  const row = {
    did: record.did,
    agent: record.agent,
    expiresAt: Number(record.expires_at),
    revoked: record.revoked === 'true',
    funded,
    record: JSON.stringify(envelope),
    card: jcs(card.card),
  };
  const statements = publishStatements({
    ...row,
    seq: record.seq,
    issuedAt: Number(record.issued_at),
    cardSha256: record.card_sha256,
    recordId: id,
    modules: card.params.programs.map(({ module }) => module),
    at,
  });
  const revOf = { sql: 'SELECT rev FROM card_rev', args: [] };
  try {
    const rows = await deps.directory.batch([...statements, revOf]);
    return ok({ row: { ...row, rev: Number(rows.at(-1)?.[0]?.rev) }, isNew: true });
  } catch (error) {
    if (isRefusedBy(error, CARD_LIMIT)) return err('card-limit');
    if (isRefused(error)) return err('card-stale');
    throw error;
  }
}
