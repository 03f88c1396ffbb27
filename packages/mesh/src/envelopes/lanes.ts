import { type Did, err, type Result } from '@zerostate/shared';
import { ROUTE_PARALLEL, ROUTE_QUEUE_BULK_MAX, ROUTE_QUEUE_MAX } from '../limits.ts';
import type { Clock } from '../ports.ts';
import type { QosClass } from '../tasks/message.ts';
import { Turns } from '../tasks/turns.ts';

/** Weight of the newest envelope in the average time of one. */
const RATE = 0.2;

interface Lane {
  turns: Turns;
  /** Envelopes that wait, are handed over, or whose outcome is not known yet. */
  open: { [qos in QosClass]: number };
  /** How long one envelope takes to be handed over, ms. */
  serviceMs: number;
}

/** Bounded queues, one for each neighbour: control before bulk, so many at the same time. */
export class Lanes {
  readonly #clock: Clock;
  readonly #lanes = new Map<Did, Lane>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Makes room for an envelope to this neighbour, for as long as `use` works on it; `busy` at once
   * when there are too many. `use` hands it over by `turn`.
   */
  async enter<T, C extends string>(
    to: Did,
    qos: QosClass,
    use: (turn: <U>(work: () => Promise<U>) => Promise<U>) => Promise<Result<T, C>>,
  ): Promise<Result<T, C | 'busy'>> {
    const lane = this.#lanes.get(to) ?? {
      turns: new Turns(ROUTE_PARALLEL),
      open: { control: 0, bulk: 0 },
      serviceMs: 0,
    };
    const { open } = lane;
    const isFull =
      open.control + open.bulk >= ROUTE_QUEUE_MAX ||
      (qos === 'bulk' && open.bulk >= ROUTE_QUEUE_BULK_MAX);
    if (isFull) return err('busy');
    this.#lanes.set(to, lane);
    open[qos] += 1;
    try {
      return await use((work) => lane.turns.take(qos, () => this.#timed(lane, work)));
    } finally {
      open[qos] -= 1;
    }
  }

  /** How long one more envelope would wait here before it is handed to this neighbour, ms. */
  waitMs(to: Did): number {
    const lane = this.#lanes.get(to);
    if (lane?.turns.isFull !== true) return 0;
    const { control, bulk } = lane.turns.waiting;
    return ((control + bulk + 1) / ROUTE_PARALLEL) * lane.serviceMs;
  }

  /** Envelopes that wait for each neighbour. */
  waiting(): number {
    return [...this.#lanes.values()].reduce((sum, { turns }) => {
      const { control, bulk } = turns.waiting;
      return sum + control + bulk;
    }, 0);
  }

  /** The neighbour is gone; what is under way ends by itself. */
  left(to: Did): void {
    this.#lanes.delete(to);
  }

  async #timed<T>(lane: Lane, work: () => Promise<T>): Promise<T> {
    const begunAt = this.#clock.now();
    const value = await work();
    const tookMs = Math.max(0, this.#clock.now() - begunAt);
    lane.serviceMs += RATE * (tookMs - lane.serviceMs);
    return value;
  }
}
