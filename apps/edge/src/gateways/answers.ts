/** What gateway nodes bring back: taken like the signer's own message, by the same functions. */
import { type ExecutorMessage, err, type Result } from '@zerostate/shared';
import type { ProblemCode } from '../http/problem.ts';
import type { Clock, Database, Metrics } from '../ports.ts';
import type { Taken } from '../tasks/progress.ts';
import { learnOf } from './choice.ts';
import { answerAbout, type MeshAnswer } from './message.ts';
import { endForward, isAsked } from './store.ts';

/** The functions that take the same messages from their signer's own link. */
export type AnswerTakers = {
  [T in MeshAnswer['type']]: (from: string, body: ExecutorMessage<T>) => Promise<Taken>;
};

export type AnswerDeps = {
  clock: Clock;
  directory: Database;
  metrics: Metrics;
  network: string;
  takers: AnswerTakers;
};

/** Codes of what nobody signed so: whoever brings it made it up, or passed it on unread. */
const FORGED: readonly string[] = [
  'envelope-invalid',
  'type-wrong',
  'body-invalid',
  'not-canonical',
  'duplicate-signer',
  'signer-missing',
  'signer-unexpected',
  'signature-invalid',
] satisfies readonly ProblemCode[];

/**
 * Takes an answer that `gateway` carried. What it says is believed for the signatures in it alone,
 * whoever brings it; the same word again is refused, and does no harm.
 */
export async function takeAnswer(
  deps: AnswerDeps,
  gateway: string,
  answer: MeshAnswer,
): Promise<Result<void, ProblemCode>> {
  const taken = await takeInner(deps, gateway, answer);
  const code = taken.ok ? 'ok' : taken.code;
  deps.metrics.count('zs_mesh_answers_total', { type: answer.type, code });
  return taken;
}

async function takeInner(
  deps: AnswerDeps,
  gateway: string,
  answer: MeshAnswer,
): Promise<Result<void, ProblemCode>> {
  if (answer.from === gateway) return err('forbidden', 'your own words go by your own message');
  const taken = await dispatch(deps.takers, answer);
  if (taken.ok) {
    await learnGood(deps, gateway, answer);
    return taken.value === 'known' ? err('answer-repeated') : { ok: true, value: undefined };
  }
  if (FORGED.includes(taken.code)) await learnForged(deps, gateway, answer);
  return taken;
}

function dispatch(takers: AnswerTakers, answer: MeshAnswer): Promise<Taken> {
  switch (answer.type) {
    case 'task.accept':
      return takers['task.accept'](answer.from, answer.body);
    case 'task.result':
      return takers['task.result'](answer.from, answer.body);
    case 'channel.accept':
      return takers['channel.accept'](answer.from, answer.body);
  }
}

/** The second gateway that brings the same answer has done its work as well. */
async function learnGood(
  { clock, directory, network }: AnswerDeps,
  gateway: string,
  answer: MeshAnswer,
): Promise<void> {
  const about = answerAbout(network, answer);
  const ended = await endForward(directory, { target: answer.from, about, gateway });
  if (ended === null) return;
  const now = clock.now();
  const ms = Math.max(0, now - ended.at);
  await learnOf(directory, gateway, [{ ms, ahead: 1, good: true, at: now }]);
}

/** Only of a gateway that was asked: others have no record to spoil. */
async function learnForged(
  { clock, directory }: AnswerDeps,
  gateway: string,
  { from }: MeshAnswer,
): Promise<void> {
  if (!(await isAsked(directory, gateway, from))) return;
  await learnOf(directory, gateway, [{ ms: 0, ahead: 1, good: false, at: clock.now() }]);
}
