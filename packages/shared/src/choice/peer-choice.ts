/** Which of several peers to hand a piece of work: a task, a message to carry, a reservation. */

/** What is known of a peer before it is asked. */
export interface PeerCandidate {
  readonly did: string;
  /** Tasks that wait or run there for each that it runs at a time, as it last advertised. */
  readonly queueDepth: number;
  /** What asking it costs before the work begins, ms: a channel to open, a way to go. */
  readonly extraMs?: number;
}

export interface PeerChoiceOptions {
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** What failed work costs beside the time it took, ms. */
  readonly failureCostMs: number;
  /** What a task is taken to need where nothing was served yet, ms; 1 unless given. */
  readonly typicalMs?: number;
  /** After this long without news half of a peer's failures are forgiven. */
  readonly forgive?: { readonly halfLifeMs: number; readonly now: () => number };
}

/** Why a peer was, or was not, chosen. */
export interface PeerEstimate {
  readonly did: string;
  /** Expected time to a good result, ms; lower where little is known, so that it is tried. */
  readonly costMs: number;
  readonly tasks: number;
  readonly failureRate: number;
}

/** What was learned of one peer: plain data, so that it can be kept. */
export interface PeerRecord {
  readonly tasks: number;
  /** Those that came to a good end. */
  readonly served: number;
  /** Time per task ahead of and including one's own, ms, of those that were served. */
  readonly serviceMs: number;
  readonly failureRate: number;
  /** When it was last heard of, ms since the epoch; 0 where nobody looks at the clock. */
  readonly at: number;
}

export const UNKNOWN_PEER: PeerRecord = Object.freeze({
  tasks: 0,
  served: 0,
  serviceMs: 0,
  failureRate: 0,
  at: 0,
});

/** How work ended: `ahead` counts what was queued before it, and itself. */
export interface PeerOutcome {
  readonly ms: number;
  readonly ahead: number;
  readonly good: boolean;
  readonly at: number;
}

/** Candidates compared at a time: more share what an old advertisement says and herd on one. */
const CANDIDATES_COMPARED = 4;
/** Weight of the newest task in the averages. */
const RATE = 0.2;
/** Width of the confidence bound, in shares of the mean: c of UCB1. */
const EXPLORATION = 0.3;
/** Peers remembered; the one unused the longest goes. */
const PEERS_MAX = 4096;

/** The record after one more task. How long a failure took says nothing about good work. */
export function learn(record: PeerRecord, { ms, ahead, good, at }: PeerOutcome): PeerRecord {
  const rateOf = (count: number) => Math.max(RATE, 1 / (count + 1));
  const { tasks, served, serviceMs, failureRate } = record;
  return {
    tasks: tasks + 1,
    served: good ? served + 1 : served,
    serviceMs: good ? serviceMs + rateOf(served) * (ms / ahead - serviceMs) : serviceMs,
    failureRate: failureRate + rateOf(tasks) * ((good ? 0 : 1) - failureRate),
    at,
  };
}

type Known = { record: PeerRecord; underWay: number };

/**
 * A contextual bandit. Its context is the queue each peer advertises, its cost the learned time a
 * task takes there times the queue, and failures; the lower confidence bound (Auer et al.,
 * "Finite-time analysis of the multiarmed bandit problem", 2002) sends a task now and then where
 * little is known. Of many candidates it compares a few, drawn in favour of the fast: callers who
 * all take the best of an old list end up in one queue (Mitzenmacher, "How useful is old
 * information?", 2000).
 */
export class PeerChoice {
  readonly #options: PeerChoiceOptions;
  readonly #peers = new Map<string, Known>();
  #tasks = 0;

  constructor(options: PeerChoiceOptions) {
    this.#options = options;
  }

