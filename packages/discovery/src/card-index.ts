import type { Embedder } from './embed/embedder.ts';
import { type CardDocument, cardText } from './index/document.ts';
import { recordOf } from './index/record.ts';
import { Shard } from './index/shard.ts';
import { termsOf } from './lexical/analyzer.ts';
import { CARD_TEXT_MAX, QUERY_TEXT_MAX, SHARD_CARDS_MAX } from './limits.ts';
import { checkQuery, type QueryRefusal, type SearchQuery, type Signals } from './query.ts';
import { queryPrint, readCursor, writeCursor } from './rank/cursor.ts';
import { type LeftOut, rank, type SearchResult } from './rank/rank.ts';
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
  /** Pass it as `cursor` for the next page; absent on the last one. */
  readonly next?: string;
  /** With `explain`: the next best cards of the whole index, and why they are not here. */
  readonly leftOut?: readonly LeftOut[];
}

export interface CardIndexOptions {
  readonly embedder: Embedder;
  /** Makes the vector engine of a new shard; a scan in plain JavaScript by default. */
  readonly engine?: (dims: number) => VectorEngine;
  /** Breadth of graph searches until a snapshot brings its calibrated one. */
  readonly ef?: number;
  /** Cards in one shard; SHARD_CARDS_MAX by default. */
  readonly shardCards?: number;
}

const EMBED_BATCH = 64;
const EF_DEFAULT = 256;
const UNKNOWN = { online: false, score: 0.5, tasks: 0 };

/**
 * The searchable directory: cards in, ranked answers out. Writes are applied in the order they
 * were asked for, also when an embedder answers out of order; a search sees all writes whose
 * promise had resolved when it began.
 */
export class CardIndex {
  readonly #embedder: Embedder;
  readonly #makeEngine: (dims: number) => VectorEngine;
  readonly #ef: number;
  readonly #shardCards: number;
  readonly #shards: Shard[] = [];
  #rev = 0;
  #writes: Promise<void> = Promise.resolve();

  constructor(options: CardIndexOptions) {
    this.#embedder = options.embedder;
    this.#makeEngine = options.engine ?? ((dims) => new PlainScan(dims));
    this.#ef = options.ef ?? EF_DEFAULT;
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

  /** Adds a card or replaces the one with its key. Rejects when the embedder fails. */
  upsert(card: CardDocument, rev?: number): Promise<void> {
    return this.upsertAll([card], rev);
  }

  /** Adds or replaces many cards, embedding them in batches. */
  upsertAll(cards: readonly CardDocument[], rev?: number): Promise<void> {
    for (const { key, did, agent } of cards) {
      if (key !== `${did}#${agent}`) throw new TypeError('a card key is did#agent');
    }
    return this.#enqueue(async () => {
      for (let start = 0; start < cards.length; start += EMBED_BATCH) {
        await this.#putBatch(cards.slice(start, start + EMBED_BATCH));
      }
      this.#advance(rev);
    });
  }

  /** Takes a card out; nothing happens when it is not there. */
  remove(key: string, rev?: number): Promise<void> {
    return this.#enqueue(async () => {
      const border = key.lastIndexOf('#');
      const [did, agent] = [key.slice(0, border), key.slice(border + 1)];
      for (const shard of this.#shards) shard.remove(did, agent);
      this.#advance(rev);
    });
  }

  /** Ranks the cards for a query, or says what is wrong with it. */
  async search(
    query: SearchQuery,
    signals: Signals = () => UNKNOWN,
  ): Promise<SearchAnswer | QueryRefusal> {
    const checked = checkQuery(query);
    if (!checked.ok) return checked;
    const vectors = checked.blank ? [] : await this.#embedder.embed([checked.text]);
    // The revision may have moved while a remote embedder answered, so the cursor is read now.
    const offset = this.#offsetOf(query);
    if (typeof offset !== 'number') return offset;
    const terms = [...new Set(termsOf(checked.text, QUERY_TEXT_MAX))];
    const pool = { terms, vector: vectors[0], ef: this.#ef };
    const page = { offset, now: query.now, explain: query.explain === true };
    const { ranked, results, live, passed, leftOut } = rank(
      this.#shards,
      checked,
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

  async #putBatch(cards: readonly CardDocument[]): Promise<void> {
    const texts = cards.map(cardText);
    const vectors = await this.#embedder.embed(texts);
    cards.forEach((card, i) => {
      const vector = vectors[i];
      if (vector === undefined) throw new Error('embedder gave too few vectors');
      const { did, agent, expiresAt } = card;
      for (const shard of this.#shards) shard.remove(did, agent);
      const row = { did, agent, expiresAt, record: recordOf(card) };
      this.#openShard().put(row, termsOf(texts[i] ?? '', CARD_TEXT_MAX), vector);
    });
  }

  #openShard(): Shard {
    const open = this.#shards.find((shard) => shard.cards.slots < this.#shardCards);
    if (open !== undefined) return open;
    const shard = this.#newShard();
    this.#shards.push(shard);
    return shard;
  }

  #newShard(): Shard {
    return new Shard(this.#makeEngine(this.#embedder.dims));
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
