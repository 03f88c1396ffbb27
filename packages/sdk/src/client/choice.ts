/**
 * Which of the agents that a search found gets the work. In this order:
 *
 * 1. Who matches clearly worse than the best (a score under ALIKE of its score) is not asked at all,
 *    and who lacks one of the best one's skills is asked after all that have them.
 * 2. Who is clearly dearer (over DEARER of the cheapest) is asked after all that are not. What
 *    counts is the price of a good result: whoever fails half its tasks is twice as dear.
 * 3. Among equals in both, the bandit: expected time, queue, failures, an open channel, and now and
 *    then somebody new.
 */
import {
  learn,
  type PeerCandidate,
  PeerChoice,
  type PeerRecord,
  type PriceTerms,
  priceOf,
  type SearchResult,
  UNKNOWN_PEER,
} from '@zerostate/shared';
import type { Clock, Rng } from '../ports.ts';
import type { Wallet } from '../wallet/wallet.ts';

/**
 * An agent stands in for the best one only when it matches nearly as well: whoever ranks far below
 * does something else, and would be paid for it.
 */
const ALIKE = 0.8;
/** Up to this share over the cheapest a price is no reason to wait for it. */
const DEARER = 1.25;
/** Whoever has only failed counts as a thousand times as dear. */
const GOOD_SHARE_MIN = 0.001;
/** The run that prices are compared by: 10 Mgas and 16 pages, as the filter of the search does. */
const REFERENCE_RUN = { gas: 10_000_000n, pagesPeak: 16n };
/** A channel takes this long to open; it locks money besides. */
const OPENING_MS = 1_000;
/** What a failed task costs its caller beside its time: the next one begins from the start. */
const FAILURE_COST_MS = 10_000;
/** Half of an executor's failures are forgiven after this. */
const FORGIVE_HALF_LIFE_MS = 300_000;
/** A task takes about this where nothing is known. */
const TYPICAL_MS = 500;

/** Tasks of the wallet that say who failed before this process began. */
const TASKS_RECALLED = 64;

/** How an attempt ended: `none` says nothing about the executor. */
export interface Ended {
  ms: number;
  queueDepth: number;
  outcome: 'good' | 'fault' | 'none';
}

export interface AgentChoicePorts {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly wallet: Pick<Wallet, 'channels' | 'tasks'>;
}

/** What one client has learned of executors, for as long as it lives. */
export class AgentChoice {
  readonly #choice: PeerChoice;
  readonly #wallet: AgentChoicePorts['wallet'];
  #isRecalled: boolean = false;

