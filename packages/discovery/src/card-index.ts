import type { Embedder } from './embed/embedder.ts';
import { embedQuery } from './embed/query.ts';
import { type CardChange, type SemanticVectors, splitKey } from './index/delta.ts';
import { type CardDocument, cardText } from './index/document.ts';
import { countFacets, type FacetCounts } from './index/facet-counts.ts';
import { recordOf } from './index/record.ts';
import type { SnapshotFaultCode } from './index/sections.ts';
import { SemanticSide } from './index/semantic.ts';
import { Shard } from './index/shard.ts';
import { readSnapshot, type SnapshotIdentity, writeSnapshot } from './index/snapshot.ts';
import { termsOf } from './lexical/analyzer.ts';
import { CARD_TEXT_MAX, QUERY_TEXT_MAX, SEMANTIC_VECTORS_MAX, SHARD_CARDS_MAX } from './limits.ts';
import {
  type CheckedQuery,
  checkQuery,
  type QueryRefusal,
  type SearchQuery,
  type Signals,
} from './query.ts';
import { queryPrint, readCursor, writeCursor } from './rank/cursor.ts';
import type { PoolQuery } from './rank/pool.ts';
import { type LeftOut, Ranker, type SearchResult } from './rank/rank.ts';
import type { VectorEngine } from './vector/engine.ts';
import { PlainScan } from './vector/plain/scan.ts';

/** A ranked page. */
export interface SearchAnswer {
  readonly ok: true;
  /** The directory's revision the answer rests on. */
  readonly rev: number;
  readonly results: readonly SearchResult[];
  /** Cards that are not expired, and those of them that pass the filters. */
  readonly live: number;
  readonly passed: number;
  /** Why there is nothing: no card passes the filters, or none of those fits the words. */
  readonly empty?: 'nothing-passes' | 'nothing-matches';
  /**
   * Which signals the match counts: words; words and n-grams; or these and meaning, as soon as any
   * card has a semantic vector.
   */
  readonly ranking: 'words' | 'base' | 'semantic';
  /** The embedder could not be reached, or the semantic one could not (or is still loading). */
  readonly degraded?: 'words-only' | 'base-only';
  /** Pass it as `cursor` for the next page; absent on the last one. */
  readonly next?: string;
  /** With `explain`: the next best cards of the whole index, and why they are not here. */
  readonly leftOut?: readonly LeftOut[];
}

/** Whether snapshots were taken over, and the revision to ask the directory's changes from. */
export type RestoreAnswer =
  | { readonly ok: true; readonly rev: number }
  | { readonly ok: false; readonly code: SnapshotFaultCode; readonly detail: string };

export interface CardIndexOptions {
  readonly embedder: Embedder;
  /**
   * The second, semantic embedder. It is asked for queries only: cards' vectors come by `attach`,
   * whenever they are known. Its `EmbedFailure`s leave a search with the base ranking.
   */
  readonly semantic?: Embedder;
  /**
   * Makes the vector engine of a new shard, for vectors of `dims` and at most `capacity` slots;
   * a scan in plain JavaScript by default.
   */
  readonly engine?: (dims: number, capacity: number) => VectorEngine;
  /** Cards in one shard; SHARD_CARDS_MAX by default. */
  readonly shardCards?: number;
}

type Change = { card: CardDocument } | { removed: string } | { semantic: SemanticVectors };

const EMBED_BATCH = 64;
const UNKNOWN = { online: false, score: 0.5, tasks: 0 };

/**
 * The searchable directory: cards in, ranked answers out. Writes are applied in the order they
 * were asked for, also when an embedder answers out of order; a search sees all writes whose
 * promise had resolved when it began.
 */
export class CardIndex {
  readonly #embedder: Embedder;
  readonly #semantic: Embedder | undefined;
  readonly #makeEngine: (dims: number, capacity: number) => VectorEngine;
  readonly #shardCards: number;
  readonly #shards: Shard[] = [];
  readonly #ranker = new Ranker();
  #rev = 0;
  #writes: Promise<void> = Promise.resolve();

