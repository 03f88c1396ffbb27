/** Channels: opening, paying, closing. */
import {
  acceptChannelRequestSchema,
  cancelChannelRequestSchema,
  channelAnswerSchema,
  channelListAnswerSchema,
  close1RequestSchema,
  closeRequestSchema,
  didField,
  envelopeField,
  hashField,
  openChannelRequestSchema,
  REDEEM_BYTES_MAX,
  redeemAnswerSchema,
  redeemRequestSchema,
  voucherAnswerSchema,
  voucherRequestSchema,
} from '@zerostate/shared';
import type { Context } from 'hono';
import { z } from 'zod';
import type { EdgeEnv } from '../http/env.ts';
import type { IdempotencyClaim } from '../http/idempotency.ts';
import type { ProblemCode } from '../http/problem.ts';
import { afterField, limitField, limitOf, waitField, waitMsOf } from '../http/query.ts';
import { createRouter, type Router, type RouterDeps } from '../http/router.ts';
import { readUntil } from '../hub/wait.ts';
import type { LedgerResult } from '../ledger/codes.ts';
import { answerOnce, answerText } from '../ledger/keyed-route.ts';
import type { Ledger } from '../ledger/store.ts';
import type { Clock, Hub } from '../ports.ts';

export type ChannelDeps = RouterDeps & { ledger: Ledger; hub: Hub; clock: Clock };

const params = z.strictObject({ ch: hashField });
const answers = { 200: { description: 'The channel', schema: channelAnswerSchema } };
const topupRequestSchema = z.strictObject({ topup: envelopeField });
const rollRequestSchema = z.strictObject({ roll: envelopeField });

export function channelRoutes(deps: ChannelDeps): Router {
  const router = createRouter(deps);
  addReads(router, deps);
  addOpen(router, deps);
  addOrders(router, deps);
  addVouchers(router, deps);
  addRedeem(router, deps);
  addFinalize(router, deps);
  return router;
}

function addReads(router: Router, deps: ChannelDeps): void {
  router.add(
    {
      method: 'get',
      path: '/v1/channels/{ch}',
      tag: 'channels',
      summary: 'A channel, now or as soon as its version is above the given one',
      params,
      query: z.strictObject({ wait: waitField, version: afterField }),
      answers,
      failures: ['channel-unknown'],
    },
    async (c, { params: { ch }, query }) => {
      const version = query.version === undefined ? -1 : Number(query.version);
      const found = await readUntil(
        deps,
        { topic: `channel:${ch}`, waitMs: waitMsOf(query.wait) },
        () => deps.ledger.channel(ch),
        (result) => !result.ok || result.value.version > version,
      );
      return answerText(c, found.ok ? { ok: true, value: found.value.json } : found);
    },
  );
  router.add(
    {
      method: 'get',
      path: '/v1/channels',
      tag: 'channels',
      summary: 'The channels of a DID',
      query: z.strictObject({ did: didField, cursor: hashField.optional(), limit: limitField }),
      answers: { 200: { description: 'One page', schema: channelListAnswerSchema } },
    },
    async (c, { query: { did, cursor = '', limit } }) =>
      answerText(c, await deps.ledger.channels(did, { cursor, limit: limitOf(limit) })),
  );
}

function addOpen(router: Router, deps: ChannelDeps): void {
  router.add(
    {
      method: 'post',
      path: '/v1/channels',
      tag: 'channels',
      summary: 'Open a channel',
      description:
        "Holds the opener's fund. With both signatures in the envelope the channel is active.",
      body: openChannelRequestSchema,
      signed: 'optional',
      idempotent: true,
      answers: { 201: { description: 'The channel', schema: channelAnswerSchema } },
      failures: ['funds-insufficient', 'channel-exists', 'terms-invalid', 'asset-unknown'],
    },
    (c, input) =>
      answerOnce(
        deps,
        c,
        input,
        input.body.open,
        (claim) => deps.ledger.openChannel(input.body.open, claim),
        201,
      ),
  );
}

type Carried = z.infer<typeof envelopeField>;
type Order<B> = {
  /** The last step of the path. */
  path: string;
  summary: string;
  body: z.ZodType<B>;
  envelope: (body: B) => Carried;
  carryOut: (
    envelope: Carried,
    claim: IdempotencyClaim,
    at: { ch: string },
  ) => Promise<LedgerResult<string>>;
  failures: readonly ProblemCode[];
};