  constructor({ clock, rng, wallet }: AgentChoicePorts) {
    this.#wallet = wallet;
    this.#choice = new PeerChoice({
      random: () => uniform(rng),
      failureCostMs: FAILURE_COST_MS,
      typicalMs: TYPICAL_MS,
      forgive: { halfLifeMs: FORGIVE_HALF_LIFE_MS, now: () => clock.now() },
    });
  }

  /** The results worth asking, in the order to ask; `results` as a search gave them. */
  async order(results: readonly SearchResult[]): Promise<SearchResult[]> {
    if (results.length < 2) return [...results];
    await this.#recall();
    const open = (await this.#wallet.channels()).filter(({ close }) => close === null);
    const peers = new Set(open.map(({ peer }) => peer));
    return orderToAsk(this.#choice, results, (did) => peers.has(did));
  }

  started(did: string): void {
    this.#choice.started(did);
  }

  ended(did: string, { ms, queueDepth, outcome }: Ended): void {
    if (outcome === 'none') this.#choice.dropped(did);
    else this.#choice.ended(did, { ms, queueDepth, good: outcome === 'good' });
  }

  /** Failures outlive the process by the wallet's own rows; how fast somebody was does not. */
  async #recall(): Promise<void> {
    if (this.#isRecalled) return;
    this.#isRecalled = true;
    const records = new Map<string, PeerRecord>();
    for (const task of (await this.#wallet.tasks(TASKS_RECALLED)).reverse()) {
      if (task.state === 'offered') continue;
      const good = task.state === 'paid' || task.state === 'claimed';
      const { executor } = task.manifest.body;
      const record = records.get(executor) ?? UNKNOWN_PEER;
      records.set(executor, learn(record, { ms: 0, ahead: 1, good, at: task.at }));
    }
    for (const [did, record] of records) this.#choice.recall(did, { ...record, served: 0 }, 0);
  }
}

/** The results worth asking, in the order to ask; `results` as a search gave them, best first. */
export function orderToAsk(
  choice: PeerChoice,
  results: readonly SearchResult[],
  hasChannel: (did: string) => boolean,
): SearchResult[] {
  const [best] = results;
  if (best === undefined) return [];
  const alike = results.filter(({ score }) => score >= best.score * ALIKE);
  const canStandIn = ({ skills }: SearchResult) => best.skills.every((id) => skills.includes(id));
  return [alike.filter(canStandIn), alike.filter((result) => !canStandIn(result))].flatMap(
    (group) => byPrice(choice, group, hasChannel),
  );
}

/** How many tasks are ahead at each that this executor runs at a time. */
export function queueDepthOf({ load }: SearchResult): number {
  if (load === undefined) return 0;
  return (load.queue + load.running) / Math.max(1, load.capacity);
}

function byPrice(
  choice: PeerChoice,
  group: readonly SearchResult[],
  hasChannel: (did: string) => boolean,
): SearchResult[] {
  const priced = group.map((result) => ({ result, price: goodPrice(choice, result) }));
  const ordered: SearchResult[] = [];
  for (let left = priced; left.length > 0; ) {
    const cheapest = Math.min(...left.map(({ price }) => price));
    const isNear = ({ price }: { price: number }) => price <= cheapest * DEARER;
    const near = left.filter(isNear).map(({ result }) => result);
    ordered.push(...byBandit(choice, near, hasChannel));
    left = left.filter((each) => !isNear(each));
  }
  return ordered;
}

/** Micro-units for a good result of the reference run: much, from who has only failed. */
function goodPrice(choice: PeerChoice, { did, price }: SearchResult): number {
  const terms: PriceTerms = {
    base: BigInt(price.base),
    perMgas: BigInt(price.per_mgas),
    perPage: BigInt(price.per_page),
    max: BigInt(Number.MAX_SAFE_INTEGER),
  };
  const goodShare = Math.max(GOOD_SHARE_MIN, 1 - choice.failureRate(did));
  return Number(priceOf(terms, REFERENCE_RUN)) / goodShare;
}

/** An executor may have several agents that fit: they share what was learned of it. */
function byBandit(
  choice: PeerChoice,
  results: readonly SearchResult[],
  hasChannel: (did: string) => boolean,
): SearchResult[] {
  const candidates = new Map<string, PeerCandidate>();
  for (const result of results) {
    const { did } = result;
    const extraMs = hasChannel(did) ? 0 : OPENING_MS;
    if (!candidates.has(did)) {
      candidates.set(did, { did, queueDepth: queueDepthOf(result), extraMs });
    }
  }
  return choice
    .rank([...candidates.values()])
    .flatMap((did) => results.filter((result) => result.did === did));
}

function uniform(rng: Rng): number {
  const [a = 0, b = 0, c = 0, d = 0] = rng.bytes(4);
  return (a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d) / 2 ** 32;
}

/** Failures that are their executor's: it refused, was slow, lied or was not there. */
const EXECUTORS_FAULT = [
  'rejected:',
  'objected:',
  'task-not-accepted',
  'task-failed',
  'task-late',
  'receipt-forged',
  'output-missing',
  'channel-not-accepted',
  'executor-',
  'card-',
  'record-',
  'meter-unknown',
  'program-unknown',
];
/** Refusals that say something about the task or its caller, not about the executor. */
const NO_FAULT = ['rejected:argument-', 'rejected:cancelled', 'card-unknown'];

/** Whether a failure counts against the executor that was asked. */
export function isExecutorsFault(code: string): boolean {
  const begins = (prefix: string) => code.startsWith(prefix);
  return EXECUTORS_FAULT.some(begins) && !NO_FAULT.some(begins);
}
