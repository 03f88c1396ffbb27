import type { EdgeClient } from '@zerostate/sdk';
import {
  BLOB_BYTES_MAX,
  CARDS_PER_DID_MAX,
  envelopeField,
  err,
  ok,
  publishCardRequestSchema,
  type Result,
  type Signer,
} from '@zerostate/shared';
import { z } from 'zod';
import type { Clock, Log, Sandbox, SandboxLimits } from '../ports.ts';
import type { Database } from '../state/database.ts';
import type { Pinned } from '../state/store.ts';
import { agentFileSchema, readAgentFolder } from './agent-file.ts';
import type { CardCatalog } from './catalog.ts';
import { type CardTerms, namedAddresses, signAgentCard, signRevocation } from './sign-card.ts';
import {
  type CardRow,
  cardState,
  modulePutAt,
  moduleWasPut,
  readCard,
  readCards,
  readModule,
  retryRefused,
  saveCard,
  saveModule,
  sendCard,
} from './store.ts';

/** A card lives a day: an edge that keeps unfunded cards no longer takes it too. */
const LIFETIME_MS = 86_400_000;
/** It is signed again when half of that is over, so that an edge may be away for half a day. */
const RENEW_BEFORE_MS = LIFETIME_MS / 2;
/** A revocation is kept for as long as anybody could still hold a card of this agent. */
const REVOCATION_MS = 30 * 86_400_000;
/** A refused card is tried again after this: its account may be funded by then. */
const REFUSED_RETRY_MS = 60_000;
/** Relays come and go: a card is signed again for other addresses at most this often. */
const MOVED_AGAIN_MS = 600_000;
/** The edge keeps modules while a live card names them; one that lapsed is put again. */
const MODULE_PUT_MS = LIFETIME_MS;

/** What an agent.json and its modules came to, kept for signing again. */
const sourceSchema = z.object({
  file: agentFileSchema,
  hashes: z.record(z.string(), z.string()),
});

export interface PublishContext {
  database: Database;
  edge: EdgeClient;
  pinned: Pinned;
  signer: Signer;
  /** null where nothing can be admitted: `card list` and `card revoke` need no sandbox. */
  sandbox: Pick<Sandbox, 'admit' | 'meter' | 'limits'> | null;
  catalog: CardCatalog;
  clock: Clock;
  log: Log;
  /** Where callers reach this node over the mesh now; cards name them. */
  addresses: readonly string[];
}

/** Reads, checks, admits and signs an agent; it waits in the database to be published. */
export async function addCard(
  context: PublishContext,
  folder: string,
): Promise<Result<CardRow, string>> {
  const { database, sandbox, signer, clock } = context;
  if (sandbox === null) throw new Error('a card is added with a sandbox');
  const read = await readAgentFolder(folder);
  if (!read.ok) return read;
  const { file, hashes, modules } = read.value;
  const excess = limitExcess(file.limits, sandbox.limits);
  if (excess !== null) return err('limits-too-high', excess);
  for (const [hash, bytes] of modules) {
    const admitted = await sandbox.admit(bytes);
    if (!admitted.ok) {
      const path = Object.entries(hashes).find(([, value]) => value === hash)?.[0];
      return err(
        'module-inadmissible',
        `${path}: ${admitted.code} ${admitted.detail ?? ''}`.trim(),
      );
    }
  }
  const cards = await readCards(database);
  const before = cards.find(({ agent }) => agent === file.agent) ?? null;
  const live = cards.filter(({ revoked }) => revoked === 0);
  if (before?.revoked !== 0 && live.length >= CARDS_PER_DID_MAX) {
    return err('cards-too-many', `a node publishes at most ${CARDS_PER_DID_MAX}`);
  }
  const terms = cardTerms(context, before, sandbox.meter, LIFETIME_MS);
  const signed = await signAgentCard({ file, hashes }, terms, signer);
  if (!signed.ok) return signed;
  const now = clock.now();
  const json = JSON.stringify({ file, hashes });
  await database.write([
    ...[...modules].map(([hash, bytes]) => saveModule(hash, bytes, sandbox.meter, now)),
    saveCard(signed.value, { json, modules: [...modules.keys()], isRevoked: false }, now),
  ]);
  return stored(context, file.agent);
}

/** The limit of an agent file that this node could not keep, or null. */
function limitExcess(
  asked: z.infer<typeof agentFileSchema>['limits'],
  most: SandboxLimits,
): string | null {
  const blob = BigInt(BLOB_BYTES_MAX);
  const output = BigInt(most.outputMax);
  const bounds = [
    ['gas_max', asked.gas_max, most.gasMax],
    ['pages_max', asked.pages_max, BigInt(most.pagesMax)],
    ['wall_ms_max', asked.wall_ms_max, BigInt(most.wallMsMax)],
    ['input_max', asked.input_max, blob],
    ['output_max', asked.output_max, output < blob ? output : blob],
  ] as const;
  const over = bounds.find(([, value, bound]) => BigInt(value) > bound);
  return over === undefined ? null : `${over[0]} is over ${over[2]}`;
}

