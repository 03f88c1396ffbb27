import { type TaskAnswer, type TaskReject, WAIT_MS_MAX } from '@zerostate/shared';
import { pause } from '../http/pause.ts';
import type { Reserved } from '../wallet/wallet.ts';
import {
  type AgentRef,
  type Candidate,
  findCandidate,
  forgetCard,
  isRemembered,
} from './candidates.ts';
import { type ClientContext, type Failure, fail, isRefusal, isUnknown } from './context.ts';
import { manifestFor, type Openings, reserve, submit, type TaskOrder } from './order.ts';
import type { Steps } from './progress.ts';
import type { RunOptions, RunValue } from './run-model.ts';
import { settle } from './settle.ts';

/** An executor that is on line answers within this; one that is not is left alone. */
const ACCEPT_MS = 15_000;
/** A short task is over before its submission is answered: that spares a request. */
const SUBMIT_WAIT_MS = 1_000;
/** Times that one busy executor is asked again, and the longest pause in between. */
const BUSY_RETRIES = 3;
const BUSY_PAUSE_MS_MAX = 5_000;

type Done<T> = { ok: true; value: T } | Failure;

/** `isFinal`: asking another agent would not help, or the money may be spent. */
type AttemptFailure = Failure & {
  isFinal: boolean;
  task?: string;
  /** What the attempt may still cost. */
  held?: bigint;
  retryMs?: number;
};
export type Attempt = { ok: true; value: Omit<RunValue, 'tried' | 'timings_ms'> } | AttemptFailure;

const elsewhere = (failure: Failure, held = 0n): AttemptFailure => ({
  ...failure,
  isFinal: failure.code === 'aborted',
  held,
});
const final = (failure: Failure, task?: string): AttemptFailure => ({
  ...failure,
  isFinal: true,
  ...(task === undefined ? {} : { task }),
});

/** One agent: its card, and the task as often as it asks to be asked again. */
export async function attemptAt(
  context: ClientContext,
  openings: Openings,
  ref: AgentRef,
  options: RunOptions,
  steps: Steps,
): Promise<Attempt> {
  const wasRemembered = isRemembered(context, ref);
  const attempt = await attemptWith(context, openings, ref, options, steps);
  if (attempt.ok) return attempt;
  forgetCard(context, ref);
  // Its terms may be others by now than those that were remembered.
  const isOutdated = wasRemembered && attempt.code.startsWith('rejected:');
  if (!isOutdated || attempt.code === 'rejected:busy') return attempt;
  return attemptWith(context, openings, ref, options, steps);
}

async function attemptWith(
  context: ClientContext,
  openings: Openings,
  ref: AgentRef,
  options: RunOptions,
  steps: Steps,
): Promise<Attempt> {
  const { skill, program, query, signal } = options;
  const found = await steps.take(
    'card',
    { did: ref.did, agent: ref.agent },
    () => findCandidate(context, ref, { skill, module: program, query }, signal),
    ({ name }) => ({ name }),
  );
  if (!found.ok) return elsewhere(found);
  if (options.verify !== 'never' && found.value.params.meter !== context.rerun.meter) {
    return elsewhere(fail('meter-unknown', found.value.params.meter));
  }
  const order: TaskOrder = {
    input: options.input ?? new Uint8Array(),
    args: options.args,
    limits: options.limits,
    budget: options.budget,
  };
  for (let again = 0; ; again++) {
    const attempt = await attemptOnce(context, openings, found.value, order, options, steps);
    if (attempt.ok || attempt.code !== 'rejected:busy' || again >= BUSY_RETRIES) return attempt;
    // Only one that was named is worth the wait: otherwise the next one may be free.
    const retryMs = attempt.retryMs ?? BUSY_PAUSE_MS_MAX + 1;
    if (options.agent === undefined || retryMs > BUSY_PAUSE_MS_MAX) return attempt;
    if (!(await pause(context.timers, retryMs, signal))) return final(fail('aborted'));
  }
}

