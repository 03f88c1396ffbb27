/**
 * The caller's wallet: what it signed, what that may still cost, and what it owes an answer.
 *
 * Every operation writes to the store before it hands out a signature. It refuses to sign a lower
 * total, more than a channel's fund, more than its budgets, or twice for one receipt.
 */
import type {
  ChannelAnswer,
  Envelope,
  OpenedEnvelope,
  PaychClose,
  PaychVoucher,
  Signer,
  TaskObjection,
  TaskReceipt,
} from '@zerostate/shared';
import type { Clock, Rng } from '../ports.ts';
import { reservedToday } from './exposure.ts';
import { type ChannelProposal, createFunding } from './funding.ts';
import type { WalletChannel, WalletTask } from './model.ts';
import type { WalletResult } from './refusal.ts';
import { createSettling, type ObjectionGrounds } from './settling.ts';
import { createSpending, type Order, type Reserved } from './spending.ts';
import type { WalletStore } from './store.ts';
import { createTransactions } from './transact.ts';

export type { ChannelProposal, ObjectionGrounds, Order, Reserved };

/** Upper bounds in micro-units; absent means none but the channels' funds. */
export interface SpendingLimits {
  perTask?: bigint | undefined;
  /** For all tasks signed on one day, UTC. */
  perDay?: bigint | undefined;
}

export interface WalletOptions {
  store: WalletStore;
  signer: Signer;
  network: string;
  clock: Clock;
  rng: Rng;
  limits?: SpendingLimits | undefined;
}

export interface Wallet {
  readonly did: string;
  readonly network: string;

  /** Signs a channel proposal. Send it; the same `ch` names it in every attempt. */
  openChannel(proposal: ChannelProposal): Promise<WalletResult<WalletChannel>>;
  /** Takes over what the ledger says: phase, claims, lanes that claims have raised. */
  syncChannel(answer: ChannelAnswer): Promise<WalletResult<WalletChannel>>;
  /** The proposal never reached the ledger and cannot any more. */
  dropChannel(ch: string): Promise<WalletResult<WalletChannel>>;
  /** Signs the final totals; refused while a cond may still become due. */
  closeChannel(
    ch: string,
    terms: { cumPeer: bigint; notAfter: number },
  ): Promise<WalletResult<Envelope<PaychClose>>>;
  channels(): Promise<WalletChannel[]>;
  channel(ch: string): Promise<WalletChannel | null>;

  /** Signs manifest and cond on a free lane of a channel to the order's executor. */
  reserve(order: Order): Promise<WalletResult<Reserved>>;
  /** The task was rejected or never taken: its lane is free, its cap counts until it is dead. */
  withdraw(task: string): Promise<WalletResult<WalletTask>>;
  /** Signs the voucher that pays a receipt; null when its price is zero. Repeating repeats it. */
  pay(
    task: string,
    receipt: OpenedEnvelope<TaskReceipt>,
  ): Promise<WalletResult<Envelope<PaychVoucher> | null>>;
  object(
    task: string,
    receipt: OpenedEnvelope<TaskReceipt>,
    grounds: ObjectionGrounds,
  ): Promise<WalletResult<Envelope<TaskObjection>>>;
  /**
   * The edge has the voucher or objection. For a paid task this reaches the store with the next
   * commit or with `close`: until then a crash sends the voucher once more.
   */
  delivered(task: string): Promise<WalletResult<WalletTask>>;
  /** Past not_after, and the ledger shows no claim: nothing will come of the task. */
  lapse(task: string): Promise<WalletResult<WalletTask>>;

  /** Tasks that are not settled, or whose voucher or objection the edge has not got yet. */
  pending(): Promise<WalletTask[]>;
  task(id: string): Promise<WalletTask | null>;
  tasks(limit: number): Promise<WalletTask[]>;
  /** What today's tasks cost or may still cost. */
  spentToday(): Promise<bigint>;
  /** Writes what waits for the next commit. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** What every part of the wallet works with. */
export interface WalletContext extends WalletOptions {
  transactions: Awaited<ReturnType<typeof createTransactions>>;
}

/** Opens a wallet for one identity on one network. */
export async function createWallet(options: WalletOptions): Promise<WalletResult<Wallet>> {
  const { store, signer, network, clock } = options;
  const refused = await store.bind({ did: signer.did, network });
  if (refused !== null) return { ok: false, code: refused };
  const transactions = await createTransactions(store);
  const context: WalletContext = { ...options, transactions };
  return {
    ok: true,
    value: {
      did: signer.did,
      network,
      ...createFunding(context),
      ...createSpending(context),
      ...createSettling(context),
      channels: () => transactions.read(({ channels }) => [...channels.values()]),
      channel: (ch) => transactions.read(({ channels }) => channels.get(ch) ?? null),
      pending: () => transactions.read(({ tasks }) => [...tasks.values()]),
      async task(id) {
        const delivered = transactions.deliveries();
        const task = await store.task(id);
        return task === null ? null : asKnown(task, delivered);
      },
      async tasks(limit) {
        const delivered = transactions.deliveries();
        return (await store.tasks(limit)).map((task) => asKnown(task, delivered));
      },
      spentToday: () => transactions.read((state) => reservedToday(state, clock.now())),
      flush: () => transactions.flush(),
      async close() {
        await transactions.flush();
        await store.close();
      },
    },
  };
}

/** A task with what its row does not say yet. */
function asKnown(task: WalletTask, delivered: ReadonlySet<string>): WalletTask {
  return delivered.has(task.task) ? { ...task, delivered: true } : task;
}