  /** The peer to ask next; undefined when there is no candidate. Equals go by their order. */
  choose(candidates: readonly PeerCandidate[]): string | undefined {
    return this.explain(this.#draw(candidates, this.#typicalMs()))[0]?.did;
  }

  /** All of them in the order to ask: the chosen one, then the rest by what they would cost. */
  rank(candidates: readonly PeerCandidate[]): string[] {
    const first = this.choose(candidates);
    if (first === undefined) return [];
    const rest = this.explain(candidates).filter(({ did }) => did !== first);
    return [first, ...rest.map(({ did }) => did)];
  }

  /** Every candidate's estimate, the best first. */
  explain(candidates: readonly PeerCandidate[]): PeerEstimate[] {
    const typical = this.#typicalMs();
    return candidates
      .map((candidate) => this.#estimate(candidate, typical))
      .sort((a, b) => a.costMs - b.costMs);
  }

  /** Share of its work that fails, as far as it is not forgiven; 0 for a stranger. */
  failureRate(did: string): number {
    const record = this.#peers.get(did)?.record;
    if (record === undefined) return 0;
    const { forgive } = this.#options;
    if (forgive === undefined) return record.failureRate;
    // A clock that was put back forgives nothing and adds nothing.
    const quietMs = Math.max(0, forgive.now() - record.at);
    return record.failureRate * 0.5 ** (quietMs / forgive.halfLifeMs);
  }

  /** A task was handed to `did`. */
  started(did: string): void {
    this.#known(did).underWay += 1;
  }

  /** It came to nothing, and says nothing about the peer. */
  dropped(did: string): void {
    const known = this.#known(did);
    known.underWay = Math.max(0, known.underWay - 1);
  }

  /** It ended after `ms`; `queueDepth` is what was advertised when it was handed over. */
  ended(
    did: string,
    { ms, queueDepth, good }: { ms: number; queueDepth: number; good: boolean },
  ): void {
    const known = this.#known(did);
    const ahead = queueDepth + Math.max(1, known.underWay);
    known.underWay = Math.max(0, known.underWay - 1);
    const at = this.#options.forgive?.now() ?? 0;
    known.record = learn(known.record, { ms, ahead, good, at });
    this.#tasks += 1;
  }

  /** Takes up what was learned before, here or elsewhere. */
  recall(did: string, record: PeerRecord, underWay: number): void {
    const known = this.#known(did);
    this.#tasks += record.tasks - known.record.tasks;
    known.record = record;
    known.underWay = underWay;
  }

  #estimate({ did, queueDepth, extraMs = 0 }: PeerCandidate, typical: number): PeerEstimate {
    const known = this.#peers.get(did);
    const { tasks, served, serviceMs } = known?.record ?? UNKNOWN_PEER;
    const mean = served > 0 ? serviceMs : typical;
    const doubt = EXPLORATION * Math.sqrt(Math.log(this.#tasks + 1) / (tasks + 1));
    const service = mean * Math.max(0, 1 - doubt);
    const failureRate = this.failureRate(did);
    const ahead = queueDepth + (known?.underWay ?? 0) + 1;
    const costMs = extraMs + service * ahead + failureRate * this.#options.failureCostMs;
    return { did, costMs, tasks, failureRate };
  }

  /** Weighted draw without replacement (Efraimidis & Spirakis, 2006). */
  #draw(candidates: readonly PeerCandidate[], typical: number): readonly PeerCandidate[] {
    if (candidates.length <= CANDIDATES_COMPARED) return candidates;
    const keyed = candidates.map((candidate) => {
      const record = this.#peers.get(candidate.did)?.record;
      const service = record && record.served > 0 ? record.serviceMs : typical;
      const speed = 1 / Math.max(service, Number.MIN_VALUE);
      return { candidate, key: Math.log(1 - this.#options.random()) / speed };
    });
    keyed.sort((a, b) => b.key - a.key);
    return keyed.slice(0, CANDIDATES_COMPARED).map(({ candidate }) => candidate);
  }

  #typicalMs(): number {
    let sum = 0;
    let known = 0;
    for (const { record } of this.#peers.values()) {
      if (record.served === 0) continue;
      sum += record.serviceMs;
      known += 1;
    }
    return known === 0 ? (this.#options.typicalMs ?? 1) : sum / known;
  }

  #known(did: string): Known {
    const known = this.#peers.get(did) ?? { record: UNKNOWN_PEER, underWay: 0 };
    this.#peers.delete(did);
    this.#peers.set(did, known);
    if (this.#peers.size > PEERS_MAX) {
      const [oldest] = this.#peers.keys();
      if (oldest !== undefined) this.#peers.delete(oldest);
    }
    return known;
  }
}
