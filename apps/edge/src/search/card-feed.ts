/** The search index of one worker, fed from the directory by rev (discovery.md, Freshness). */
import type { CardIndex, Signal, Signals } from '@zerostate/discovery';
import { toDocument } from '../cards/model.ts';
import { cardsSince } from '../cards/store.ts';
import { onlineDids } from '../hub/presence.ts';
import type { Clock, Database, Log } from '../ports.ts';

/** The directory is asked at most this often. */
const REFRESH_MS = 1_000;
/** What was published or revoked longer ago than this is known to every answer. */
const STALE_MS = 2_000;
const REFRESH_LOST_MS = 10_000;
/** Rows of one read. */
const PAGE = 500;
/** Scores move slowly: a publisher's is read again after this, at most so many in one turn. */
const SCORES_MS = 5_000;
const SCORES_MAX = 2_000;
/** Expired cards are not found anyway; this is when they leave the memory. */
const PRUNE_MS = 60_000;

export type ScoreReader = (
  dids: readonly string[],
) => Promise<ReadonlyMap<string, { score: number; n: number }>>;

export type CardFeedDeps = {
  directory: Database;
  clock: Clock;
  log: Log;
  index: CardIndex;
  scores: ScoreReader;
};

type Known = { did: string; description: string; expiresAt: number };

export class CardFeed {
  readonly index: CardIndex;
  readonly #deps: CardFeedDeps;
  readonly #known = new Map<string, Known>();
  readonly #funded = new Map<string, boolean>();
  #scores = new Map<string, { score: number; n: number }>();
  #online: ReadonlySet<string> = new Set();
  #rev = 0;
  #isLoaded: boolean = false;
  #refreshingSince: number | null = null;
  #refreshedAt = 0;
  #scoredAt = 0;
  #prunedAt = 0;
  #unscored: string[] = [];
  /** Rises whenever an answer may have changed without a new rev. */
  #signalsVersion = 0;

  constructor(deps: CardFeedDeps) {
    this.#deps = deps;
    this.index = deps.index;
  }

  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  /** Names the state that an answer rests on. */
  get version(): string {
    return `${this.#rev}.${this.#signalsVersion}`;
  }

  readonly signals: Signals = (did): Signal => {
    const scored = this.#scores.get(did);
    return {
      online: this.#online.has(did),
      score: scored?.score ?? 0.5,
      tasks: scored?.n ?? 0,
      rankedLast: this.#funded.get(did) === false,
    };
  };

  descriptionOf(did: string, agent: string): string {
    return this.#known.get(`${did}#${agent}`)?.description ?? '';
  }

  /**
   * Before a search: waits for the first load and after a quiet time, else only starts what is due.
   * `later` keeps work alive that the answer does not wait for.
   */
  async freshen(later: (work: Promise<void>) => void): Promise<void> {
    // Each request loads for itself: on workerd none may wait for what another began.
    if (!this.#isLoaded) return this.refresh();
    const ageMs = this.#deps.clock.now() - this.#refreshedAt;
    // After a quiet time the first answer would be older than what this index promises.
    if (ageMs >= STALE_MS) await this.#refreshQuietly();
    else if (ageMs >= REFRESH_MS) later(this.#refreshQuietly());
  }

  /** A card was published by this worker: it need not wait for the next second. */
  published(later: (work: Promise<void>) => void = () => {}): void {
    if (this.#isLoaded) later(this.#refreshQuietly());
  }

  /** Catches up with the directory. */
  async refresh(): Promise<void> {
    const now = this.#deps.clock.now();
    this.#refreshingSince = now;
    this.#refreshedAt = now;
    try {
      await this.#readCards();
      await this.#readOnline(now);
      await this.#readScores(now);
      await this.#prune(now);
      this.#isLoaded = true;
    } finally {
      this.#refreshingSince = null;
    }
  }

  async #refreshQuietly(): Promise<void> {
    const since = this.#refreshingSince;
    // A platform may drop work in the middle: such a refresh does not block the next for ever.
    if (since !== null && this.#deps.clock.now() - since < REFRESH_LOST_MS) return;
    try {
      await this.refresh();
    } catch (error) {
      // The answers get older, and say by their rev how old.
      this.#deps.log.error('search index not refreshed', {}, error);
    }
  }

  async #readCards(): Promise<void> {
    const { directory, clock } = this.#deps;
    for (;;) {
      const rows = await cardsSince(directory, this.#rev, PAGE);
      const now = clock.now();
      const live = rows.filter((row) => !row.revoked && row.expiresAt > now);
      const documents = live.map(toDocument);
      const gone = rows.filter((row) => row.revoked || row.expiresAt <= now);
      const rev = rows.at(-1)?.rev ?? this.#rev;
      if (documents.length > 0) await this.index.upsertAll(documents, rev);
      for (const { did, agent } of gone) await this.#remove(`${did}#${agent}`, rev);
      for (const { key, did, description, expiresAt } of documents) {
        this.#known.set(key, { did, description, expiresAt });
      }
      for (const { did, funded } of live) this.#funded.set(did, funded);
      this.#rev = Math.max(rev, this.#rev);
      if (rows.length < PAGE) return;
    }
  }

  async #remove(key: string, rev: number): Promise<void> {
    this.#known.delete(key);
    await this.index.remove(key, rev);
  }

  async #readOnline(now: number): Promise<void> {
    const online = await onlineDids(this.#deps.directory, now);
    const isSame =
      online.size === this.#online.size && [...online].every((did) => this.#online.has(did));
    if (isSame) return;
    this.#online = online;
    this.#signalsVersion++;
  }

  /** A slice of the publishers each turn, so that no turn is long. */
  async #readScores(now: number): Promise<void> {
    if (this.#unscored.length === 0) {
      if (now - this.#scoredAt < SCORES_MS) return;
      this.#scoredAt = now;
      this.#unscored = [...new Set([...this.#known.values()].map(({ did }) => did))];
    }
    const dids = this.#unscored.splice(0, SCORES_MAX);
    const scores = await this.#deps.scores(dids);
    for (const did of dids) {
      const score = scores.get(did);
      const before = this.#scores.get(did);
      if (score?.score === before?.score && score?.n === before?.n) continue;
      if (score === undefined) this.#scores.delete(did);
      else this.#scores.set(did, score);
      this.#signalsVersion++;
    }
  }

  async #prune(now: number): Promise<void> {
    if (now - this.#prunedAt < PRUNE_MS) return;
    this.#prunedAt = now;
    for (const [key, { expiresAt }] of this.#known) {
      if (expiresAt <= now) await this.#remove(key, this.#rev);
    }
  }
}
