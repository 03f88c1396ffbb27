/**
 * The public score `performance-v1` (trust.md 1.2 to 1.4): per epoch
 *
 *     raw = .4 S + .4 E + .2 K
 *     S   = successes / tasks
 *     E   = (sigma(30 s / mean duration) + sigma(1 unit / cost per success)) / 2
 *     K   = (S + tanh(age in days / 30)) / 2
 *     sigma(x) = 1 / (1 + e^(-2 (x - 1)))
 *
 * and over epochs R_0 = raw_0, R_k = (1 - a_k) R_{k-1} + a_k raw_k with a_k = .3 min(1, n_k / 5).
 */

/** Evidence of one subject in one epoch: facts that the ledger proves. */
export type EpochEvidence = {
  /** Days since the Unix epoch (floor of ms / EPOCH_MS). */
  epoch: number;
  ok: number;
  fail: number;
  /** Sum of the durations of successful tasks, ms: a fast crash must not look efficient. */
  durationMsOk: number;
  /** Sum of the cost of all tasks, micro-units. */
  costMicro: bigint;
  /** Time of the newest evidence in this epoch, ms. */
  lastAt: number;
};

export type PerformanceScore = {
  /** Tasks counted in all. */
  n: number;
  /** As shown: pulled to neutral by idleness, .5 until there are TASKS_MIN. */
  score: number;
  /** Not offered to anyone while true. */
  suspended: boolean;
  suspendedUntil: number | null;
};

export const EPOCH_MS = 86_400_000;
/** Below this many tasks the score says nothing yet. */
export const TASKS_MIN = 5;
export const NEUTRAL = 0.5;
export const SUSPENSION_SCORE = 0.3;
export const SUSPENSION_MS = 86_400_000;

const ALPHA = 0.3;
const HALF_LIFE_MS = 7 * EPOCH_MS;
const LONGEVITY_DAYS = 30;
const DURATION_BASELINE_MS = 30_000;
const COST_BASELINE_MICRO = 1_000_000;

/** The epoch that a time falls in. */
export function epochOf(ms: number): number {
  return Math.floor(ms / EPOCH_MS);
}

/** The score of a subject at `now` (ms) from its evidence, one entry an epoch in rising order. */
export function scorePerformance(
  evidence: readonly EpochEvidence[],
  now: number,
): PerformanceScore {
  const counted = evidence.filter(({ ok, fail }) => ok + fail > 0);
  const n = counted.reduce((sum, { ok, fail }) => sum + ok + fail, 0);
  const last = counted.at(-1);
  if (last === undefined || n < TASKS_MIN) {
    return { n, score: NEUTRAL, suspended: false, suspendedUntil: null };
  }
  const rating = smooth(counted);
  const score = decay(rating, now - last.lastAt);
  const suspendedUntil = rating < SUSPENSION_SCORE ? last.lastAt + SUSPENSION_MS : null;
  return { n, score, suspended: suspendedUntil !== null && now < suspendedUntil, suspendedUntil };
}

/** The exponential average over epochs; an epoch without tasks leaves it as it is. */
function smooth(evidence: readonly EpochEvidence[]): number {
  const first = evidence[0]?.epoch ?? 0;
  let rating: number | null = null;
  let previous = Number.NEGATIVE_INFINITY;
  for (const epoch of evidence) {
    if (epoch.epoch <= previous) throw new RangeError('epochs must rise');
    previous = epoch.epoch;
    const raw = rawScore(epoch, epoch.epoch - first);
    const weight = ALPHA * Math.min(1, (epoch.ok + epoch.fail) / TASKS_MIN);
    rating = rating === null ? raw : (1 - weight) * rating + weight * raw;
  }
  return rating ?? NEUTRAL;
}

/** What a raw score is made of, each part 0 to 1. */
export type PerformanceParts = {
  success: number;
  speed: number;
  cost: number;
  longevity: number;
};

/** The parts of one epoch; `ageDays` is counted from the subject's first epoch. */
export function performanceParts(epoch: EpochEvidence, ageDays: number): PerformanceParts {
  // Without a success both means are infinite: the ratio to the baseline is 0.
  return {
    success: epoch.ok / (epoch.ok + epoch.fail),
    speed: sigma(ratio(DURATION_BASELINE_MS * epoch.ok, epoch.durationMsOk)),
    cost: sigma(ratio(COST_BASELINE_MICRO * epoch.ok, Number(epoch.costMicro))),
    longevity: Math.tanh(ageDays / LONGEVITY_DAYS),
  };
}

/** The score of one epoch alone. */
export function rawScore(epoch: EpochEvidence, ageDays: number): number {
  const { success, speed, cost, longevity } = performanceParts(epoch, ageDays);
  const efficiency = (speed + cost) / 2;
  const consistency = (success + longevity) / 2;
  return 0.4 * success + 0.4 * efficiency + 0.2 * consistency;
}

function ratio(baseline: number, measured: number): number {
  if (baseline === 0) return 0;
  return measured === 0 ? Number.POSITIVE_INFINITY : baseline / measured;
}

function sigma(x: number): number {
  return 1 / (1 + Math.exp(-2 * (x - 1)));
}

/** Idleness pulls towards neutral, never towards zero. */
function decay(rating: number, idleMs: number): number {
  const idle = Math.max(0, idleMs);
  return NEUTRAL + (rating - NEUTRAL) * 2 ** (-idle / HALF_LIFE_MS);
}
