import type { Database, Log } from '../ports.ts';

/** Descriptions remembered: the few hundred cards that most answers name. */
const KEPT_MAX = 2_048;

export type Described = { did: string; agent: string; cardSha256: string };

/**
 * The words a card describes itself with. The index does not hold them (they are a third of a
 * card), so the cards of a page are looked up, unless an answer named them before: a description
 * goes with the digest of its card and is never stale.
 */
export class Descriptions {
  readonly #directory: Database;
  readonly #log: Log;
  readonly #kept = new Map<string, string>();

  constructor(directory: Database, log: Log) {
    this.#directory = directory;
    this.#log = log;
  }

  /** By digest. A card that is not there any more has none. */
  async of(cards: readonly Described[]): Promise<(cardSha256: string) => string> {
    const missing = cards.filter(({ cardSha256 }) => !this.#kept.has(cardSha256));
    if (missing.length > 0) await this.#read(missing);
    const found = new Map<string, string>();
    for (const { cardSha256 } of cards) {
      const text = this.#kept.get(cardSha256) ?? '';
      found.set(cardSha256, text);
      // To the end: a Map iterates in order of insertion, so its first key is the longest unused.
      if (this.#kept.delete(cardSha256)) this.#kept.set(cardSha256, text);
    }
    this.#forget();
    return (cardSha256) => found.get(cardSha256) ?? '';
  }

  async #read(cards: readonly Described[]): Promise<void> {
    try {
      const rows = await this.#directory.read({
        sql: `SELECT c.card_sha256, c.card ->> '$.description' AS description
              FROM json_each(?1) j JOIN card c
                ON c.did = j.value ->> '$[0]' AND c.agent = j.value ->> '$[1]'`,
        args: [JSON.stringify(cards.map(({ did, agent }) => [did, agent]))],
      });
      for (const row of rows) this.#kept.set(String(row.card_sha256), String(row.description));
    } catch (error) {
      // The ranking stands without them: a directory that is away does not end searching.
      this.#log.error('descriptions not read', {}, error);
    }
  }

  #forget(): void {
    for (const digest of this.#kept.keys()) {
      if (this.#kept.size <= KEPT_MAX) return;
      this.#kept.delete(digest);
    }
  }
}