/** Signs that an agent is no more; offers for it are refused from now on. */
export async function revokeCard(
  context: PublishContext,
  agent: string,
): Promise<Result<CardRow, string>> {
  const { database, signer, clock } = context;
  const before = await readCard(database, agent);
  if (before === null) return err('card-unknown', `${agent} is not among the cards of this node`);
  if (before.revoked !== 0) return ok(before);
  const card = z.record(z.string(), z.unknown()).parse(JSON.parse(before.card));
  const terms = cardTerms(context, before, '', REVOCATION_MS);
  const signed = await signRevocation(agent, card, terms, signer);
  const source = { json: before.source, modules: [], isRevoked: true };
  await database.write([saveCard(signed, source, clock.now())]);
  return stored(context, agent);
}

/** Signs again what would expire soon, and what was signed for another meter. */
export async function renewCards(context: PublishContext): Promise<void> {
  const { database, sandbox, signer, clock, log } = context;
  if (sandbox === null) return;
  const now = clock.now();
  for (const row of await readCards(database)) {
    if (row.revoked !== 0) continue;
    const isMetered = row.card.includes(`"meter":"${sandbox.meter}"`);
    const isMoved = hasMoved(context, row, now);
    if (isMetered && !isMoved && row.expiresAt - now > RENEW_BEFORE_MS) continue;
    const source = sourceSchema.parse(JSON.parse(row.source));
    const terms = cardTerms(context, row, sandbox.meter, LIFETIME_MS);
    const signed = await signAgentCard(source, terms, signer);
    if (!signed.ok) {
      log.error('card not renewed', { agent: row.agent, code: signed.code, detail: signed.detail });
      continue;
    }
    const modules = z.array(z.string()).parse(JSON.parse(row.modules));
    await database.write([
      saveCard(signed.value, { json: row.source, modules, isRevoked: false }, now),
    ]);
  }
  await context.catalog.load();
}

/** Whether a card names other addresses than the node has; a node that moves often waits. */
function hasMoved({ addresses }: PublishContext, row: CardRow, now: number): boolean {
  // What a node without a mesh, or one that is just starting, once named ages with its card.
  if (addresses.length === 0) return false;
  const named = new Set(namedAddresses(JSON.parse(row.card)));
  if (named.symmetricDifference(new Set(addresses)).size === 0) return false;
  return named.size === 0 || now - row.at >= MOVED_AGAIN_MS;
}

/**
 * Publishes what waits: modules first, so that a card never names one that is not there. Over
 * `link` with the daemon's outbox, over HTTP where no daemon runs.
 */
export async function publishCards(context: PublishContext, via: 'link' | 'http'): Promise<number> {
  const { database, clock, log } = context;
  await database.write([retryRefused(clock.now() - REFUSED_RETRY_MS)]);
  let published = 0;
  for (const row of await readCards(database)) {
    if (row.state !== 'waiting') continue;
    const put = await putModules(context, row);
    if (!put.ok) {
      // Said once: the card waits and is tried again.
      if (row.code === put.code) continue;
      const hint =
        put.code === 'account-unfunded' ? `credit the account ${context.pinned.did}` : '';
      log.warn('card waits', { agent: row.agent, code: put.code, detail: put.detail, hint });
      await database.write([cardState(row.agent, row.seq, 'waiting', put.code)]);
      continue;
    }
    if (via === 'link') await database.write(sendCard(row, clock.now()));
    else await publishOverHttp(context, row);
    published += 1;
  }
  return published;
}

async function putModules(context: PublishContext, row: CardRow): Promise<Result<void, string>> {
  const { database, edge, clock } = context;
  for (const hash of z.array(z.string()).parse(JSON.parse(row.modules))) {
    const putAt = await modulePutAt(database, hash);
    if (putAt !== null && clock.now() - putAt < MODULE_PUT_MS) continue;
    const bytes = await readModule(database, hash);
    if (bytes === null) return err('module-missing', hash);
    const answer = await edge.putBlob(bytes);
    if (!answer.ok) return err(answer.code, answer.detail);
    await database.write([moduleWasPut(hash, clock.now())]);
  }
  return ok(undefined);
}

async function publishOverHttp(context: PublishContext, row: CardRow): Promise<void> {
  const request = publishCardRequestSchema.parse({
    record: envelopeField.parse(JSON.parse(row.record)),
    card: JSON.parse(row.card),
  });
  const answer = await context.edge.publishCard(request);
  const code = answer.ok ? '' : answer.code;
  // An edge that is down is no refusal: the card waits.
  const isDown = code === 'edge-unreachable' || code === 'edge-timeout';
  const state = answer.ok ? 'live' : isDown ? 'waiting' : 'refused';
  await context.database.write([cardState(row.agent, row.seq, state, code)]);
}

function cardTerms(
  context: PublishContext,
  before: CardRow | null,
  meter: string,
  lifetimeMs: number,
): CardTerms {
  const seqBefore = before?.seq ?? 0;
  const { pinned, addresses, clock } = context;
  return { pinned, addresses, meter, seqBefore, lifetimeMs, now: clock.now() };
}

async function stored(context: PublishContext, agent: string): Promise<Result<CardRow, string>> {
  await context.catalog.load();
  const row = await readCard(context.database, agent);
  return row === null ? err('card-unknown', agent) : ok(row);
}
