import type { Did } from '@zerostate/shared';
import {
  ACCOUNTS_MAX,
  CIRCUITS_PER_DID_MAX,
  RELAY_BUDGET_TO_OPEN,
  RELAY_BYTES_PER_DID_PER_HOUR,
  RESERVATIONS_MAX,
} from '../limits.ts';
import type { Clock } from '../ports.ts';
import { Bucket } from '../tasks/bucket.ts';

const HOUR_MS = 3_600_000;

export interface RelayQuota {
  /** Relayed bytes an hour, counted at both ends of a circuit. */
  bytesPerHour: number;
  /** Circuits open at the same time. */
  circuits: number;
}

export interface RelayPolicy {
  reservationsMax: number;
  quota: RelayQuota;
  /** Quotas of single DIDs in place of the general one. */
  quotas: ReadonlyMap<Did, RelayQuota>;
  /** DIDs that get no service. */
  denied: ReadonlySet<Did>;
}

export const DEFAULT_RELAY_POLICY: RelayPolicy = {
  reservationsMax: RESERVATIONS_MAX,
  quota: { bytesPerHour: RELAY_BYTES_PER_DID_PER_HOUR, circuits: CIRCUITS_PER_DID_MAX },
  quotas: new Map(),
  denied: new Set(),
};

export type RelayRefusal =
  | 'reservation-denied'
  | 'circuit-denied'
  | 'circuits-over-quota'
  | 'bytes-over-quota';

export interface RelayAccount {
  did: Did;
  bytes: number;
  circuits: number;
  circuitsTotal: number;
  refused: number;
}

interface Entry extends RelayAccount {
  budget: Bucket;
}

/** Who used how much of a relay, and who may use more. */
export class RelayAccounting {
  readonly #policy: RelayPolicy;
  readonly #clock: Clock;
  readonly #accounts = new Map<Did, Entry>();
  readonly #refused = new Map<RelayRefusal, number>();
  #bytes: number;

  constructor(policy: RelayPolicy, clock: Clock) {
    this.#policy = policy;
    this.#clock = clock;
    this.#bytes = 0;
  }

  /** Whether this DID may hold a reservation. */
  mayReserve(did: Did): boolean {
    return this.#policy.denied.has(did) ? this.#refuse(did, 'reservation-denied') : true;
  }

  /** Whether a circuit may be opened; both ends need room for it. */
  mayOpen(source: Did, destination: Did): boolean {
    for (const did of [source, destination]) {
      if (this.#policy.denied.has(did)) return this.#refuse(did, 'circuit-denied');
      const account = this.#account(did);
      if (account.circuits >= this.#quotaOf(did).circuits) {
        return this.#refuse(did, 'circuits-over-quota');
      }
      if (!account.budget.has(this.#quotaOf(did).bytesPerHour * RELAY_BUDGET_TO_OPEN))
        return this.#refuse(did, 'bytes-over-quota');
    }
    return true;
  }

  opened(source: Did, destination: Did): void {
    for (const did of [source, destination]) {
      const account = this.#account(did);
      account.circuits += 1;
      account.circuitsTotal += 1;
    }
  }

  closed(source: Did, destination: Did): void {
    for (const did of [source, destination]) {
      const account = this.#account(did);
      account.circuits = Math.max(0, account.circuits - 1);
    }
  }

  /** Counts relayed bytes to both ends; false when one of them is past its budget. */
  relayed(source: Did, destination: Did, bytes: number): boolean {
    this.#bytes += bytes;
    let isWithin = true;
    for (const did of [source, destination]) {
      const account = this.#account(did);
      account.bytes += bytes;
      if (account.budget.take(bytes)) continue;
      account.budget.drain();
      isWithin = this.#refuse(did, 'bytes-over-quota');
    }
    return isWithin;
  }

  /** The accounts that used most, at most `max`. */
  top(max: number): RelayAccount[] {
    return [...this.#accounts.values()]
      .sort((x, y) => y.bytes - x.bytes)
      .slice(0, max)
      .map(({ budget: _, ...account }) => account);
  }

  totals() {
    const accounts = [...this.#accounts.values()];
    return {
      bytes: this.#bytes,
      // Each circuit stands in two accounts.
      circuits: accounts.reduce((sum, { circuits }) => sum + circuits, 0) / 2,
      peers: accounts.length,
      refused: Object.fromEntries(this.#refused),
    };
  }

  #refuse(did: Did, reason: RelayRefusal): false {
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
    this.#account(did).refused += 1;
    return false;
  }

  #quotaOf(did: Did): RelayQuota {
    return this.#policy.quotas.get(did) ?? this.#policy.quota;
  }

  #account(did: Did): Entry {
    const known = this.#accounts.get(did);
    if (known !== undefined) return known;
    if (this.#accounts.size >= ACCOUNTS_MAX) this.#forgetOne();
    const { bytesPerHour } = this.#quotaOf(did);
    const budget = new Bucket(this.#clock, bytesPerHour / (HOUR_MS / 1000), bytesPerHour);
    const entry = { did, bytes: 0, circuits: 0, circuitsTotal: 0, refused: 0, budget };
    this.#accounts.set(did, entry);
    return entry;
  }

  /** The oldest account without an open circuit makes room. */
  #forgetOne(): void {
    for (const [did, { circuits }] of this.#accounts) {
      if (circuits > 0) continue;
      this.#accounts.delete(did);
      return;
    }
  }
}
