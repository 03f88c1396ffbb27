import {
  agentField,
  CARD_BYTES_MAX,
  cardAnswerSchema,
  cardListAnswerSchema,
  decodeBase64url,
  didField,
  encodeBase64url,
  fromUtf8,
  publishCardRequestSchema,
  utf8,
} from '@zerostate/shared';
import { z } from 'zod';
import { keepAlive } from '../http/keep-alive.ts';
import { fail } from '../http/problem.ts';
import { limitField, limitOf } from '../http/query.ts';
import { createRouter, type Router, type RouterDeps } from '../http/router.ts';
import { cached } from './answer.ts';
import { addHistory } from './history.ts';
import { type CardRow, recordOf, toSummary } from './model.ts';
import { type CardDeps, publishCard } from './publish.ts';
import { listCards, readCard, readStanding } from './store.ts';

const params = z.strictObject({ did: didField, agent: agentField });
const listQuery = z.strictObject({
  did: didField.optional(),
  cursor: z.string().max(256).optional(),
  limit: limitField,
});

export type CardRouteDeps = CardDeps & {
  /** A card was published: the search index may look. */
  published: (cardSha256: string, later: (work: Promise<void>) => void) => void;
};

export function cardRoutes(deps: CardRouteDeps & RouterDeps): Router {
  const router = createRouter(deps);
  addPublish(router, deps);
  addList(router, deps);
  addGet(router, deps);
  addHistory(router, deps);
  return router;
}

function addPublish(router: Router, deps: CardRouteDeps & RouterDeps): void {
  router.add(
    {
      method: 'post',
      path: '/v1/cards',
      tag: 'cards',
      summary: 'Publish, renew or revoke a card',
      body: publishCardRequestSchema,
      bodyBytesMax: CARD_BYTES_MAX * 2,
      answers: {
        200: { description: 'This very record is published', schema: cardAnswerSchema },
        201: { description: 'Published', schema: cardAnswerSchema },
      },
      failures: [
        'signature-invalid',
        'card-invalid',
        'card-unsigned',
        'record-hash',
        'record-expired',
        'record-from-future',
        'card-stale',
        'card-equivocation',
        'card-limit',
        'card-lifetime',
        'rate-limited',
      ],
    },
    async (c, { body }) => {
      let retryMs: number | undefined;
      const published = await publishCard(deps, body, (did) => {
        const taken = deps.signature.didRate.take(did);
        if (!taken.ok) retryMs = taken.retryMs;
        return taken.ok;
      });
      if (!published.ok) {
        const extra = retryMs === undefined ? {} : { retry_ms: retryMs };
        return fail(c, published.code, published.detail, extra);
      }
      const { row, isNew } = published.value;
      if (isNew) deps.published(recordOf(row).card_sha256, (work) => keepAlive(c, work));
      return c.json(await answerOf(deps, row), isNew ? 201 : 200);
    },
  );
}

function addList(router: Router, deps: CardDeps): void {
  router.add(
    {
      method: 'get',
      path: '/v1/cards',
      tag: 'cards',
      summary: 'Live cards, by DID and agent',
      query: listQuery,
      answers: { 200: { description: 'One page', schema: cardListAnswerSchema } },
      failures: ['cursor-invalid'],
    },
    async (c, { query }) => {
      const after = readCursor(query.cursor);
      if (after === null) return fail(c, 'cursor-invalid');
      const limit = limitOf(query.limit);
      const rows = await listCards(deps.directory, {
        ...(query.did === undefined ? {} : { did: query.did }),
        after,
        limit: limit + 1,
        now: deps.clock.now(),
      });
      const page = rows.slice(0, limit);
      const last = page.at(-1);
      const body = JSON.stringify({
        cards: page.map((row) => toSummary(row, row.online)),
        ...(rows.length > limit && last ? { next: writeCursor(last) } : {}),
      });
      return cached(c, body);
    },
  );
}

function addGet(router: Router, deps: CardDeps): void {
  router.add(
    {
      method: 'get',
      path: '/v1/agents/{did}/{agent}',
      tag: 'cards',
      summary: 'A card with its signed record',
      params,
      answers: { 200: { description: 'The card', schema: cardAnswerSchema } },
      failures: ['card-unknown'],
    },
    async (c, { params: { did, agent } }) => {
      const row = await readLive(deps, did, agent);
      if (row === null) return fail(c, 'card-unknown');
      const answer = await answerOf(deps, row);
      return cached(c, JSON.stringify(answer));
    },
  );
  router.add(
    {
      method: 'get',
      path: '/v1/agents/{did}/{agent}/card.json',
      tag: 'cards',
      summary: 'The A2A agent card, byte for byte as its record hashes it',
      params,
      answers: { 200: { description: 'The A2A AgentCard' } },
      failures: ['card-unknown'],
    },
    async (c, { params: { did, agent } }) => {
      const row = await readLive(deps, did, agent);
      if (row === null) return fail(c, 'card-unknown');
      return cached(c, row.card, `"${row.rev}"`);
    },
  );
}

async function readLive(deps: CardDeps, did: string, agent: string): Promise<CardRow | null> {
  const row = await readCard(deps.directory, did, agent);
  if (row === null || row.revoked || row.expiresAt <= deps.clock.now()) return null;
  return row;
}

async function answerOf(deps: CardDeps, row: CardRow) {
  const { online, equivocations } = await readStanding(deps.directory, row, deps.clock.now());
  const record: unknown = JSON.parse(row.record);
  const card: unknown = JSON.parse(row.card);
  return { ...toSummary(row, online), equivocations, record, card };
}

/** The last (did, agent) of the page before, opaque to callers. */
function writeCursor(row: { did: string; agent: string }): string {
  return encodeBase64url(utf8(`${row.did}#${row.agent}`));
}

function readCursor(cursor: string | undefined): readonly [string, string] | null {
  if (cursor === undefined) return ['', ''];
  const bytes = decodeBase64url(cursor);
  const text = bytes.ok ? fromUtf8(bytes.value) : bytes;
  if (!text.ok) return null;
  const [did = '', agent = '', ...rest] = text.value.split('#');
  const isPlace = didField.safeParse(did).success && agentField.safeParse(agent).success;
  return isPlace && rest.length === 0 ? [did, agent] : null;
}