async function attemptOnce(
  context: ClientContext,
  openings: Openings,
  candidate: Candidate,
  order: TaskOrder,
  options: RunOptions,
  steps: Steps,
): Promise<Attempt> {
  const { wallet } = context;
  const { signal } = options;
  const manifest = await manifestFor(context, candidate, order);
  if (!manifest.ok) return elsewhere(manifest);
  const about = { executor: candidate.did, price_max: manifest.value.price_max };
  const reserved = await steps.take(
    'channel',
    about,
    () => {
      const channel = { asked: options.channel ?? {}, openings, signal };
      return reserve(context, manifest.value, order, channel);
    },
    ({ ch, lane }) => ({ ch, lane: String(lane) }),
  );
  if (!reserved.ok) return elsewhere(reserved);
  const { task, cond } = reserved.value;
  const cap = BigInt(cond.body.cap);
  const submitted = await steps.take('submit', { task }, () =>
    submit(context, reserved.value, order.input, { waitMs: SUBMIT_WAIT_MS, signal }),
  );
  if (!submitted.ok) {
    // An edge that cannot be reached may have stored the task nevertheless.
    if (!isRefusal(submitted)) return final(submitted, task);
    await wallet.withdraw(task);
    return elsewhere(submitted);
  }
  const over = await steps.take('wait', { task }, () =>
    waitFor(context, submitted.value, Number(manifest.value.not_after), signal),
  );
  if (!over.ok) return over.code === 'task-not-accepted' ? elsewhere(over, cap) : final(over, task);
  const { state, reject, accept } = over.value;
  // An executor that had accepted may have run it: what it could claim stays out of the budget.
  if (state === 'rejected') return rejected(context, task, reject, accept === null ? 0n : cap);
  if (state !== 'done') return elsewhere(fail(`task-${state}`, task), cap);
  return settled(context, candidate, reserved.value, over.value, { order, options, steps });
}

async function rejected(
  { wallet }: ClientContext,
  task: string,
  reject: TaskReject | null,
  atRisk: bigint,
): Promise<AttemptFailure> {
  await wallet.withdraw(task);
  const code = reject?.code ?? 'unknown';
  const rejected = fail(`rejected:${code}`, reject?.detail);
  // Arguments that do not fit this program were meant for it: no other agent is asked with them.
  const failure = code.startsWith('argument-') ? final(rejected) : elsewhere(rejected, atRisk);
  return reject?.retry_ms === undefined ? failure : { ...failure, retryMs: reject.retry_ms };
}

/** The task once it is over; `task-not-accepted` when its executor shows no sign of life. */
async function waitFor(
  { edge, clock }: ClientContext,
  submitted: TaskAnswer,
  notAfter: number,
  signal?: AbortSignal,
): Promise<Done<TaskAnswer>> {
  const begun = clock.now();
  let latest = submitted;
  for (;;) {
    if (['done', 'rejected', 'failed'].includes(latest.state)) return { ok: true, value: latest };
    const waited = clock.now() - begun;
    const isOffered = latest.state === 'offered';
    if (isOffered && waited >= ACCEPT_MS) return fail('task-not-accepted', latest.task);
    if (clock.now() > notAfter) return fail('task-late', latest.task);
    const waitMs = isOffered ? Math.max(1_000, ACCEPT_MS - waited) : WAIT_MS_MAX;
    const next = await edge.task(latest.task, { waitMs, signal });
    if (!next.ok) return isUnknown(next) ? fail('task-lost', latest.task) : next;
    latest = next.value;
  }
}

async function settled(
  context: ClientContext,
  { did, agent, name }: Candidate,
  { task, ch, manifest, cond }: Reserved,
  answer: TaskAnswer,
  { order, options, steps }: { order: TaskOrder; options: RunOptions; steps: Steps },
): Promise<Attempt> {
  const mode = options.verify ?? 'sample';
  const ordered = { task, ch, manifest, cond };
  const settlement = await settle(context, ordered, answer, { mode, steps, input: order.input });
  if (!settlement.ok) return final(settlement, task);
  if (settlement.value.state === 'objected') {
    const { reason, detail } = settlement.value;
    return final(fail(`objected:${reason}`, detail), task);
  }
  const { receipt, output, verified, delivered } = settlement.value;
  const { body, envelope } = receipt;
  return {
    ok: true,
    value: {
      agent: { did, agent, name },
      ch,
      task,
      receiptId: receipt.id,
      receipt: envelope,
      output,
      status: body.status,
      gas: BigInt(body.gas),
      pagesPeak: BigInt(body.pages_peak),
      price: BigInt(body.price),
      verified,
      delivered,
      bundle: {
        network: context.network.network,
        receipt: envelope,
        manifest,
        cond,
        module: { sha256: manifest.body.module },
        input: order.input,
        output,
      },
    },
  };
}
