import type { Mesh, SignedCard } from '@zerostate/mesh';
import { type CardRow, readCards } from '../agents/store.ts';
import type { Cancel, Clock, Log, Timers } from '../ports.ts';
import type { Database } from '../state/database.ts';

/** Cards that were signed, renewed or revoked are looked for this often. */
const LOOK_MS = 5_000;

export interface OwnCardsOptions {
  mesh: Mesh;
  database: Database;
  clock: Clock;
  timers: Timers;
  log: Log;
  fatal: (cause: unknown) => void;
}

/**
 * Tells the mesh of the node's own cards: each record once to the table, which is told again by
 * itself until a newer record takes its place, and by gossip as soon as somebody listens.
 */
export class OwnCards {
  readonly #options: OwnCardsOptions;
  /** Agent → the newest record that the table was told of, and the one that gossip spread. */
  readonly #published = new Map<string, number>();
  readonly #gossiped = new Map<string, number>();
  /** Where the table was told that the node is. */
  readonly #addresses = new Set<string>();
  #cancel: Cancel;
  #telling: Promise<void> | null;
  #isStopped: boolean;

  constructor(options: OwnCardsOptions) {
    this.#options = options;
    this.#cancel = () => undefined;
    this.#telling = null;
    this.#isStopped = false;
  }

  start(): void {
    this.#cancel = this.#options.timers.every(LOOK_MS, () => this.changed());
    this.changed();
  }

  /** A card was signed; one pass at a time, and another where something came in between. */
  changed(): void {
    if (this.#telling !== null || this.#isStopped) return;
    this.#telling = this.#tell()
      .catch(this.#options.fatal)
      .finally(() => {
        this.#telling = null;
      });
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  async #tell(): Promise<void> {
    const { database, clock, mesh } = this.#options;
    const found = mesh.addresses().filter((address) => !this.#addresses.has(address));
    for (const address of found) this.#addresses.add(address);
    // Who looks for the node in the table finds where it was when it told its cards.
    if (found.length > 0) this.#published.clear();
    for (const row of await readCards(database)) {
      if (this.#isStopped) return;
      if (row.expiresAt <= clock.now()) continue;
      if (this.#gossiped.get(row.agent) !== row.seq) await this.#gossip(row);
      if (this.#published.get(row.agent) !== row.seq) this.#publish(row);
    }
  }

  async #gossip(row: CardRow): Promise<void> {
    const { gossip } = this.#options.mesh;
    if (gossip.listeners() === 0) return;
    if ((await gossip.tellCard(signed(row))) > 0) this.#gossiped.set(row.agent, row.seq);
  }

  /** Not waited for: the table answers within seconds, or never where the node is alone. */
  #publish(row: CardRow): void {
    const { mesh, log, fatal } = this.#options;
    this.#published.set(row.agent, row.seq);
    mesh.cards
      .publish(signed(row))
      .then((published) => {
        const { agent, seq } = row;
        if (published.ok) log.info('card told to the mesh', { agent, seq, nodes: published.value });
        else log.warn('card not told to the mesh', { agent, seq, code: published.code });
      })
      .catch(fatal);
  }
}

/** Checked border: this node signed it, and what is in its database is what it signed. */
function signed({ record, card }: CardRow): SignedCard {
  return { record: JSON.parse(record), card: JSON.parse(card) } as SignedCard;
}
