/** Channels: opening, paying, closing. */
import {
  acceptChannelRequestSchema,
  cancelChannelRequestSchema,
  channelAnswerSchema,
  channelListAnswerSchema,
  close1RequestSchema,
  closeRequestSchema,
  didField,
  type Envelope,
  hashField,
  openChannelRequestSchema,
  REDEEM_BYTES_MAX,
  redeemAnswerSchema,
  redeemRequestSchema,
  rollRequestSchema,
  topupRequestSchema,
  voucherAnswerSchema,
  voucherRequestSchema,
} from '@zerostate/shared';
import type { Context } from 'hono';
import { z } from 'zod';
import type { EdgeEnv } from '../http/env.ts';
import type { ProblemCode } from '../http/problem.ts';
import { afterField, limitField, limitOf, waitField, waitMsOf } from '../http/query.ts';
import { createRouter, type Router, type RouterDeps } from '../http/router.ts';
import { readUntil } from '../hub/wait.ts';
import { answerOnce, answerText } from '../ledger/keyed-route.ts';
import type { Ledger } from '../ledger/store.ts';
import type { Clock, Hub } from '../ports.ts';

export type ChannelDeps = RouterDeps & { ledger: Ledger; hub: Hub; clock: Clock };

const params = z.strictObject({ ch: hashField });
const answers = { 200: { description: 'The channel', schema: channelAnswerSchema } };

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

type Order = {
  /** The last step of the path. */
  path: string;
  summary: string;
  /** One member: the signed envelope. */
  body: z.ZodType<Readonly<Record<string, Envelope<unknown>>>>;
  carryOut: Ledger[
    | 'acceptChannel'
    | 'cancelChannel'
    | 'closeChannel'
    | 'close1Channel'
    | 'topupChannel'
    | 'rollChannel'];
  failures: readonly ProblemCode[];
};

/** Signed orders about one channel, each answered with the channel. */
function ordersOf(ledger: Ledger): readonly Order[] {
  return [
    {
      path: 'accept',
      summary: 'Sign an offered channel and hold the second fund',
      body: acceptChannelRequestSchema,
      carryOut: ledger.acceptChannel,
      failures: ['funds-insufficient', 'open-by-passed', 'channel-active'],
    },
    {
      path: 'cancel',
      summary: 'Take back an offered channel',
      body: cancelChannelRequestSchema,
      carryOut: ledger.cancelChannel,
      failures: ['open-by-pending', 'channel-active'],
    },
    {
      path: 'close',
      summary: 'Close on totals that both sign; with one signature the other party is asked',
      body: closeRequestSchema,
      carryOut: ledger.closeChannel,
      failures: ['close-total-invalid', 'close-not-after-passed', 'channel-closed'],
    },
    {
      path: 'close1',
      summary: 'Start to close alone',
      body: close1RequestSchema,
      carryOut: ledger.close1Channel,
      failures: ['channel-closing', 'channel-closed'],
    },
    {
      path: 'topup',
      summary: "Add to one's own side",
      body: topupRequestSchema,
      carryOut: ledger.topupChannel,
      failures: ['funds-insufficient', 'nonce-used'],
    },
    {
      path: 'roll',
      summary: "Move income of another channel to one's own side of this one",
      body: rollRequestSchema,
      carryOut: ledger.rollChannel,
      failures: ['funds-insufficient', 'nonce-used'],
    },
  ];
}

function addOrders(router: Router, deps: ChannelDeps): void {
  for (const { path, summary, body, carryOut, failures } of ordersOf(deps.ledger)) {
    router.add(
      {
        method: 'post',
        path: `/v1/channels/{ch}/${path}`,
        tag: 'channels',
        summary,
        params,
        body,
        signed: 'optional',
        idempotent: true,
        answers,
        failures: ['channel-unknown', 'channel-wrong', 'party-wrong', ...failures],
      },
      (c, input) => {
        const [envelope = null] = Object.values(input.body);
        return answerOnce(deps, c, input, envelope, (claim) =>
          carryOut(envelope, claim, input.params),
        );
      },
    );
  }
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
