/** What ranking knows of publishers apart from their cards: presence, reputation, money. */
import type { Signal, Signals } from '@zerostate/discovery';
import type { CardRow } from '../cards/model.ts';
import { type Load, onlineLoads } from '../hub/presence.ts';
import type { Database } from '../ports.ts';

export type Score = { score: number; n: number };
export type ScoreReader = (dids: readonly string[]) => Promise<ReadonlyMap<string, Score>>;

export type PublisherDeps = {
  directory: Database;
  ledger: Database;
  scores: ScoreReader;
};

/** Scores move slowly: all are read anew this often, at most so many in one turn. */
const SCORES_MS = 5_000;
const SCORES_MAX = 2_000;
const UNFUNDED_MAX = 5_000;
const NEUTRAL = 0.5;
/** One object for all: an index remembers the signal of every publisher it has met. */
const STRANGER: Signal = Object.freeze({
  online: false,
  score: NEUTRAL,
  tasks: 0,
  rankedLast: false,
});

/**
 * Only what differs from a stranger is kept: who is online, who has a history, and who has no money
 * here. A publisher that is in none of the sets costs nothing.
 */
export class Publishers {
  readonly signals: Signals;
  readonly #deps: PublisherDeps;
  #online: ReadonlyMap<string, Load | null> = new Map();
  #scores = new Map<string, Score>();
  #unfunded = new Set<string>();
  #scoredAt = 0;
  /** The subject after which the next slice of scores begins; null between two rounds. */
  #after: string | null = null;
  #version = 0;

  constructor(deps: PublisherDeps) {
    this.#deps = deps;
    this.signals = Object.defineProperty((did: string): Signal => this.#signalOf(did), 'version', {
      get: () => this.#version,
    });
  }

  /** Rises whenever an answer may have changed without a new rev. */
  get version(): number {
    return this.#version;
  }

  isOnline(did: string): boolean {
    return this.#online.has(did);
  }

  /** What an executor that is online last said of its work; null when nothing is known. */
  loadOf(did: string): Load | null {
    return this.#online.get(did) ?? null;
  }

  /** Rows of cards say who had money when they were published; the newest one counts. */
  published(rows: readonly CardRow[]): void {
    for (const { did, funded } of rows) {
      if (funded ? !this.#unfunded.delete(did) : this.#unfunded.has(did)) continue;
      if (!funded) this.#unfunded.add(did);
      this.#version++;
    }
  }

  /** Reads who has no money, for cards that came with a snapshot. */
  async load(): Promise<void> {
    const unfunded = new Set<string>();
    for (let after = ''; ; ) {
      const rows = await this.#deps.directory.read({
        sql: `SELECT DISTINCT did FROM card WHERE funded = 0 AND did > ?1 ORDER BY did LIMIT ?2`,
        args: [after, UNFUNDED_MAX],
      });
      for (const { did } of rows) unfunded.add(String(did));
      if (rows.length < UNFUNDED_MAX) break;
      after = String(rows.at(-1)?.did);
    }
    this.#unfunded = unfunded;
    this.#version++;
  }

  async refresh(now: number): Promise<void> {
    await this.#readOnline(now);
    await this.#readScores(now);
  }

  #signalOf(did: string): Signal {
    const scored = this.#scores.get(did);
    const online = this.#online.has(did);
    const rankedLast = this.#unfunded.has(did);
    if (scored === undefined && !online && !rankedLast) return STRANGER;
    return { online, score: scored?.score ?? NEUTRAL, tasks: scored?.n ?? 0, rankedLast };
  }

  async #readOnline(now: number): Promise<void> {
    const before = this.#online;
    this.#online = await onlineLoads(this.#deps.directory, now);
    const dids = [...this.#online.keys()];
    const isSame = dids.length === before.size && dids.every((did) => before.has(did));
    // Loads rank nobody: what an index remembers of publishers stays good.
    if (!isSame) this.#version++;
  }

  /** A slice of the scored each turn, so that no turn is long. Scores are never deleted. */
  async #readScores(now: number): Promise<void> {
    if (this.#after === null) {
      if (now - this.#scoredAt < SCORES_MS) return;
      this.#scoredAt = now;
      this.#after = '';
    }
    const rows = await this.#deps.ledger.read({
      sql: `SELECT DISTINCT subject FROM score WHERE subject > ?1 ORDER BY subject LIMIT ?2`,
      args: [this.#after, SCORES_MAX],
    });
    const dids = rows.map(({ subject }) => String(subject));
    this.#after = dids.length < SCORES_MAX ? null : (dids.at(-1) ?? null);
    if (dids.length === 0) return;
    for (const [did, { score, n }] of await this.#deps.scores(dids)) {
      const before = this.#scores.get(did);
      if (score === before?.score && n === before.n) continue;
      this.#scores.set(did, { score, n });
      this.#version++;
    }
  }
}
