/** The search index of one worker: a snapshot, and everything since (discovery.md, Freshness). */
import { CardIndex, DELTA_MAX } from '@zerostate/discovery';
import { Descriptions } from './descriptions.ts';
import { catchUp, type HeldIndex, type IndexDeps, restoreNewest } from './held-index.ts';
import { Meanings } from './meanings.ts';
import { semanticFor } from './ports.ts';
import { type PublisherDeps, Publishers } from './publishers.ts';

/** The directory is asked at most this often. */
const REFRESH_MS = 1_000;
/**
 * An answer waits for the directory rather than rest on what is older than this: with the time of
 * the look itself, what was published or revoked two seconds ago is known.
 */
const STALE_MS = 1_500;
const STALE_WAIT_MS = 1_000;
/** A platform may drop work in the middle: what shows no progress for this long is begun again. */
const LOST_MS = 10_000;
/**
 * What a request to a cold worker waits for the index, at most. After it the answer ranks the cards
 * that are newer than the snapshot, and says so.
 */
const COLD_WAIT_MS = 2_000;
/** How often a waiting request looks whether another's work is done. */
const LOOK_MS = 20;
/** A worker takes up a newer snapshot after so many builder's deltas; looks for one this often. */
const SWAP_DELTAS = 4;
const SWAP_LOOK_MS = 5_000;

/** Keeps work alive that no answer waits for. */
export type Later = (work: Promise<void>) => void;

export type CardFeedDeps = IndexDeps & PublisherDeps;

export class CardFeed {
  readonly publishers: Publishers;
  readonly descriptions: Descriptions;
  readonly #meanings: Meanings;
  readonly #deps: CardFeedDeps;
  #held: HeldIndex | null = null;
  /** While the snapshot is loading: an index of what is newer. */
  #partial: CardIndex;
  #loadingAt: number | null = null;
  #refreshingAt: number | null = null;
  /** When the last look at the directory began, and the last one that came to its end. */
  #refreshedAt = 0;
  #knownAt = 0;
  #lookedAt = 0;
  #fillingAt: number | null = null;

  constructor(deps: CardFeedDeps) {
    this.#deps = deps;
    this.publishers = new Publishers(deps);
    this.descriptions = new Descriptions(deps.directory, deps.log);
    this.#meanings = new Meanings(deps);
    this.#partial = scannedIndex(deps);
  }

  get isLoaded(): boolean {
    return this.#held !== null;
  }

  /** What answers now: everything, or while it loads what is newer than the snapshot. */
  get index(): CardIndex {
    return this.#held?.index ?? this.#partial;
  }

