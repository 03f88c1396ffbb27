/**
 * Keeps the best `capacity` of what is offered: a binary heap with the worst on top.
 * Equal scores are ordered by the smaller `tie`, so that the outcome does not depend on the
 * order of the offers.
 */
export class TopList {
  readonly #capacity: number;
  readonly #slots: Float64Array;
  readonly #scores: Float64Array;
  readonly #ties: Float64Array;
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

  offer(slot: number, score: number, tie: number): void {
    if (this.#size < this.#capacity) {
      this.#place(this.#size++, slot, score, tie);
      this.#rise(this.#size - 1);
    } else if (this.#capacity > 0 && this.#worse(0, score, tie)) {
      this.#place(0, slot, score, tie);
      this.#sink();
    }
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

  /** Whether the entry at `at` ranks below (score, tie). */
  #worse(at: number, score: number, tie: number): boolean {
    const own = this.#scores[at] ?? 0;
    return own < score || (own === score && (this.#ties[at] ?? 0) > tie);
  }

  #swap(a: number, b: number): void {
    const [slot, score, tie] = [this.#slots[a] ?? 0, this.#scores[a] ?? 0, this.#ties[a] ?? 0];
    this.#place(a, this.#slots[b] ?? 0, this.#scores[b] ?? 0, this.#ties[b] ?? 0);
    this.#place(b, slot, score, tie);
  }

  #rise(start: number): void {
    for (let at = start; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!this.#worse(at, this.#scores[parent] ?? 0, this.#ties[parent] ?? 0)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #sink(): void {
    for (let at = 0; ; ) {
      let worst = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child >= this.#size) continue;
        if (this.#worse(child, this.#scores[worst] ?? 0, this.#ties[worst] ?? 0)) worst = child;
      }
      if (worst === at) return;
      this.#swap(at, worst);
      at = worst;
    }
  }
}
