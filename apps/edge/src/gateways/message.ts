/** Which messages of an outbox a gateway may carry, and what their answers are about. */
import {
  type EdgeMessage,
  type ExecutorMessage,
  edgeMessages,
  err,
  idOf,
  type OutboxDatabase,
  ok,
  parseJson,
  type Result,
} from '@zerostate/shared';
import type { OutboxRow } from '../hub/outbox.ts';

/** Only what is signed inside: a gateway can delay it, neither forge nor refuse. */
export const CARRIED_TYPES = ['task.offer', 'voucher.deliver', 'channel.proposal'] as const;

export type Carried = {
  db: OutboxDatabase;
  seq: number;
  /** The task or channel that an answer names; '' when none is expected. */
  about: string;
  message: EdgeMessage<'mesh.forward'>;
};

export function carriedOf(
  network: string,
  to: string,
  db: OutboxDatabase,
  row: OutboxRow,
): Result<Carried, 'not-carried'> {
  const body = parseJson(row.body);
  if (!body.ok) return err('not-carried', body.code);
  const wrapped = { to, type: row.type, body: body.value };
  const message = edgeMessages['mesh.forward'].safeParse(wrapped);
  if (!message.success) return err('not-carried', row.type);
  return ok({ db, seq: row.seq, about: aboutOf(network, message.data), message: message.data });
}

export type MeshAnswer = ExecutorMessage<'mesh.answer'>;

/** The task or channel of an answer whose signatures were checked. */
export function answerAbout(network: string, answer: MeshAnswer): string {
  switch (answer.type) {
    case 'task.accept':
      return textOf(answer.body.accept.body.task);
    case 'task.result':
      return textOf(answer.body.receipt.body.task);
    case 'channel.accept':
      return channelOf(network, answer.body);
  }
}

function aboutOf(network: string, message: EdgeMessage<'mesh.forward'>): string {
  switch (message.type) {
    case 'task.offer':
      return textOf(message.body.cond.body.task);
    case 'channel.proposal':
      return channelOf(network, message.body);
    case 'voucher.deliver':
      return '';
  }
}

function channelOf(network: string, { kind, envelope }: EdgeMessage<'channel.proposal'>): string {
  return kind === 'close' ? textOf(envelope.body.ch) : idOf(network, 'paych.open', envelope.body);
}

/** The newest voucher of each lane says what the older ones said; everything else stays. */
export function newestVouchers(messages: readonly Carried[]): Carried[] {
  const last = new Map<string, Carried>();
  for (const each of messages)
    if (each.message.type === 'voucher.deliver') last.set(laneOf(each), each);
  return messages.filter(
    (each) => each.message.type !== 'voucher.deliver' || last.get(laneOf(each)) === each,
  );
}

function laneOf({ message }: Carried): string {
  if (message.type !== 'voucher.deliver') return '';
  const { ch, dir, lane } = message.body.voucher.body;
  return [ch, dir, lane].map(textOf).join('/');
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
