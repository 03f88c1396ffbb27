/** What peers of the mesh may ask of an executor: the messages of the link, by the same code. */
import type { Mesh, Question, Reply } from '@zerostate/mesh';
import { envelopeField, err, idOf, ok } from '@zerostate/shared';
import { eq } from 'drizzle-orm';
import type { Lines } from '../lines.ts';
import { lineOf, type TakeMessage } from '../messages.ts';
import { cancelTask } from '../offers/abandon-task.ts';
import { takeOffer } from '../offers/admit-offer.ts';
import type { OffersContext } from '../offers/context.ts';
import { readTask } from '../offers/store.ts';
import * as tables from '../state/tables.ts';
import { answerOf, manifestOf } from './answer.ts';
import type { Forwards } from './forwards.ts';
import type { Lookups } from './lookups.ts';

export interface QuestionsContext {
  offers: OffersContext;
  lines: Lines;
  take: TakeMessage;
  forwards: Forwards;
  lookups: Lookups;
  /** Called after each offer that was kept: whoever made it may wait for what is there already. */
  asked: () => void;
  fatal: (cause: unknown) => void;
}

/** Half-open channels that peers may have this node keep: each costs its proposer nothing. */
const OPENING_MAX = 64;

/** Lets peers ask. Everything that is not here is `message-unexpected`. */
export function answerQuestions(mesh: Mesh, context: QuestionsContext): void {
  const serve = (
    type: Question['message']['type'],
    answer: (question: Question) => Promise<Reply>,
  ): void =>
    mesh.tasks.handle(type, async (question) => {
      try {
        return await answer(question);
      } catch (cause) {
        // A disk that does not take what must be on it ends the node, whoever asked.
        context.fatal(cause);
        throw cause;
      }
    });
  serve('task.offer', (question) => offered(context, question));
  serve('task.cancel', (question) => cancelled(context, question));
  serve('task.objection', (question) => objected(context, question));
  serve('voucher.deliver', (question) => paid(context, question));
  serve('channel.proposal', (question) => proposed(context, question));
  serve('task.result', (question) => {
    const { from, message } = question;
    return message.type === 'task.result'
      ? context.forwards.bringBack(from, message.body)
      : unexpected(question);
  });
}

function unexpected({ message }: Question): Promise<Reply> {
  return Promise.resolve(err('message-unexpected', message.type));
}

/** An offer, a first time or again: who asks again wants to know how the task is. */
async function offered(context: QuestionsContext, question: Question): Promise<Reply> {
  const { from, message, body: bytes } = question;
  if (message.type !== 'task.offer') return unexpected(question);
  const { offers, lines, lookups } = context;
  const isAdmitted = lookups.admits(textOf(message.body.cond.body.ch));
  if (!isAdmitted) return err('busy', 'too many unknown channels');
  const taken = await lines.run(lineOf(message.body), () =>
    takeOffer(offers, message.body, { by: 'mesh', from, bytes }),
  );
  switch (taken.kind) {
    case 'refused':
      return err(taken.refusal.code, taken.refusal.detail);
    case 'rejected':
      return ok({ message: { type: 'task.reject', body: taken.reject } });
    case 'kept':
      context.asked();
      return answerOf(offers.wallet, taken.task, from);
  }
}

async function cancelled(context: QuestionsContext, question: Question): Promise<Reply> {
  const { from, message } = question;
  if (message.type !== 'task.cancel') return unexpected(question);
  const { offers, lines } = context;
  const { task } = message.body;
  if ((await creatorOf(context, task)) !== from) return err('task-unknown', task);
  await lines.run(task, () => cancelTask(offers, message.body));
  return answerOf(offers.wallet, task, from);
}

/** The ledger decides about it when a claim is filed; only a creator's word is worth a line. */
async function objected(context: QuestionsContext, question: Question): Promise<Reply> {
  const { from, message } = question;
  if (message.type !== 'task.objection') return unexpected(question);
  const { wallet } = context.offers;
  const id = textOf(message.body.objection.body.receipt);
  const { receipt } = tables;
  const rows = await wallet.database.db
    .select({ task: receipt.task })
    .from(receipt)
    .where(eq(receipt.id, id));
  const task = rows[0]?.task;
  if (task === undefined || (await creatorOf(context, task)) !== from) {
    return err('receipt-unknown', id.slice(0, 64));
  }
  return said(await context.take(message));
}

async function paid(context: QuestionsContext, question: Question): Promise<Reply> {
  const { message } = question;
  if (message.type !== 'voucher.deliver') return unexpected(question);
  const ch = textOf(message.body.voucher.body.ch);
  // What pays a task is on the channel of an accepted one: others are not asked of the edge.
  if (context.offers.wallet.book.get(ch) === null) return err('channel-unknown', ch.slice(0, 64));
  return said(await context.take(message));
}

/** A channel that its payer proposes, or a gateway brings: co-signed by the rules of the link. */
async function proposed(context: QuestionsContext, question: Question): Promise<Reply> {
  const { message } = question;
  if (message.type !== 'channel.proposal') return unexpected(question);
  const { wallet } = context.offers;
  const { kind, envelope } = message.body;
  const opening = wallet.book.all().filter(({ budget }) => budget.phase === 'opening');
  if (kind === 'open' && opening.length >= OPENING_MAX) return err('busy', 'half-open channels');
  const ch = textOf(envelope.body.ch);
  if (kind === 'close' && wallet.book.get(ch) === null) return err('channel-unknown');
  const refusal = await context.take(message);
  if (refusal !== null) return err(refusal.code, refusal.detail);
  if (kind === 'close') return ok({ message: null });
  const { channel } = tables;
  const rows = await wallet.database.db
    .select({ open: channel.open })
    .from(channel)
    .where(eq(channel.ch, idOf(wallet.pinned.network, 'paych.open', envelope.body)));
  if (rows[0] === undefined) return ok({ message: null });
  const signed = envelopeField.parse(JSON.parse(rows[0].open));
  return ok({ message: { type: 'channel.accept', body: { kind, envelope: signed } } });
}

function said(refusal: { code: string; detail?: string } | null): Reply {
  return refusal === null ? ok({ message: null }) : err(refusal.code, refusal.detail);
}

async function creatorOf({ offers }: QuestionsContext, task: string): Promise<string | null> {
  const row = await readTask(offers.wallet.database, task);
  return row === null ? null : manifestOf(row).creator;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
