import {
  budgetLane,
  condDropped,
  type Envelope,
  issuePayment,
  type OpenedEnvelope,
  ok,
  type PaychVoucher,
  receiptMade,
  sealEnvelope,
  TASK_SLACK_MS,
  type TaskObjection,
  type TaskReceipt,
} from '@zerostate/shared';
import { releaseDay } from './days.ts';
import { isSettled, type WalletChange, type WalletState, type WalletTask } from './model.ts';
import { termsFault } from './receipt-terms.ts';
import { refuse, type WalletResult } from './refusal.ts';
import type { Decision } from './transact.ts';
import type { Wallet, WalletContext } from './wallet.ts';

/** Why a receipt is not paid, with what the caller's own run gave. */
export type ObjectionGrounds = Pick<TaskObjection, 'reason' | 'output' | 'gas'>;

/** Ending tasks: by payment, objection, withdrawal or time. */
export function createSettling(
  context: WalletContext,
): Pick<Wallet, 'pay' | 'object' | 'withdraw' | 'delivered' | 'lapse'> {
  const { store, transactions, clock } = context;

  /** Runs on a task that is not done; says what became of one that is. */
  function onTask<T>(
    id: string,
    decide: (
      state: WalletState,
      task: WalletTask,
    ) => Promise<WalletResult<Decision<T>>> | WalletResult<Decision<T>>,
  ): Promise<WalletResult<T>> {
    return transactions.run(async (state) => {
      const task = state.tasks.get(id) ?? (await store.task(id));
      return task === null ? refuse('task-unknown', id) : decide(state, task);
    });
  }

  return {
    pay: (id, receipt) =>
      onTask(id, (state, task) => {
        if (task.state === 'paid') {
          if (task.receiptId !== receipt.id) return refuse('receipt-second', receipt.id);
          return ok({ changes: [], value: task.voucher });
        }
        if (task.state === 'objected') return refuse('task-objected');
        if (task.state === 'offered') return payment(context, state, task, receipt);
        return refuse('task-settled', task.state);
      }),

    object: (id, receipt, grounds) =>
      onTask(id, (_, task) => {
        if (task.objection !== null) return ok({ changes: [], value: task.objection });
        if (isSettled(task)) return refuse('task-settled', task.state);
        return objection(context, task, receipt, grounds);
      }),

    withdraw: (id) =>
      onTask(id, (state, task) => {
        if (task.state === 'withdrawn') return ok({ changes: [], value: task });
        if (task.claimed) return refuse('claim-filed');
        if (task.state !== 'offered') return refuse('task-settled', task.state);
        const withdrawn: WalletTask = { ...task, state: 'withdrawn' };
        const changes = [{ kind: 'task', task: withdrawn }, ...laneFreed(state, task)] as const;
        return ok({ changes, value: withdrawn });
      }),

    async delivered(id) {
      const sent = await onTask(id, (_, task) => {
        const value: WalletTask = { ...task, delivered: true };
        // A paid task is final: its row can wait for the next commit.
        const isWritten = task.delivered || task.state === 'paid';
        return ok({ changes: isWritten ? [] : [{ kind: 'task', task: value }], value });
      });
      if (sent.ok && sent.value.state === 'paid') await transactions.delivered(id);
      return sent;
    },

    lapse: (id) =>
      onTask(id, (state, task) => {
        if (isSettled(task)) return refuse('task-settled', task.state);
        if (task.claimed) return refuse('claim-filed');
        if (clock.now() <= task.notAfter + TASK_SLACK_MS) return refuse('task-live');
        const lapsed: WalletTask = { ...task, state: 'lapsed', delivered: true };
        const changes: WalletChange[] = [
          { kind: 'task', task: lapsed },
          releaseDay(new Map(state.days), lapsed),
          ...laneFreed(state, task),
        ];
        return ok({ changes, value: lapsed });
      }),
  };
}

/** The lane without this task's cond, if it still carries it. */
function laneFreed(state: WalletState, task: WalletTask): WalletChange[] {
  const budget = state.channels.get(task.ch)?.budget;
  if (budget?.lanes[task.lane]?.cond?.task !== task.task) return [];
  const value = condDropped(budget, task.lane).lanes[task.lane];
  return value === undefined ? [] : [{ kind: 'lane', ch: task.ch, lane: task.lane, value }];
}

async function payment(
  { network, signer }: WalletContext,
  state: WalletState,
  task: WalletTask,
  receipt: OpenedEnvelope<TaskReceipt>,
): Promise<WalletResult<Decision<Envelope<PaychVoucher> | null>>> {
  const fault = termsFault(task.task, task.manifest.body, task.cond.body, receipt.body);
  if (fault !== null) return refuse(fault.reason, fault.detail);
  if (task.claimed) return refuse('claim-filed');
  const channel = state.channels.get(task.ch);
  if (channel === undefined) return refuse('channel-unknown', task.ch);
  const price = BigInt(receipt.body.price);
  const paid: WalletTask = {
    ...task,
    state: 'paid',
    receiptId: receipt.id,
    receipt: receipt.envelope,
    price,
  };
  const day = releaseDay(new Map(state.days), paid);
  const { lane: number, ch } = task;
  const issued = issuePayment(channel.budget, {
    id: receipt.id,
    task: task.task,
    lane: number,
    price,
  });
  if (!issued.ok && issued.code === 'nothing-due') {
    const lane = budgetLane(receiptMade(channel.budget, number, price), number);
    const changes: WalletChange[] = [{ kind: 'task', task: paid }, day];
    return ok({
      changes: [...changes, { kind: 'lane', ch, lane: number, value: lane }],
      value: null,
    });
  }
  if (!issued.ok) return issued;
  const { signed, budget } = issued.value;
  const lane = budgetLane(budget, number);
  const before = budgetLane(channel.budget, number).cum;
  // Assertions of the two promises that cost money when they break.
  if (signed.cum <= before) throw new Error('a voucher must rise');
  if (signed.cum > task.base + task.cap) throw new Error('a voucher must stay below its cond');
  const body: PaychVoucher = {
    ch: signed.ch,
    dir: signed.dir,
    lane: String(signed.lane),
    cum: String(signed.cum),
    memo: signed.memo,
  };
  const voucher = await sealEnvelope(network, 'paych.voucher', body, signer);
  const changes: WalletChange[] = [
    { kind: 'lane', ch, lane: number, value: lane },
    { kind: 'task', task: { ...paid, voucher, delivered: false } },
    day,
  ];
  return ok({ changes, value: voucher });
}

async function objection(
  { network, signer }: WalletContext,
  task: WalletTask,
  receipt: OpenedEnvelope<TaskReceipt>,
  grounds: ObjectionGrounds,
): Promise<WalletResult<Decision<Envelope<TaskObjection>>>> {
  const body: TaskObjection = { receipt: receipt.id, ...grounds };
  const envelope = await sealEnvelope(network, 'task.objection', body, signer);
  const objected: WalletTask = {
    ...task,
    state: 'objected',
    receiptId: receipt.id,
    receipt: receipt.envelope,
    objection: envelope,
    delivered: false,
  };
  return ok({ changes: [{ kind: 'task', task: objected }], value: envelope });
}
