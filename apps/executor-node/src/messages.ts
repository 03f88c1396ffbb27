import {
  type EdgeMessage,
  type EdgeMessageType,
  edgeMessages,
  err,
  isEdgeMessageType,
  ok,
  type Result,
} from '@zerostate/shared';
import type { Lines } from './lines.ts';
import { cancelTask } from './offers/abandon-task.ts';
import { takeOffer } from './offers/admit-offer.ts';
import type { OffersContext } from './offers/context.ts';
import { channelChanged } from './wallet/channels.ts';
import { fileClaims } from './wallet/claims.ts';
import { type Refusal, refusal } from './wallet/context.ts';
import { answerClose, answerOpen, type Closer } from './wallet/proposals.ts';
import type { Redeemer } from './wallet/redeem.ts';
import { takeVoucher } from './wallet/vouchers.ts';

type Message = { type: string; body: unknown };

/** null when a message was taken: its effects are on disk. */
export type TakeMessage = (message: Message) => Promise<Refusal | null>;

export interface MessageContext {
  offers: OffersContext;
  redeemer: Redeemer;
  closer: Closer;
  lines: Lines;
  /** Carries a message to another node for the edge, or says why not. */
  forward: (message: EdgeMessage<'mesh.forward'>) => Refusal | null;
  fatal: (cause: unknown) => void;
}

/** What each message of the edge does; messages about one task or channel in their order. */
export function createHandle(context: MessageContext): TakeMessage {
  return (message) => context.lines.run(lineOf(message.body), () => take(context, message));
}

/** A task is offered and cancelled under the same key, a channel proposed, paid and changed. */
export function lineOf(body: unknown): string {
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

async function take(context: MessageContext, message: Message): Promise<Refusal | null> {
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
      return body.success ? ok((context) => takeLinked(context, body.data)) : invalid(body.error);
    }
    case 'task.cancel': {
      const body = edgeMessages['task.cancel'].safeParse(raw);
      return body.success ? ok((context) => cancelLinked(context, body.data)) : invalid(body.error);
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
    case 'mesh.forward': {
      const body = edgeMessages['mesh.forward'].safeParse(raw);
      return body.success ? ok((context) => takeForward(context, body.data)) : invalid(body.error);
    }
  }
}

function invalid(error: { issues: readonly { path: readonly PropertyKey[] }[] }) {
  return err('message-invalid', error.issues[0]?.path.map(String).join('.'));
}

async function takeLinked(
  { offers }: MessageContext,
  body: EdgeMessage<'task.offer'>,
): Promise<Refusal | null> {
  const taken = await takeOffer(offers, body, { by: 'link' });
  return taken.kind === 'refused' ? taken.refusal : null;
}

async function cancelLinked(
  { offers }: MessageContext,
  body: EdgeMessage<'task.cancel'>,
): Promise<null> {
  await cancelTask(offers, body);
  return null;
}

/** The edge keeps the message for its receiver's own link: carrying it is a favour to both. */
function takeForward(
  { forward }: MessageContext,
  body: EdgeMessage<'mesh.forward'>,
): Promise<Refusal | null> {
  return Promise.resolve(forward(body));
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
