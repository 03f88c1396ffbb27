import {
  CONDEMN_AFTER,
  HEALTH_AGE_HALF_MS,
  HEALTH_RTT_HALF_MS,
  PROBES_KEPT,
  SUSPECT_AFTER,
} from '../limits.ts';

export type HealthState = 'healthy' | 'suspected' | 'condemned';

/** What is known of one connection from its probes. */
export interface Health {
  state: HealthState;
  /** Smoothed round trip in ms; null before the first answer. */
  rttMs: number | null;
  /** Share of the last PROBES_KEPT probes without an answer. */
  loss: number;
  /** 0 (useless) to 1: latency, loss and age in one number that routing can multiply with. */
  score: number;
}

/** Weight of a new round trip in the smoothed one: RFC 6298 section 2 takes an eighth. */
const RTT_GAIN = 1 / 8;

/** Follows the probes of one connection; suspects at the first miss, condemns after more. */
export class Follower {
  readonly #openedAt: number;
  /** Latest last; null for a probe without an answer. */
  readonly #answers: (number | null)[] = [];
  #rttMs: number | null;
  #missed: number;

  constructor(openedAt: number) {
    this.#openedAt = openedAt;
    this.#rttMs = null;
    this.#missed = 0;
  }

  answered(rttMs: number): void {
    this.#push(rttMs);
    this.#missed = 0;
    this.#rttMs = this.#rttMs === null ? rttMs : this.#rttMs + RTT_GAIN * (rttMs - this.#rttMs);
  }

  missed(): void {
    this.#push(null);
    this.#missed += 1;
  }

  health(now: number): Health {
    const state = stateAfter(this.#missed);
    const lost = this.#answers.filter((answer) => answer === null).length;
    const loss = this.#answers.length === 0 ? 0 : lost / this.#answers.length;
    const ageMs = Math.max(0, now - this.#openedAt);
    return { state, rttMs: this.#rttMs, loss, score: scoreOf(state, this.#rttMs, loss, ageMs) };
  }

  #push(answer: number | null): void {
    this.#answers.push(answer);
    if (this.#answers.length > PROBES_KEPT) this.#answers.shift();
  }
}

function stateAfter(missed: number): HealthState {
  if (missed >= CONDEMN_AFTER) return 'condemned';
  return missed >= SUSPECT_AFTER ? 'suspected' : 'healthy';
}

/**
 * latency · delivery · steadiness. Latency halves at HEALTH_RTT_HALF_MS, delivery is the square of
 * the share answered (a task takes a question and an answer), steadiness grows from a half to one
 * with age. A suspected connection counts a quarter, so that any other is taken first.
 */
function scoreOf(state: HealthState, rttMs: number | null, loss: number, ageMs: number): number {
  if (state === 'condemned') return 0;
  const latency = HEALTH_RTT_HALF_MS / (HEALTH_RTT_HALF_MS + (rttMs ?? HEALTH_RTT_HALF_MS));
  const steadiness = 0.5 + 0.5 * (ageMs / (ageMs + HEALTH_AGE_HALF_MS));
  const suspicion = state === 'suspected' ? 0.25 : 1;
  return latency * (1 - loss) ** 2 * steadiness * suspicion;
}