  constructor(options: CardIndexOptions) {
    this.#embedder = options.embedder;
    this.#semantic = options.semantic;
    this.#makeEngine = options.engine ?? ((dims) => new PlainScan(dims));
    this.#shardCards = options.shardCards ?? SHARD_CARDS_MAX;
    this.#shards.push(this.#newShard());
  }

  /** The highest directory revision applied; a write without one counts as the next. */
  get rev(): number {
    return this.#rev;
  }

  /** Cards in the index, expired ones that nobody removed included. */
  get size(): number {
    return this.#shards.reduce((total, shard) => total + shard.cards.size, 0);
  }

  /** Slots of cards that were replaced or removed: room that `compact` gives back. */
  get spent(): number {
    return this.#shards.reduce((total, { cards }) => total + cards.slots - cards.size, 0);
  }

  /** Cards that have a semantic vector. */
  get attached(): number {
    return this.#shards.reduce((total, { semantic }) => total + (semantic?.attached ?? 0), 0);
  }

  /** Adds a card or replaces the one with its key. Rejects when the embedder fails. */
  upsert(card: CardDocument, rev?: number): Promise<void> {
    return this.upsertAll([card], rev);
  }

  /** Adds or replaces many cards, embedding them in batches. */
  upsertAll(cards: readonly CardDocument[], rev?: number): Promise<void> {
    return this.#enqueue(async () => {
      await this.#apply(cards.map((card) => ({ card })));
      this.#advance(rev);
    });
  }

  /** Takes a card out; nothing happens when it is not there. */
  remove(key: string, rev?: number): Promise<void> {
    return this.#enqueue(async () => {
      await this.#apply([{ removed: key }]);
      this.#advance(rev);
    });
  }

  /** Takes out the cards that are expired at `now` (ms), which no search finds any more. */
  dropExpired(now: number): Promise<void> {
    return this.#enqueue(async () => {
      for (const shard of this.#shards) shard.dropExpired(now);
    });
  }

  /** How many of the cards that live at `now` carry what; at most `top` values of each kind. */
  facets(now: number, top: number): FacetCounts {
    return countFacets(
      this.#shards.map(({ cards }) => cards),
      now,
      top,
    );
  }

  /**
   * Gives cards that are in the index their semantic vectors, in place of older ones, and touches
   * nothing else. Those of a card that is not here, or was replaced since, are passed over, and
   * all in an index without a semantic embedder. Throws for too many and for other dims.
   */
  attach(meanings: readonly SemanticVectors[], rev?: number): Promise<void> {
    return this.#enqueue(async () => {
      for (const meaning of meanings) this.#attach(meaning);
      if (rev !== undefined) this.#advance(rev);
    });
  }

  /** Up to `count` cards that have no semantic vector yet: what an encoder should read next. */
  withoutSemantic(count: number): { key: string; cardSha256: string }[] {
    const missing: { key: string; cardSha256: string }[] = [];
    for (const shard of this.#shards) {
      for (const slot of shard.withoutSemantic(count - missing.length)) {
        const { did, agent, record } = shard.cards.row(slot);
        missing.push({ key: `${did}#${agent}`, cardSha256: record.cardSha256 });
      }
    }
    return missing;
  }

  /** Applies rows of the directory's change feed, in their order. */
  apply(changes: readonly CardChange[]): Promise<void> {
    return this.#enqueue(async () => {
      await this.#apply(changes);
      for (const { rev } of changes) this.#advance(rev);
    });
  }

  /**
   * Puts up to `count` vectors into the graphs and returns how many; those that are in none are
   * found by a scan. A millisecond or less a card: for the builder, not for a request.
   */
  link(count: number): number {
    return this.#shards.reduce((done, shard) => done + shard.link(count - done), 0);
  }

  /** Finds the breadth of graph searches that these cards need; done before a snapshot. */
  calibrate(): void {
    for (const shard of this.#shards) shard.calibrate();
  }

  /** Gives back what removed cards take. Cards must be linked anew. */
  compact(): Promise<void> {
    return this.#enqueue(async () => {
      this.#shards.forEach((shard, i) => {
        if (shard.cards.size < shard.cards.slots) {
          this.#shards[i] = shard.compacted(
            this.#makeEngine(this.#embedder.dims, this.#shardCards),
            this.#newSemantic(),
          );
        }
      });
    });
  }

  /** One snapshot a shard, as chunks; write them all out before the next change. */
  snapshots(): Generator<Uint8Array>[] {
    return this.#shards.map((shard) =>
      writeSnapshot(shard, this.#identity, { rev: this.#rev, ef: shard.breadth }),
    );
  }

  /**
   * Replaces everything by the snapshots of all shards, or leaves it as it is and says why.
   * While it reads, old and new are both in memory: start from an empty index where that counts.
   */
  async restore(
    snapshots: readonly (AsyncIterable<Uint8Array> | Iterable<Uint8Array>)[],
  ): Promise<RestoreAnswer> {
    let answer: RestoreAnswer = { ok: true, rev: this.#rev };
    await this.#enqueue(async () => {
      answer = await this.#replace(snapshots);
    });
    return answer;
  }

  /** Ranks the cards for a query, or says what is wrong with it. */
  async search(
    query: SearchQuery,
    signals: Signals = () => UNKNOWN,
  ): Promise<SearchAnswer | QueryRefusal> {
    const checked = checkQuery(query);
    if (!checked.ok) return checked;
    const vector = await embedQuery(this.#embedder, checked);
    const degraded = vector === undefined && !checked.blank;
    const asked = degraded ? withoutVector(checked) : checked;
    // An encoder costs more than all the rest: it is not asked before a card can be compared.
    const wanted = degraded || this.attached === 0 ? undefined : this.#semantic;
    const semantic = wanted && (await embedQuery(wanted, checked));
    // The revision may have moved while a remote embedder answered, so the cursor is read now.
    const offset = this.#offsetOf(query);
    if (typeof offset !== 'number') return offset;
    const terms = [...new Set(termsOf(checked.text, QUERY_TEXT_MAX))];
    const pool = { terms, vector, semantic };
    const page = { offset, now: query.now, explain: query.explain === true };
    const { ranked, results, live, passed, leftOut } = this.#ranker.rank(
      this.#shards,
      asked,
      pool,
      signals,
      page,
    );
    const end = offset + results.length;
    const next = { rev: this.#rev, offset: end, print: queryPrint(query) };
    return {
      ok: true,
      rev: this.#rev,
      results,
      live,
      passed,
      ...(ranked === 0 ? { empty: passed === 0 ? 'nothing-passes' : 'nothing-matches' } : {}),
      ranking: rankingOf(pool),
      ...(degraded ? { degraded: 'words-only' } : {}),
      ...(wanted && !semantic && !checked.blank ? { degraded: 'base-only' } : {}),
      ...(end < ranked ? { next: writeCursor(next) } : {}),
      ...(leftOut === undefined ? {} : { leftOut }),
    };
  }

  #offsetOf(query: SearchQuery): number | QueryRefusal {
    if (query.cursor === undefined) return 0;
    const cursor = readCursor(query.cursor);
    if (cursor === undefined || cursor.print !== queryPrint(query)) {
      return { ok: false, code: 'cursor-invalid', field: 'cursor' };
    }
    if (cursor.rev === this.#rev) return cursor.offset;
    return { ok: false, code: 'cursor-stale', field: 'cursor' };
  }

  async #replace(
    snapshots: readonly (AsyncIterable<Uint8Array> | Iterable<Uint8Array>)[],
  ): Promise<RestoreAnswer> {
    const shards: Shard[] = [];
    let rev = Number.MAX_SAFE_INTEGER;
    for (const chunks of snapshots) {
      const reading = await readSnapshot(chunks, this.#identity, () => this.#newShard());
      if (!reading.ok) return reading;
      shards.push(reading.shard);
      rev = Math.min(rev, reading.header.rev);
    }
    if (shards.length === 0) return { ok: false, code: 'truncated', detail: 'no shard' };
    this.#shards.splice(0, this.#shards.length, ...shards);
    this.#rev = rev;
    return { ok: true, rev };
  }

  async #apply(changes: readonly Change[]): Promise<void> {
    for (let start = 0; start < changes.length; start += EMBED_BATCH) {
      const batch = changes.slice(start, start + EMBED_BATCH);
      const texts = batch.flatMap((change) => ('card' in change ? [cardText(change.card)] : []));
      const vectors = await this.#embedder.embed(texts);
      let next = 0;
      for (const change of batch) {
        if ('removed' in change) this.#takeOut(change.removed);
        else if ('semantic' in change) this.#attach(change.semantic);
        else this.#put(change.card, texts[next] ?? '', vectors[next++]);
      }
    }
  }

  #put(card: CardDocument, text: string, vector: Int8Array | undefined): void {
    if (vector === undefined) throw new Error('embedder gave too few vectors');
    const { key, did, agent, expiresAt } = card;
    if (key !== `${did}#${agent}`) throw new TypeError('a card key is did#agent');
    if (!this.#shards.some((shard) => shard.renew(card))) {
      this.#takeOut(key);
      const row = { did, agent, expiresAt, record: recordOf(card) };
      this.#openShard().put(row, termsOf(text, CARD_TEXT_MAX), vector);
    }
    const { cardSha256, semantic = [] } = card;
    if (semantic.length > 0) this.#attach({ key, cardSha256, vectors: semantic });
  }

  #attach(meaning: SemanticVectors): void {
    const { key, vectors } = meaning;
    const dims = this.#semantic?.dims;
    if (dims === undefined) return;
    if (vectors.length === 0 || vectors.length > SEMANTIC_VECTORS_MAX) {
      throw new RangeError(`${key}: ${vectors.length} semantic vectors`);
    }
    if (vectors.some(({ length }) => length !== dims)) throw new RangeError(`${key}: not ${dims}`);
    this.#shards.some((shard) => shard.attach(meaning));
  }

  #takeOut(key: string): void {
    const { did, agent } = splitKey(key);
    for (const shard of this.#shards) shard.remove(did, agent);
  }

  /** A shard with room; one whose slots are all spent on removed cards is let go. */
  #openShard(): Shard {
    const open = this.#shards.find((shard) => shard.cards.slots < this.#shardCards);
    if (open !== undefined) return open;
    const spent = this.#shards.findIndex((shard) => shard.cards.size === 0);
    if (spent >= 0) this.#shards.splice(spent, 1);
    const shard = this.#newShard();
    this.#shards.push(shard);
    return shard;
  }

  get #identity(): SnapshotIdentity {
    const { id, dims } = this.#embedder;
    const semantic = this.#semantic && { embedder: this.#semantic.id, dims: this.#semantic.dims };
    return { embedder: id, dims, semantic };
  }

  #newShard(): Shard {
    const vectors = this.#makeEngine(this.#embedder.dims, this.#shardCards);
    return new Shard(vectors, this.#newSemantic());
  }

  #newSemantic(): SemanticSide | undefined {
    if (this.#semantic === undefined) return undefined;
    const { dims } = this.#semantic;
    return new SemanticSide((capacity) => this.#makeEngine(dims, capacity), this.#shardCards);
  }

  #advance(rev: number | undefined): void {
    this.#rev = Math.max(rev ?? this.#rev + 1, this.#rev);
  }

  /** Runs `work` after all writes asked for before; a failed one does not stop the later ones. */
  #enqueue(work: () => Promise<void>): Promise<void> {
    const done = this.#writes.then(work);
    this.#writes = done.catch(() => undefined);
    return done;
  }
}

function withoutVector(query: CheckedQuery): CheckedQuery {
  return { ...query, weights: { ...query.weights, vector: 0 } };
}

function rankingOf({ vector, semantic }: PoolQuery): SearchAnswer['ranking'] {
  if (vector === undefined) return 'words';
  return semantic === undefined ? 'base' : 'semantic';
}
