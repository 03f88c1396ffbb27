/** Ids below this are control symbols and never in a text. */
const RESERVED = 6;
/** Slots of the hash table: a power of two, more than twice the edges of a vocabulary of 8 000. */
const SLOTS = 1 << 16;
const SLOT_INTS = 3;
const EMPTY = 0;
/** Knuth's multiplicative constant, 2³² ÷ the golden ratio. */
const SPREAD = 0x9e3779b1;
const SHIFT = 16;

/**
 * All pieces of a vocabulary in one Int32Array: a hash table of edges with open addressing. A slot
 * is [node << 16 | UTF-16 unit, node it leads to, id of the piece that ends there or 0]; no piece
 * has a character beyond the Basic Multilingual Plane, so a unit is a character.
 */
export class Trie {
  readonly #slots = new Int32Array(SLOTS * SLOT_INTS);

  /** Of equal pieces the last one wins. */
  constructor(pieces: readonly string[]) {
    let nodes = 1;
    for (let id = RESERVED; id < pieces.length; id++) {
      const piece = pieces[id] ?? '';
      let node = 0;
      let slot = 0;
      for (let i = 0; i < piece.length; i++) {
        slot = this.edge(node, piece.charCodeAt(i));
        if (this.child(slot) === EMPTY) {
          if (2 * nodes >= SLOTS) throw new RangeError('vocabulary too large');
          this.#slots[slot] = keyOf(node, piece.charCodeAt(i));
          this.#slots[slot + 1] = nodes++;
        }
        node = this.child(slot);
      }
      if (piece !== '') this.#slots[slot + 2] = id;
    }
  }

  /** The slot of an edge, or the empty one where it would be: `child` tells. */
  edge(node: number, unit: number): number {
    const key = keyOf(node, unit);
    let at = Math.imul(key, SPREAD) >>> SHIFT;
    for (;;) {
      const slot = at * SLOT_INTS;
      if (this.#slots[slot + 1] === EMPTY || this.#slots[slot] === key) return slot;
      at = (at + 1) & (SLOTS - 1);
    }
  }

  /** The node behind a slot; 0 is none, because no edge leads to the root. */
  child(slot: number): number {
    return this.#slots[slot + 1] ?? EMPTY;
  }

  /** The piece that ends behind a slot, or 0. */
  pieceAt(slot: number): number {
    return this.#slots[slot + 2] ?? EMPTY;
  }
}

function keyOf(node: number, unit: number): number {
  return (node << 16) | unit;
}
