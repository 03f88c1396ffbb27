import {
  type EdgeMessage,
  type EdgeMessageType,
  edgeMessages,
  err,
  isEdgeMessageType,
  ok,
  type Result,
} from '@zerostate/shared';
import type { Delivery, Handle } from './link/client.ts';
import { cancelTask, takeOffer } from './offers/admit-offer.ts';
import type { OffersContext } from './offers/context.ts';
import { channelChanged } from './wallet/channels.ts';
import { fileClaims } from './wallet/claims.ts';
import { type Refusal, refusal } from './wallet/context.ts';
import { answerClose, answerOpen, type Closer } from './wallet/proposals.ts';
import type { Redeemer } from './wallet/redeem.ts';
import { takeVoucher } from './wallet/vouchers.ts';

export interface MessageContext {
  offers: OffersContext;
  redeemer: Redeemer;
  closer: Closer;
  fatal: (cause: unknown) => void;
}

/** What each message of the edge does; messages about one task or channel in their order. */
export function createHandle(context: MessageContext): Handle {
  const lines = new Map<string, Promise<unknown>>();
  return (message) => {
    const key = keyOf(message);
    const before = lines.get(key) ?? Promise.resolve();
    const taken = before.then(() => take(context, message));
    // A failure is fatal and told by the link; whoever waits behind it must not tell it again.
    const line = taken.catch(() => undefined);
    lines.set(key, line);
    void line.then(() => {
      if (lines.get(key) === line) lines.delete(key);
    });
    return taken;
  };
}

/** A task is offered and cancelled under the same key, a channel proposed, paid and changed. */
function keyOf({ body }: Delivery): string {
  const parts: unknown[] = isObject(body) ? [body, ...Object.values(body)] : [];
  for (const part of parts) {
    if (!isObject(part)) continue;
    const inner = isObject(part.body) ? part.body : part;
    if (typeof inner.task === 'string') return inner.task;
    if (typeof inner.ch === 'string') return inner.ch;
  }
  return '';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

async function take(context: MessageContext, message: Delivery): Promise<Refusal | null> {
  const { type } = message;
  if (!isEdgeMessageType(type)) return { code: 'message-unknown', detail: type };
  const body = readBody(type, message.body);
  if (!body.ok) return refusal(body);
  return body.value(context);
}

type Taking = (context: MessageContext) => Promise<Refusal | null>;

/** The body by its schema, and what to do with it. */
function readBody(type: EdgeMessageType, raw: unknown): Result<Taking, 'message-invalid'> {
  switch (type) {
    case 'task.offer': {
      const body = edgeMessages['task.offer'].safeParse(raw);
      return body.success ? ok(({ offers }) => takeOffer(offers, body.data)) : invalid(body.error);
    }
    case 'task.cancel': {
      const body = edgeMessages['task.cancel'].safeParse(raw);
      return body.success ? ok(({ offers }) => cancelTask(offers, body.data)) : invalid(body.error);
    }
    case 'voucher.deliver': {
      const body = edgeMessages['voucher.deliver'].safeParse(raw);
      return body.success ? ok((context) => takePayment(context, body.data)) : invalid(body.error);
    }
    case 'channel.proposal': {
      const body = edgeMessages['channel.proposal'].safeParse(raw);
      return body.success ? ok((context) => takeProposal(context, body.data)) : invalid(body.error);
    }
    case 'channel.changed': {
      const body = edgeMessages['channel.changed'].safeParse(raw);
      return body.success ? ok((context) => takeChange(context, body.data)) : invalid(body.error);
    }
    case 'task.objection': {
      const body = edgeMessages['task.objection'].safeParse(raw);
      return body.success
        ? ok((context) => noteObjection(context, body.data))
        : invalid(body.error);
    }
    case 'verdict.request':
      return ok(() => Promise.resolve({ code: 'not-an-arbiter' }));
    case 'mesh.forward':
      return ok(() => Promise.resolve({ code: 'not-a-gateway' }));
  }
}

function invalid(error: { issues: readonly { path: readonly PropertyKey[] }[] }) {
  return err('message-invalid', error.issues[0]?.path.map(String).join('.'));
}

/** The ledger decides about it when the claim is filed; there is nothing to keep here. */
function noteObjection(
  { offers }: MessageContext,
  { objection }: EdgeMessage<'task.objection'>,
): Promise<null> {
  offers.wallet.log.warn('receipt objected', { objection: objection.body });
  return Promise.resolve(null);
}

async function takePayment(
  context: MessageContext,
  body: EdgeMessage<'voucher.deliver'>,
): Promise<Refusal | null> {
  const { refusal, isExposed, ch } = await takeVoucher(context.offers.wallet, body);
  // The voucher is safe on disk: its acknowledgement does not wait for the ledger.
  if (isExposed) context.redeemer.redeem(ch).catch(context.fatal);
  return refusal;
}

async function takeProposal(
  context: MessageContext,
  body: EdgeMessage<'channel.proposal'>,
): Promise<Refusal | null> {
  if (body.kind === 'open') return answerOpen(context.offers.wallet, body);
  const { refusal } = await answerClose(context.offers.wallet, body);
  if (refusal === null) context.closer.signPending().catch(context.fatal);
  return refusal;
}

async function takeChange(
  context: MessageContext,
  body: EdgeMessage<'channel.changed'>,
): Promise<Refusal | null> {
  const { wallet } = context.offers;
  await channelChanged(wallet, body);
  if (body.state === 'closing') {
    // The window is all the time there is.
    context.redeemer
      .redeem(body.ch)
      .then(() => fileClaims(wallet, body.ch))
      .catch(context.fatal);
  }
  return null;
}
