import { validateAgentCard } from '@zerostate/shared';
import type { Catalog, OfferedAgent } from '../offers/catalog.ts';
import type { Clock } from '../ports.ts';
import type { Database } from '../state/database.ts';
import { type CardRow, readCards, readModule } from './store.ts';

/** Modules kept in memory; a node runs a handful of them over and over. */
const MODULES_MAX = 16;

type Entry = OfferedAgent & { expiresAt: number };

/** The node's own cards as offers are measured against them. */
export class CardCatalog implements Catalog {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #agents = new Map<string, Entry>();
  readonly #modules = new Map<string, Uint8Array>();

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /** Reads the cards again: after a start, an addition, a renewal and a revocation. */
  async load(): Promise<void> {
    const rows = await readCards(this.#database);
    this.#agents.clear();
    for (const row of rows) {
      const entry = entryOf(row);
      if (entry !== null) this.#agents.set(row.agent, entry);
    }
  }

  agent(name: string): OfferedAgent | null {
    const entry = this.#agents.get(name);
    // A card that has expired promises nothing any more.
    return entry !== undefined && entry.expiresAt > this.#clock.now() ? entry : null;
  }

  /** The lowest base price of a live card, 0 without one. */
  cheapestBase(): bigint {
    let least: bigint | null = null;
    for (const name of this.#agents.keys()) {
      const live = this.agent(name);
      if (live === null) continue;
      const base = BigInt(live.params.price.base);
      if (least === null || base < least) least = base;
    }
    return least ?? 0n;
  }

  async module(sha256: string): Promise<Uint8Array | null> {
    const cached = this.#modules.get(sha256);
    if (cached !== undefined) return cached;
    const bytes = await readModule(this.#database, sha256);
    if (bytes === null) return null;
    this.#modules.set(sha256, bytes);
    const oldest = this.#modules.keys().next();
    if (this.#modules.size > MODULES_MAX && !oldest.done) this.#modules.delete(oldest.value);
    return bytes;
  }
}

function entryOf(row: CardRow): Entry | null {
  if (row.revoked !== 0) return null;
  const valid = validateAgentCard(JSON.parse(row.card));
  if (!valid.ok) return null;
  return { agent: row.agent, params: valid.value.params, expiresAt: row.expiresAt };
}
