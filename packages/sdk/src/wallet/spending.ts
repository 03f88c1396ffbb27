import {
  type BudgetLane,
  COND_AFTER_MANIFEST_MS,
  type CondTerms,
  type Envelope,
  err,
  idOf,
  issueCond,
  ok,
  type PaychCond,
  type Result,
  sealEnvelope,
  TASK_SLACK_MS,
  type TaskManifest,
} from '@zerostate/shared';
import { reserveDay } from './days.ts';
import { exposureOf, reservedToday, withDeadLanesBusy } from './exposure.ts';
import type { WalletChannel, WalletState, WalletTask } from './model.ts';
import { refuse, type WalletCode } from './refusal.ts';
import type { SpendingLimits, Wallet, WalletContext } from './wallet.ts';

/** A task to be signed. */
export interface Order {
  manifest: TaskManifest;
  /** The most this task may cost, on top of the wallet's own limits. */
  budget: bigint;
}

/** Signed, written down, and free to be sent. */
export interface Reserved {
  task: string;
  ch: string;
  lane: number;
  manifest: Envelope<TaskManifest>;
  cond: Envelope<PaychCond>;
}

/** Committing money to tasks. */
export function createSpending(context: WalletContext): Pick<Wallet, 'reserve'> {
  const { signer, network, transactions, clock } = context;
  return {
    reserve: (order) =>
      transactions.run(async (state) => {
        const now = clock.now();
        const { manifest: body } = order;
        const fault = budgetFault(state, order, context.limits ?? {}, now);
        if (fault !== null) return fault;
        const task = idOf(network, 'task.manifest', body);
        const placed = place(network, state, task, body, now);
        if (!placed.ok) return placed;
        const { channel, signed, lane } = placed.value;
        const [manifest, cond] = await Promise.all([
          sealEnvelope(network, 'task.manifest', body, signer),
          sealEnvelope(network, 'paych.cond', condBody(signed), signer),
        ]);
        const value: Reserved = { task, ch: channel.ch, lane: signed.lane, manifest, cond };
        return ok({
          value,
          changes: [
            { kind: 'lane', ch: channel.ch, lane: signed.lane, value: lane },
            { kind: 'task', task: offered(task, manifest, cond, signed, now) },
            reserveDay(new Map(state.days), now, signed.cap),
          ],
        });
      }),
  };
}

function condBody(cond: Omit<CondTerms, 'id'>): PaychCond {
  return {
    ch: cond.ch,
    dir: cond.dir,
    lane: String(cond.lane),
    base: String(cond.base),
    cap: String(cond.cap),
    task: cond.task,
    executor: cond.executor,
    not_after: String(cond.notAfter),
  };
}

function offered(
  task: string,
  manifest: Envelope<TaskManifest>,
  cond: Envelope<PaychCond>,
  signed: CondTerms,
  at: number,
): WalletTask {
  const { ch, lane, base, cap, notAfter } = signed;
  return {
    task,
    ch,
    lane,
    state: 'offered',
    base,
    cap,
    notAfter,
    at,
    manifest,
    cond,
    receiptId: null,
    receipt: null,
    price: null,
    voucher: null,
    objection: null,
    claimed: false,
    delivered: true,
  };
}

function budgetFault(state: WalletState, order: Order, limits: SpendingLimits, now: number) {
  const cap = BigInt(order.manifest.price_max);
  if (cap <= 0n) return refuse('amount-invalid', 'price_max');
  for (const most of [order.budget, limits.perTask]) {
    if (most !== undefined && cap > most) {
      return refuse('budget-task-exceeded', `${cap} > ${most}`);
    }
  }
  if (limits.perDay === undefined) return null;
  const day = reservedToday(state, now) + cap;
  return day > limits.perDay ? refuse('budget-day-exceeded', `${day} > ${limits.perDay}`) : null;
}

type Placed = {
  channel: WalletChannel;
  signed: CondTerms;
  lane: BudgetLane;
};

/** The first channel to the executor that can carry the task, oldest first. */
function place(
  network: string,
  state: WalletState,
  task: string,
  manifest: TaskManifest,
  now: number,
): Result<Placed, WalletCode> {
  let reason: Result<Placed, WalletCode> = refuse('channel-missing', manifest.executor);
  const usable = [...state.channels.values()]
    .filter(({ peer, budget }) => peer === manifest.executor && budget.phase === 'active')
    .sort((x, y) => x.at - y.at);
  for (const channel of usable) {
    const tried = placeIn(network, state, channel, task, manifest, now);
    if (tried.ok) return tried;
    reason = tried;
  }
  return reason;
}

function placeIn(
  network: string,
  state: WalletState,
  channel: WalletChannel,
  task: string,
  manifest: TaskManifest,
  now: number,
): Result<Placed, WalletCode> {
  const { ch, budget, close } = channel;
  if (close !== null && now <= Number(close.body.not_after) + TASK_SLACK_MS) {
    return err('channel-closing');
  }
  if (Number(manifest.wall_ms_max) + TASK_SLACK_MS > budget.terms.windowMs) {
    return err('wall-exceeds-window');
  }
  const cap = BigInt(manifest.price_max);
  const notAfter = Number(manifest.not_after) + COND_AFTER_MANIFEST_MS;
  const order = { id: task, executor: manifest.executor, cap, notAfter };
  const idOfCond = (cond: Omit<CondTerms, 'id'>) => idOf(network, 'paych.cond', condBody(cond));
  const issued = issueCond(withDeadLanesBusy(budget, now), order, idOfCond, now);
  if (!issued.ok) return issued;
  const { signed } = issued.value;
  const lane = issued.value.budget.lanes[signed.lane];
  if (lane === undefined) throw new Error('issueCond used a lane that is not there');
  const lanes = { ...budget.lanes, [signed.lane]: lane };
  const exposed = exposureOf(state, ch, { ...budget, lanes }, now);
  if (exposed > budget.fund) return err('fund-exceeded', `${exposed} > ${budget.fund}`);
  return ok({ channel, signed, lane });
}
