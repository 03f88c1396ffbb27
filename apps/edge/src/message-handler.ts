/** Which room each message of an executor belongs to. */
import { type ExecutorMessage, type ExecutorMessageType, ok, type Result } from '@zerostate/shared';
import { DatabaseError } from './adapters/libsql-error.ts';
import { recordOf } from './cards/model.ts';
import { type CardDeps, publishCard } from './cards/publish.ts';
import { type AnswerTakers, takeAnswer } from './gateways/answers.ts';
import { isProblemCode, type ProblemCode } from './http/problem.ts';
import type { MessageHandler, MessageOutcome } from './hub/inbound.ts';
import type { Ledger } from './ledger/store.ts';
import type { TaskDeps } from './tasks/deps.ts';
import { acceptTask, finishTask, rejectTask, type Taken } from './tasks/progress.ts';

export type HandlerDeps = {
  cards: CardDeps;
  tasks: TaskDeps;
  ledger: Ledger;
  /** A card was published: the index may look. */
  published: (cardSha256: string) => void;
};

type Handlers = {
  [T in ExecutorMessageType]: (did: string, body: ExecutorMessage<T>) => Promise<MessageOutcome>;
};

const DONE: MessageOutcome = ok(undefined);

export function createMessageHandler(deps: HandlerDeps): MessageHandler {
  const { clock, directory, metrics, network } = deps.tasks;
  const answers = { clock, directory, metrics, network, takers: answerTakers(deps) };
  const handlers: Handlers = {
    'card.publish': async (_did, body) => {
      const published = await publishCard(deps.cards, body);
      if (!published.ok) return published;
      deps.published(recordOf(published.value.row).card_sha256);
      return DONE;
    },
    // The session keeps the load; there is nothing to store for each report.
    presence: async () => DONE,
    'channel.accept': async (did, { kind, envelope }) => {
      const accept = kind === 'open' ? deps.ledger.acceptChannel : deps.ledger.closeChannel;
      return outcomeOf(await accept(envelope, null, { by: did }));
    },
    'task.accept': async (did, body) => done(await acceptTask(deps.tasks, did, body)),
    'task.reject': async (did, body) => done(await rejectTask(deps.tasks, did, body)),
    'task.progress': async () => DONE,
    'task.result': async (did, body) => done(await finishTask(deps.tasks, did, body)),
    'voucher.redeem': async (did, { redemptions }) => {
      const redeemed = await deps.ledger.redeem(redemptions, null, { by: did });
      if (!redeemed.ok) return outcomeOf(redeemed);
      const [refused] = redeemed.value.refused;
      // The rows that were good have moved; the first bad one is what the executor hears of.
      return refused === undefined ? DONE : outcomeOf({ ok: false, ...refused });
    },
    'claim.file': async (did, filing) => outcomeOf(await deps.ledger.fileClaim(filing, did, null)),
    'dispute.verdict': async (_did, { verdict }) =>
      outcomeOf(await deps.ledger.giveVerdict(verdict)),
    'mesh.answer': (did, body) => takeAnswer(answers, did, body),
  };
  return { handle: (did, type, body) => dispatch(handlers, did, type, body) };
}

/** The same functions for what another node carried: the signatures inside are the authority. */
function answerTakers({ tasks, ledger }: HandlerDeps): AnswerTakers {
  return {
    'task.accept': (from, body) => acceptTask(tasks, from, body),
    'task.result': (from, body) => finishTask(tasks, from, body),
    'channel.accept': async (from, { kind, envelope }) => {
      const isOpen = kind === 'open';
      const accept = isOpen ? ledger.acceptChannel : ledger.closeChannel;
      const accepted = await accept(envelope, null, { by: from });
      if (accepted.ok) return ok('new');
      if (accepted.code === (isOpen ? 'channel-active' : 'channel-closed')) return ok('known');
      const refused = outcomeOf(accepted);
      return refused.ok ? ok('known') : refused;
    },
  };
}

/** On its own link an executor may say everything twice. */
function done(taken: Taken): MessageOutcome {
  return taken.ok ? DONE : taken;
}

/** Checked border: `body` was parsed by the schema of `type` before. */
function dispatch<T extends ExecutorMessageType>(
  handlers: Handlers,
  did: string,
  type: T,
  body: unknown,
): Promise<MessageOutcome> {
  return handlers[type](did, body as ExecutorMessage<T>);
}

function outcomeOf(
  result: { ok: true } | { ok: false; code: string; detail?: string | undefined },
): Result<void, ProblemCode> {
  if (result.ok) return DONE;
  // Not processed: the link ends without an acknowledgement, and the message comes again.
  if (result.code === 'storage-unavailable') {
    throw new DatabaseError('unavailable', {
      sqlite: result.detail ?? 'the ledger does not answer',
    });
  }
  if (!isProblemCode(result.code)) throw new Error(`code ${result.code} has no problem`);
  const { code, detail } = result;
  return { ok: false, code, ...(detail === undefined ? {} : { detail }) };
}
