/** Gives the cards of an index their semantic vectors, which come after the cards themselves. */
import { type CardIndex, cardText, type SemanticVectors } from '@zerostate/discovery';
import { toDocument } from '../cards/model.ts';
import { readCard } from '../cards/store.ts';
import type { Clock, Database, Statement } from '../ports.ts';
import type { SearchPorts, SemanticEmbedder } from './ports.ts';

/** Cards whose vectors are looked for at once. */
const PAGE = 256;
/** Time of one turn that goes into reading cards: a worker answers requests beside it. */
const TURN_MS = 100;
/** Another worker publishes and reads its own cards: they are left to it for so many turns. */
const PATIENCE = 5;
const REMEMBERED_MAX = 4_096;
/** Vectors of cards that are gone are kept this long: the card may come back. */
const KEEP_MS = 7 * 86_400_000;

export type MeaningDeps = { directory: Database; clock: Clock; search: SearchPorts };

type Missing = { key: string; cardSha256: string };

/**
 * Off the path of every request. Vectors that some worker has made are taken from the directory;
 * the others are made here: at once for what this worker published, else when nobody did in time.
 */
export class Meanings {
  readonly #deps: MeaningDeps;
  /** Turns for which a card's vectors were missing. */
  readonly #missed = new Map<string, number>();
  readonly #own = new Set<string>();

  constructor(deps: MeaningDeps) {
    this.#deps = deps;
  }

  /** This worker published a card with this digest. */
  published(cardSha256: string): void {
    if (this.#deps.search.semantic === undefined) return;
    // Forgotten ones are made after some turns, like those of others.
    if (this.#own.size >= REMEMBERED_MAX) this.#own.clear();
    this.#own.add(cardSha256);
  }

  /** One turn; with `all`, until none is missing, and `made` is told how many were. */
  async fill(index: CardIndex, all?: { made: (count: number) => void }): Promise<void> {
    const { semantic } = this.#deps.search;
    if (semantic === undefined) return;
    let made = 0;
    for (;;) {
      const missing = index.withoutSemantic(PAGE);
      if (missing.length === 0) return;
      const known = await this.#read(semantic, missing);
      await index.attach(known);
      const taken = new Set(known.map(({ cardSha256 }) => cardSha256));
      const rest = missing.filter(({ cardSha256 }) => !taken.has(cardSha256));
      const due = all === undefined ? rest.filter((each) => this.#isDue(each)) : rest;
      made += await this.#make(semantic, index, due, all === undefined ? TURN_MS : Infinity);
      all?.made(made);
      if (all === undefined) {
        // A full page of known ones: the next page is as cheap.
        if (rest.length > 0) return;
      } else if (taken.size === 0 && due.length === 0) return;
    }
  }

  #isDue({ cardSha256 }: Missing): boolean {
    if (this.#own.has(cardSha256)) return true;
    const turns = (this.#missed.get(cardSha256) ?? 0) + 1;
    this.#missed.set(cardSha256, turns);
    if (this.#missed.size > REMEMBERED_MAX) this.#missed.clear();
    return turns > PATIENCE;
  }

  async #read(semantic: SemanticEmbedder, cards: readonly Missing[]): Promise<SemanticVectors[]> {
    const digests = [...new Set(cards.map(({ cardSha256 }) => cardSha256))];
    const rows = await this.#deps.directory.read({
      sql: `SELECT card_sha256, vectors FROM card_semantic
            WHERE embedder = ?1 AND card_sha256 IN (SELECT value FROM json_each(?2))`,
      args: [semantic.id, JSON.stringify(digests)],
    });
    const byDigest = new Map(rows.map((row) => [String(row.card_sha256), row.vectors]));
    return cards.flatMap(({ key, cardSha256 }) => {
      const bytes = byDigest.get(cardSha256);
      const vectors = bytes instanceof Uint8Array ? split(bytes, semantic.dims) : [];
      return vectors.length === 0 ? [] : [{ key, cardSha256, vectors }];
    });
  }

  /** Makes vectors for as long as it may, and returns of how many cards. */
  async #make(
    semantic: SemanticEmbedder,
    index: CardIndex,
    cards: readonly Missing[],
    msMax: number,
  ): Promise<number> {
    const { clock, directory, search } = this.#deps;
    const startedAt = clock.now();
    let made = 0;
    for (const { key, cardSha256 } of cards) {
      if (clock.now() - startedAt >= msMax) break;
      const vectors = await this.#vectorsOf(semantic, key, cardSha256);
      this.#own.delete(cardSha256);
      this.#missed.delete(cardSha256);
      // It was replaced in between: the index has not seen that yet.
      if (vectors === null) continue;
      await index.attach([{ key, cardSha256, vectors }]);
      await directory.batch([vectorsInsert(semantic, cardSha256, vectors, clock.now())]);
      made++;
      await new Promise<void>((resolve) => {
        search.timers.after(0, resolve);
      });
    }
    return made;
  }

  async #vectorsOf(
    semantic: SemanticEmbedder,
    key: string,
    cardSha256: string,
  ): Promise<readonly Int8Array[] | null> {
    const border = key.lastIndexOf('#');
    const row = await readCard(this.#deps.directory, key.slice(0, border), key.slice(border + 1));
    const card = row === null ? null : toDocument(row);
    if (card === null || card.cardSha256 !== cardSha256) return null;
    const text = cardText(card);
    const parts = semantic.vectors?.(text) ?? [];
    return parts.length > 0 ? parts : semantic.embed([text]);
  }
}

function vectorsInsert(
  { id, dims }: SemanticEmbedder,
  cardSha256: string,
  vectors: readonly Int8Array[],
  at: number,
): Statement {
  const bytes = new Uint8Array(vectors.length * dims);
  for (const [i, vector] of vectors.entries()) {
    bytes.set(new Uint8Array(vector.buffer, vector.byteOffset, dims), i * dims);
  }
  return {
    sql: `INSERT INTO card_semantic(card_sha256, embedder, vectors, at) VALUES(?1, ?2, ?3, ?4)
          ON CONFLICT(embedder, card_sha256) DO NOTHING`,
    args: [cardSha256, id, bytes, at],
  };
}

function split(bytes: Uint8Array, dims: number): Int8Array[] {
  if (bytes.length % dims !== 0) return [];
  return Array.from(
    { length: bytes.length / dims },
    (_, i) => new Int8Array(bytes.slice(i * dims, (i + 1) * dims).buffer),
  );
}

/** Vectors of cards that nobody publishes any more. */
export function forgetMeanings(now: number, rowsMax: number): Statement {
  return {
    sql: `DELETE FROM card_semantic WHERE (embedder, card_sha256) IN (
            SELECT embedder, card_sha256 FROM card_semantic s WHERE at < ?1
              AND NOT EXISTS (SELECT 1 FROM card c WHERE c.card_sha256 = s.card_sha256)
            LIMIT ?2)`,
    args: [now - KEEP_MS, rowsMax],
  };
}
