/** What a caller knows of an executor before it asks. */
export interface ExecutorCandidate {
  readonly did: string;
  /** Tasks that wait or run there, as it last advertised. */
  readonly queueDepth: number;
}

export interface ExecutorChoiceOptions {
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** What a failed task costs its caller beside the time it took, ms. */
  readonly failureCostMs: number;
}

/** Why an executor was, or was not, chosen. */
export interface ExecutorEstimate {
  readonly did: string;
  /** Expected time to a good result, ms; lower where little is known, so that it is tried. */
  readonly costMs: number;
  readonly tasks: number;
  readonly failureRate: number;
}

/** What was learned of one executor. */
interface Record {
  tasks: number;
  /** Time per task ahead of and including one's own, ms. */
  serviceMs: number;
  failureRate: number;
  /** Ours that are under way: the advertised depth does not know them yet. */
  underWay: number;
}

/** Candidates compared at a time: more share what an old advertisement says and herd on one. */
const CANDIDATES_COMPARED = 4;
/** Weight of the newest task in the averages. */
const RATE = 0.2;
/** Width of the confidence bound, in shares of the mean: c of UCB1. */
const EXPLORATION = 0.3;
/** Executors remembered; the one unused the longest goes. */
const EXECUTORS_MAX = 4096;

/**
 * Which executor to hand a task: a contextual bandit. Its context is the queue each executor
 * advertises, its cost the learned time a task takes there times the queue, and failures; the
 * lower confidence bound (Auer et al., "Finite-time analysis of the multiarmed bandit problem",
 * 2002) sends a task now and then where little is known. Of many candidates it compares a few,
 * drawn in favour of the fast: callers who all take the best of an old list end up in one queue
 * (Mitzenmacher, "How useful is old information?", 2000).
 */
export class ExecutorChoice {
  readonly #options: ExecutorChoiceOptions;
  readonly #records = new Map<string, Record>();
  #tasks = 0;

  constructor(options: ExecutorChoiceOptions) {
    this.#options = options;
  }

  /** The executor to ask next; undefined when there is no candidate. */
  choose(candidates: readonly ExecutorCandidate[]): string | undefined {
    const typical = this.#typicalMs();
    const drawn = this.#draw(candidates, typical);
    const compared = drawn.map((candidate) => this.#estimate(candidate, typical));
    compared.sort((a, b) => a.costMs - b.costMs);
    return compared[0]?.did;
  }

  /** Every candidate's estimate, the best first. */
  explain(candidates: readonly ExecutorCandidate[]): ExecutorEstimate[] {
    const typical = this.#typicalMs();
    return candidates
      .map((candidate) => this.#estimate(candidate, typical))
      .sort((a, b) => a.costMs - b.costMs);
  }

  /** A task was handed to `did`. */
  started(did: string): void {
    this.#record(did).underWay += 1;
  }

  /** It ended after `ms`; `queueDepth` is what was advertised when it was handed over. */
  ended(
    did: string,
    { ms, queueDepth, good }: { ms: number; queueDepth: number; good: boolean },
  ): void {
    const record = this.#record(did);
    const ahead = queueDepth + Math.max(1, record.underWay);
    record.underWay = Math.max(0, record.underWay - 1);
    const rate = Math.max(RATE, 1 / (record.tasks + 1));
    record.serviceMs += rate * (ms / ahead - record.serviceMs);
    record.failureRate += rate * ((good ? 0 : 1) - record.failureRate);
    record.tasks += 1;
    this.#tasks += 1;
  }

  #estimate({ did, queueDepth }: ExecutorCandidate, typical: number): ExecutorEstimate {
    const record = this.#records.get(did);
    const tasks = record?.tasks ?? 0;
    const mean = tasks > 0 ? (record?.serviceMs ?? 0) : typical;
    const doubt = EXPLORATION * Math.sqrt(Math.log(this.#tasks + 1) / (tasks + 1));
    const service = mean * Math.max(0, 1 - doubt);
    const failureRate = record?.failureRate ?? 0;
    const ahead = queueDepth + (record?.underWay ?? 0) + 1;
    const costMs = service * ahead + failureRate * this.#options.failureCostMs;
    return { did, costMs, tasks, failureRate };
  }

  /** Weighted draw without replacement (Efraimidis & Spirakis, 2006). */
  #draw(candidates: readonly ExecutorCandidate[], typical: number): readonly ExecutorCandidate[] {
    if (candidates.length <= CANDIDATES_COMPARED) return candidates;
    const keyed = candidates.map((candidate) => {
      const record = this.#records.get(candidate.did);
      const service = record && record.tasks > 0 ? record.serviceMs : typical;
      const speed = 1 / Math.max(service, Number.MIN_VALUE);
      return { candidate, key: Math.log(1 - this.#options.random()) / speed };
    });
    keyed.sort((a, b) => b.key - a.key);
    return keyed.slice(0, CANDIDATES_COMPARED).map(({ candidate }) => candidate);
  }

  #typicalMs(): number {
    let sum = 0;
    let known = 0;
    for (const { tasks, serviceMs } of this.#records.values()) {
      if (tasks === 0) continue;
      sum += serviceMs;
      known += 1;
    }
    return known === 0 ? 1 : sum / known;
  }

  #record(did: string): Record {
    const known = this.#records.get(did);
    this.#records.delete(did);
    const record = known ?? { tasks: 0, serviceMs: 0, failureRate: 0, underWay: 0 };
    this.#records.set(did, record);
    if (this.#records.size > EXECUTORS_MAX) {
      const [oldest] = this.#records.keys();
      if (oldest !== undefined) this.#records.delete(oldest);
    }
    return record;
  }
}
