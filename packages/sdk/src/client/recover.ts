import type { TaskAnswer } from '@zerostate/shared';
import type { EdgeResult } from '../http/outcome.ts';
import type { VerifyMode } from '../verify/policy.ts';
import { isDone, type WalletTask } from '../wallet/model.ts';
import { refreshChannel } from './channels.ts';
import { type ClientContext, isUnknown } from './context.ts';
import { handOver } from './hand-over.ts';
import { createSteps, type OnProgress } from './progress.ts';
import { deliver, settle } from './settle.ts';

/** Tasks that are asked about at the same time: one executor that is away holds up none of the others. */
const AT_ONCE = 8;

/** What became of a task that an earlier run left open. */
export interface Recovered {
  task: string;
  agent: { did: string; agent: string };
  /**
   * paid, objected: now. delivered: its voucher or objection reached the edge now. claimed, voided,
   * lapsed: the ledger has settled it. withdrawn: its executor turned it down. open: nothing yet.
   */
  state: 'paid' | 'objected' | 'delivered' | 'claimed' | 'voided' | 'lapsed' | 'withdrawn' | 'open';
  /** Why it is still open. */
  code?: string;
  /** The output's hash, where there is one: its bytes are at the edge. */
  output?: string;
  price?: bigint;
}

/**
 * Answers for everything that was signed before: vouchers and objections that did not arrive are
 * sent, finished tasks are checked and paid or objected to, dead ones are let go.
 */
export async function recover(
  context: ClientContext,
  options: { mode: VerifyMode; onProgress?: OnProgress | undefined },
): Promise<Recovered[]> {
  const recovered: Recovered[] = [];
  const pending = await context.wallet.pending();
  const channels = new Set(pending.map(({ ch }) => ch));
  for (const { ch, budget } of await context.wallet.channels()) {
    if (budget.phase === 'opening') channels.add(ch);
  }
  // The ledger first: a claim that is posted or live there decides for its task.
  const known = new Set<string>();
  for (const ch of channels) {
    if ((await refreshChannel(context, ch)).ok) known.add(ch);
  }
  await forgetAnswered(context);
  const left = [...pending];
  const next = async (): Promise<void> => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) {
      const task = await context.wallet.task(one.task);
      if (task === null) continue;
      const { executor: did, agent } = task.manifest.body;
      // Without the ledger's word on the channel nothing is let go.
      const outcome: Outcome = known.has(task.ch)
        ? await recoverOne(context, task, options)
        : { state: 'open', code: 'channel-not-seen' };
      recovered.push({ task: task.task, agent: { did, agent }, ...outcome });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
  await context.wallet.flush();
  return recovered;
}

/** The inputs of orders that nothing can come of any more. */
async function forgetAnswered({ wallet, orders }: ClientContext): Promise<void> {
  for (const id of await orders.tasks()) {
    const task = await wallet.task(id);
    if (task === null || isDone(task)) await orders.forget(id);
  }
}

type Outcome = Omit<Recovered, 'task' | 'agent'>;

async function recoverOne(
  context: ClientContext,
  task: WalletTask,
  options: { mode: VerifyMode; onProgress?: OnProgress | undefined },
): Promise<Outcome> {
  if (!task.delivered) {
    const isThere = await deliver(context, task.task);
    if (isThere) return { state: 'delivered' };
    if (task.state !== 'objected') return { state: 'open', code: 'not-delivered' };
    return lapse(context, task);
  }
  switch (task.state) {
    case 'claimed':
    case 'voided':
    case 'lapsed':
      return { state: task.state };
    // Nobody has to be asked about one that was turned down: the ledger, which was, shows no claim.
    case 'objected':
    case 'withdrawn':
      return lapse(context, task);
    case 'paid':
      return { state: 'paid' };
    case 'offered': {
      const answer = await whereItIs(context, task);
      if (answer.ok) return follow(context, task, answer.value, options);
      if (!isUnknown(answer)) return openOrLapsed(context, task, answer.code);
      // It reached nobody, or has long been forgotten.
      await context.wallet.withdraw(task.task);
      return lapse(context, task);
    }
  }
}

/** A task as the edge knows it. One that went to its executor without it is handed to it first. */
async function whereItIs(
  { edge, orders }: ClientContext,
  task: WalletTask,
): Promise<EdgeResult<TaskAnswer>> {
  const answer = await edge.task(task.task);
  if (answer.ok || !isUnknown(answer)) return answer;
  return (await handOver({ edge, orders }, task)) ?? answer;
}

/** Nobody says what became of the task: past its time the ledger, which was asked, has the word. */
async function openOrLapsed(
  context: ClientContext,
  task: WalletTask,
  code: string,
): Promise<Outcome> {
  const outcome = await lapse(context, task);
  return outcome.state === 'open' ? { state: 'open', code } : outcome;
}

async function follow(
  context: ClientContext,
  task: WalletTask,
  answer: TaskAnswer,
  { mode, onProgress }: { mode: VerifyMode; onProgress?: OnProgress | undefined },
): Promise<Outcome> {
  if (answer.receipt === null && task.claimed) {
    const claimed = await claimedReceipt(context, task);
    if (!claimed.ok) return { state: 'open', code: claimed.code };
    return follow(context, task, { ...answer, receipt: claimed.value }, { mode, onProgress });
  }
  if (answer.receipt === null) {
    if (answer.state === 'rejected') await context.wallet.withdraw(task.task);
    return lapse(context, task);
  }
  const steps = createSteps(context.clock, onProgress);
  const settled = await settle(context, task, answer, { mode, steps });
  if (!settled.ok) return { state: 'open', code: settled.code };
  if (settled.value.state === 'objected') return { state: 'objected', code: settled.value.reason };
  const { body } = settled.value.receipt;
  return { state: 'paid', output: body.output, price: BigInt(body.price) };
}

/** The receipt that the executor claims by without having sent it: it may be a false one. */
async function claimedReceipt(
  { edge }: ClientContext,
  task: WalletTask,
): Promise<EdgeResult<NonNullable<TaskAnswer['receipt']>>> {
  const channel = await edge.channel(task.ch);
  if (!channel.ok) return channel;
  const claim = channel.value.claims.find((each) => each.task === task.task);
  const receipt = await edge.receipt(claim?.receipt ?? '');
  return receipt.ok ? { ok: true, value: receipt.value.receipt } : receipt;
}

/** Lets go of a task that cannot be claimed any more; until then it stays as it is. */
async function lapse({ wallet }: ClientContext, task: WalletTask): Promise<Outcome> {
  const lapsed = await wallet.lapse(task.task);
  if (lapsed.ok) return { state: 'lapsed' };
  const now = await wallet.task(task.task);
  return now?.state === 'withdrawn' ? { state: 'withdrawn' } : { state: 'open', code: lapsed.code };
}