  /** Before a search: does what is due, and waits only for what an answer cannot do without. */
  async freshen(later: Later): Promise<void> {
    if (this.#held === null) return this.#awaitLoad(later);
    const now = this.#deps.clock.now();
    if (now - this.#knownAt >= STALE_MS) await this.#awaitRefresh(later);
    else if (now - this.#refreshedAt >= REFRESH_MS) later(this.#refreshQuietly(later));
  }

  /** A card was published by this worker: it need not wait for the next second. */
  published(later: Later = () => {}, cardSha256?: string): void {
    if (cardSha256 !== undefined) this.#meanings.published(cardSha256);
    if (this.isLoaded) later(this.#refreshQuietly(later));
  }

  /** Loads the index, unless that is under way already, or catches up with the directory. */
  async refresh(later: Later = () => {}): Promise<void> {
    if (this.#held === null) {
      if (!isUnderWay(this.#loadingAt, this.#deps.clock.now())) await this.#load();
      return;
    }
    const held = this.#held;
    const now = this.#deps.clock.now();
    this.#refreshingAt = now;
    this.#refreshedAt = now;
    try {
      await catchUp(this.#deps, held, { seen: (rows) => this.publishers.published(rows) });
      await this.publishers.refresh(now);
      this.#knownAt = Math.max(now, this.#knownAt);
    } finally {
      this.#refreshingAt = null;
    }
    if (this.#isSwapDue(held, now)) later(this.#swapQuietly(held));
    else later(this.#fillQuietly(held));
  }

  /** Lets go of the index: the builder needs the room. */
  release(): void {
    this.#held = null;
  }

  /** Takes over the index that a builder has made, if it is not older than what is here. */
  adopt(held: HeldIndex): void {
    if (this.#held === null || held.rev >= this.#held.rev) this.#held = held;
  }

  /** How many cards there are to be held twice during a build. */
  get size(): number {
    return this.#held?.index.size ?? 0;
  }

  /**
   * On workerd no request may wait for what another began, so everyone looks at the outcome: the
   * one that loads as well, which goes on after its answer.
   */
  async #awaitLoad(later: Later): Promise<void> {
    for (let waited = 0; this.#held === null && waited < COLD_WAIT_MS; waited += LOOK_MS) {
      if (!isUnderWay(this.#loadingAt, this.#deps.clock.now())) {
        let failed: unknown = null;
        const loading = this.#load().catch((error: unknown) => {
          failed = error ?? new Error('the index was not loaded');
        });
        later(loading);
        await Promise.race([loading, this.#pause(COLD_WAIT_MS - waited)]);
        if (failed !== null) throw failed;
        return;
      }
      await this.#pause(LOOK_MS);
    }
  }

  /** After a quiet time, or while a look takes long. The same rule: one looks, others look at it. */
  async #awaitRefresh(later: Later): Promise<void> {
    const { clock } = this.#deps;
    for (let waited = 0; waited < STALE_WAIT_MS; waited += LOOK_MS) {
      if (clock.now() - this.#knownAt < STALE_MS) return;
      if (!isUnderWay(this.#refreshingAt, clock.now())) return this.#refreshQuietly(later);
      await this.#pause(LOOK_MS);
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#deps.search.timers.after(ms, resolve);
    });
  }

  async #load(): Promise<void> {
    const { clock } = this.#deps;
    const seen = () => {
      this.#loadingAt = clock.now();
    };
    seen();
    try {
      await this.publishers.load();
      const held = await restoreNewest(this.#deps, {
        chosen: async (snapshot) => {
          const index = scannedIndex(this.#deps);
          this.#partial = index;
          const { rev } = snapshot;
          const newer = { index, snapshot, semantic: undefined, rev, changes: 0 };
          await catchUp(this.#deps, newer, { limit: DELTA_MAX });
          seen();
        },
        chunk: seen,
      });
      if (held.snapshot === null) this.#partial = held.index;
      await catchUp(this.#deps, held, {
        seen: (rows) => {
          seen();
          this.publishers.published(rows);
        },
      });
      this.#refreshedAt = clock.now();
      this.#knownAt = this.#refreshedAt;
      await this.publishers.refresh(this.#refreshedAt);
      this.#held = held;
      this.#partial = scannedIndex(this.#deps);
    } finally {
      this.#loadingAt = null;
    }
  }

  async #refreshQuietly(later: Later): Promise<void> {
    if (isUnderWay(this.#refreshingAt, this.#deps.clock.now())) return;
    try {
      await this.refresh(later);
    } catch (error) {
      // The answers get older, and say by their rev how old.
      this.#deps.log.error('search index not refreshed', {}, error);
    }
  }

  /** One at a time: a turn that takes long is not joined by the next. */
  async #fillQuietly({ index }: HeldIndex): Promise<void> {
    const now = this.#deps.clock.now();
    if (isUnderWay(this.#fillingAt, now)) return;
    this.#fillingAt = now;
    try {
      await this.#meanings.fill(index);
    } catch (error) {
      this.#deps.log.error('semantic vectors not filled', {}, error);
    } finally {
      this.#fillingAt = null;
    }
  }

  #isSwapDue(held: HeldIndex, now: number): boolean {
    const isShort = held.changes < this.#deps.search.delta * SWAP_DELTAS;
    if (isShort && this.#isRightKind(held)) return false;
    if (now - this.#lookedAt < SWAP_LOOK_MS) return false;
    this.#lookedAt = now;
    return true;
  }

  /** Whether it holds second vectors where an encoder is there and room for them, and else not. */
  #isRightKind({ index, semantic }: HeldIndex): boolean {
    return semantic === semanticFor(this.#deps.search, index.size, semantic !== undefined);
  }

  /** Takes up a newer snapshot: a long delta is scanned, and replaced cards take room. */
  async #swapQuietly(held: HeldIndex): Promise<void> {
    const { search, log } = this.#deps;
    try {
      const [newest] = await search.snapshots.list(search.embedder.id);
      const builtOn = held.snapshot?.rev ?? 0;
      const isNewer = newest !== undefined && newest.rev >= builtOn + search.delta;
      const isSame = this.#isRightKind(held);
      if (isSame && !isNewer) return;
      const { besideCardsMax = Number.POSITIVE_INFINITY } = search;
      // No room for both: this worker is cold for as long as it takes.
      if (held.index.size > besideCardsMax) {
        this.release();
        return await this.#load();
      }
      const next = await restoreNewest(this.#deps, { cards: held.index.size });
      if (isSame && next.snapshot === null) return;
      // This worker goes on meanwhile: the new index overtakes the old one, then it stands in.
      do await catchUp(this.#deps, next);
      while (this.#held !== null && next.rev < this.#held.rev);
      this.#held = next;
      log.debug('index loaded again', { snapshot: next.snapshot?.id, rev: next.rev });
    } catch (error) {
      log.error('index snapshot not taken up', {}, error);
    }
  }
}

/** For the few cards of a delta: scanned, without a vector engine's arena. */
function scannedIndex({ search }: IndexDeps): CardIndex {
  return new CardIndex({ embedder: search.embedder });
}

function isUnderWay(progressAt: number | null, now: number): boolean {
  return progressAt !== null && now - progressAt < LOST_MS;
}
