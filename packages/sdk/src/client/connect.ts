import {
  type ChannelAnswer,
  createVerifier,
  type NetworkAnswer,
  networkId,
  type SearchRequest,
  type Signer,
} from '@zerostate/shared';
import { systemClock, systemRng, systemTimers } from '../adapters/system.ts';
import {
  type CallOptions,
  createEdgeClient,
  type EdgeClient,
  type EdgeClientOptions,
} from '../edge-client.ts';
import type { EdgeResult } from '../http/outcome.ts';
import type { ReceiptBundle, UncheckedBundle } from '../receipts/bundle.ts';
import { type ReceiptVerdict, verifyReceipt } from '../receipts/verify-receipt.ts';
import { createMemoryModules, fetchModule, type ModuleStore } from '../verify/modules.ts';
import type { VerifyMode } from '../verify/policy.ts';
import { createInProcessRerun, type Rerun } from '../verify/rerun.ts';
import { createMemoryStore } from '../wallet/memory-store.ts';
import type { WalletChannel } from '../wallet/model.ts';
import type { WalletStore } from '../wallet/store.ts';
import { createWallet, type SpendingLimits, type Wallet } from '../wallet/wallet.ts';
import { bundleOf } from './bundle-of.ts';
import {
  type ChannelTermsAsked,
  type CloseOptions,
  closeChannel,
  openChannel,
} from './channels.ts';
import { AgentChoice } from './choice.ts';
import { type ClientContext, type Failure, fail } from './context.ts';
import type { OnProgress } from './progress.ts';
import { type Recovered, recover } from './recover.ts';
import { type RunState, runTask } from './run.ts';
import type { RunOptions, RunResult } from './run-model.ts';
import { createMemoryOrders, type SentOrders } from './sent-orders.ts';

/** What every client is given, whichever way it reaches its network. */
export interface ClientOptions extends Pick<EdgeClientOptions, 'clock' | 'rng' | 'timers'> {
  /** Where the wallet is kept; in memory by default, which forgets open channels with the process. */
  store?: WalletStore | undefined;
  limits?: SpendingLimits | undefined;
  /** Where programs are re-run; in this process by default. */
  rerun?: Rerun | undefined;
  modules?: ModuleStore | undefined;
  /** What went to executors over the mesh; in memory by default. */
  orders?: SentOrders | undefined;
  /** How tasks that an earlier run left open are checked; `always` by default. */
  recoverVerify?: VerifyMode | undefined;
  onProgress?: OnProgress | undefined;
}

export interface ConnectOptions extends ClientOptions, Pick<EdgeClientOptions, 'fetch'> {}

type Done<T> = { ok: true; value: T } | Failure;

/** A caller on one network: its identity, its wallet, its edge. */
export interface Client {
  readonly did: string;
  readonly network: NetworkAnswer;
  readonly edge: EdgeClient;
  readonly wallet: Wallet;
  /** What became, at connecting, of the tasks that were left open before. */
  readonly recovered: readonly Recovered[];
  search(request: SearchRequest, options?: CallOptions): ReturnType<EdgeClient['search']>;
  /** Find, order, check, pay: one piece of work. */
  run(options: RunOptions): Promise<RunResult>;
  openChannel(
    peer: string,
    fund: bigint,
    options?: ChannelTermsAsked & CallOptions,
  ): Promise<Done<WalletChannel>>;
  closeChannel(ch: string, options?: CloseOptions): Promise<EdgeResult<ChannelAnswer> | Failure>;
  /** Answers for what is open, as connecting does. */
  recover(): Promise<Recovered[]>;
  /** The proof of an earlier task, with the bytes it is about if they are asked for. */
  bundle(task: string, options?: { bytes?: boolean | undefined }): Promise<Done<ReceiptBundle>>;
  /** Checks a receipt bundle of anybody on this network, by running the program again. */
  verifyReceipt(bundle: UncheckedBundle): Promise<ReceiptVerdict>;
  /** Ends the wallet and the re-runs. Open channels and tasks stay as they are. */
  close(): Promise<void>;
}

/**
 * Connects a caller to an edge, and first answers for what an earlier process left open: every
 * finished task is checked and paid or objected to before new work begins.
 */
export async function connect(
  edgeUrl: string,
  identity: Signer,
  options: ConnectOptions = {},
): Promise<Done<Client>> {
  const { clock = systemClock, rng = systemRng, timers = systemTimers } = options;
  const edge = createEdgeClient({ ...options, url: edgeUrl, signer: identity, clock, rng, timers });
  const network = await edge.network();
  if (!network.ok) return network;
  return openClient({ network: network.value, identity, reach: () => edge, options });
}

/** How a caller reaches its network, once its wallet is open. */
export interface Reach {
  network: NetworkAnswer;
  identity: Signer;
  reach: (wallet: Wallet, orders: SentOrders) => EdgeClient;
  options: ClientOptions;
}

/** A client on a network that is known: opens the wallet, and answers for what it left open. */
export async function openClient({
  network,
  identity,
  reach,
  options,
}: Reach): Promise<Done<Client>> {
  const { clock = systemClock, rng = systemRng, timers = systemTimers } = options;
  if (networkId(network.genesis) !== network.network) {
    return fail('network-invalid', 'the network id is not that of its genesis');
  }
  const wallet = await createWallet({
    store: options.store ?? createMemoryStore(),
    signer: identity,
    network: network.network,
    clock,
    rng,
    limits: options.limits,
  });
  if (!wallet.ok) return wallet;
  const orders = options.orders ?? createMemoryOrders();
  const edge = reach(wallet.value, orders);
  const context: ClientContext = {
    edge,
    wallet: wallet.value,
    signer: identity,
    verifier: createVerifier(),
    network,
    rerun: options.rerun ?? createInProcessRerun(),
    modules: options.modules ?? createMemoryModules(),
    orders,
    cards: new Map(),
    clock,
    rng,
    timers,
  };
  return { ok: true, value: await clientOf(context, edge, options) };
}

async function clientOf(
  context: ClientContext,
  edge: EdgeClient,
  options: ClientOptions,
): Promise<Client> {
  const { wallet, signer, network } = context;
  const mode = options.recoverVerify ?? 'always';
  const answerForOpen = () => recover(context, { mode, onProgress: options.onProgress });
  const recovered = await answerForOpen();
  const runs: RunState = { openings: new Map(), choice: new AgentChoice(context) };
  return {
    did: signer.did,
    network,
    edge,
    wallet,
    recovered,
    search: (request, o) => edge.search(request, o),
    run: (o) => runTask(context, runs, { onProgress: options.onProgress, ...o }),
    openChannel: (peer, fund, o = {}) => openChannel(context, peer, fund, o, o.signal),
    closeChannel: (ch, o) => closeChannel(context, ch, o),
    recover: answerForOpen,
    bundle: (task, o) => bundleOf(context, task, o),
    verifyReceipt: (bundle) =>
      verifyReceipt(bundle, {
        network: network.network,
        verifier: context.verifier,
        rerun: context.rerun,
        fetchBytes: (hash) => fetchModule(edge, context.modules, hash),
      }),
    async close() {
      await context.rerun.close();
      await wallet.close();
    },
  };
}