/** One signed order about one channel, answered with the channel. */
function addOrder<B>(router: Router, deps: ChannelDeps, order: Order<B>): void {
  router.add(
    {
      method: 'post',
      path: `/v1/channels/{ch}/${order.path}`,
      tag: 'channels',
      summary: order.summary,
      params,
      body: order.body,
      signed: 'optional',
      idempotent: true,
      answers,
      failures: ['channel-unknown', 'channel-wrong', 'party-wrong', ...order.failures],
    },
    (c, input) => {
      const envelope = order.envelope(input.body);
      return answerOnce(deps, c, input, envelope, (claim) =>
        order.carryOut(envelope, claim, input.params),
      );
    },
  );
}

function addOrders(router: Router, deps: ChannelDeps): void {
  const { ledger } = deps;
  addOrder(router, deps, {
    path: 'accept',
    summary: 'Sign an offered channel and hold the second fund',
    body: acceptChannelRequestSchema,
    envelope: ({ open }) => open,
    carryOut: ledger.acceptChannel,
    failures: ['funds-insufficient', 'open-by-passed', 'channel-active'],
  });
  addOrder(router, deps, {
    path: 'cancel',
    summary: 'Take back an offered channel',
    body: cancelChannelRequestSchema,
    envelope: ({ cancel }) => cancel,
    carryOut: ledger.cancelChannel,
    failures: ['open-by-pending', 'channel-active'],
  });
  addOrder(router, deps, {
    path: 'close',
    summary: 'Close on totals that both sign; with one signature the other party is asked',
    body: closeRequestSchema,
    envelope: ({ close }) => close,
    carryOut: ledger.closeChannel,
    failures: ['close-total-invalid', 'close-not-after-passed', 'channel-closed'],
  });
  addOrder(router, deps, {
    path: 'close1',
    summary: 'Start to close alone',
    body: close1RequestSchema,
    envelope: ({ close1 }) => close1,
    carryOut: ledger.close1Channel,
    failures: ['channel-closing', 'channel-closed'],
  });
  addOrder(router, deps, {
    path: 'topup',
    summary: "Add to one's own side",
    body: topupRequestSchema,
    envelope: ({ topup }) => topup,
    carryOut: ledger.topupChannel,
    failures: ['funds-insufficient', 'nonce-used'],
  });
  addOrder(router, deps, {
    path: 'roll',
    summary: "Move income of another channel to one's own side of this one",
    body: rollRequestSchema,
    envelope: ({ roll }) => roll,
    carryOut: ledger.rollChannel,
    failures: ['funds-insufficient', 'nonce-used'],
  });
}

function addVouchers(router: Router, deps: ChannelDeps): void {
  router.add(
    {
      method: 'post',
      path: '/v1/channels/{ch}/vouchers',
      tag: 'channels',
      summary: "Put a voucher into the payee's mailbox",
      description: 'The newest per lane is kept and delivered; its total makes repeating harmless.',
      params,
      body: voucherRequestSchema,
      signed: 'optional',
      answers: { 200: { description: 'What the mailbox holds', schema: voucherAnswerSchema } },
      failures: ['channel-unknown', 'channel-wrong', 'party-wrong', 'voucher-over-fund'],
    },
    async (c: Context<EdgeEnv>, { params: at, body }) =>
      answerText(c, await deps.ledger.depositVoucher(body.voucher, at)),
  );
}

function addRedeem(router: Router, deps: ChannelDeps): void {
  router.add(
    {
      method: 'post',
      path: '/v1/channels/{ch}/redeem',
      tag: 'channels',
      summary: 'Pay vouchers out to their payee',
      params,
      body: redeemRequestSchema,
      bodyBytesMax: REDEEM_BYTES_MAX,
      signed: 'optional',
      idempotent: true,
      answers: { 200: { description: 'What moved and what not', schema: redeemAnswerSchema } },
    },
    (c, input) => {
      const { redemptions } = input.body;
      const voucher = redemptions[0]?.voucher ?? null;
      return answerOnce(deps, c, input, voucher, async (claim) => {
        const done = await deps.ledger.redeem(redemptions, claim, input.params);
        return done.ok ? { ok: true, value: JSON.stringify(done.value) } : done;
      });
    },
  );
}

function addFinalize(router: Router, deps: ChannelDeps): void {
  router.add(
    {
      method: 'post',
      path: '/v1/channels/{ch}/finalize',
      tag: 'channels',
      summary: 'End a closing channel after its window',
      params,
      body: z.strictObject({}),
      signed: 'optional',
      idempotent: true,
      answers,
      failures: ['channel-unknown', 'close-window-pending', 'claims-live', 'channel-closed'],
    },
    (c, input) =>
      answerOnce(deps, c, input, null, (claim) =>
        deps.ledger.finalizeChannel(input.params.ch, claim),
      ),
  );
}
