/**
 * Keeps the best `capacity` of what is offered: a binary heap in typed arrays with the worst on
 * top. Equal scores are ordered by the smaller `tie`, so that the outcome does not depend on the
 * order of the offers. Made once and cleared for each use where it matters: a search makes no
 * garbage with it.
 */
export class TopList {
  #capacity: number;
  #slots: Float64Array;
  #scores: Float64Array;
  #ties: Float64Array;
  #size = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#slots = new Float64Array(capacity);
    this.#scores = new Float64Array(capacity);
    this.#ties = new Float64Array(capacity);
  }

  get size(): number {
    return this.#size;
  }

  /** The score an offer must reach to enter; -Infinity while there is room. */
  get floor(): number {
    return this.#size < this.#capacity ? Number.NEGATIVE_INFINITY : (this.#scores[0] ?? 0);
  }

  /** Empties the list, for another capacity if one is given. */
  clear(capacity = this.#capacity): void {
    this.#size = 0;
    this.#capacity = capacity;
    if (capacity <= this.#slots.length) return;
    this.#slots = new Float64Array(capacity);
    this.#scores = new Float64Array(capacity);
    this.#ties = new Float64Array(capacity);
  }

  /** A kept slot, in no order. */
  slotAt(index: number): number {
    return this.#slots[index] ?? 0;
  }

  offer(slot: number, score: number, tie: number): void {
    if (this.#size < this.#capacity) this.#rise(this.#size++, slot, score, tie);
    else if (this.#capacity > 0 && this.#worse(0, score, tie)) this.#sink(slot, score, tie);
  }

  /** The kept slots with scores, best first. */
  ranked(): { slot: number; score: number; tie: number }[] {
    const entries = Array.from({ length: this.#size }, (_, i) => ({
      slot: this.#slots[i] ?? 0,
      score: this.#scores[i] ?? 0,
      tie: this.#ties[i] ?? 0,
    }));
    return entries.sort((a, b) => b.score - a.score || a.tie - b.tie);
  }

  #place(at: number, slot: number, score: number, tie: number): void {
    this.#slots[at] = slot;
    this.#scores[at] = score;
    this.#ties[at] = tie;
  }

  #move(from: number, to: number): void {
    this.#slots[to] = this.#slots[from] ?? 0;
    this.#scores[to] = this.#scores[from] ?? 0;
    this.#ties[to] = this.#ties[from] ?? 0;
  }

  /** Whether the entry at `at` ranks below (score, tie). */
  #worse(at: number, score: number, tie: number): boolean {
    const own = this.#scores[at] ?? 0;
    return own < score || (own === score && (this.#ties[at] ?? 0) > tie);
  }

  /** Lets a new entry rise from the free place `start` to where its parent is no better. */
  #rise(start: number, slot: number, score: number, tie: number): void {
    let at = start;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#worse(parent, score, tie)) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#place(at, slot, score, tie);
  }

  /** Puts an entry in place of the worst and lets it sink to where no child is worse. */
  #sink(slot: number, score: number, tie: number): void {
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#size) break;
      const other = child + 1;
      if (
        other < this.#size &&
        this.#worse(other, this.#scores[child] ?? 0, this.#ties[child] ?? 0)
      ) {
        child = other;
      }
      if (!this.#worse(child, score, tie)) break;
      this.#move(child, at);
      at = child;
    }
    this.#place(at, slot, score, tie);
  }
}
