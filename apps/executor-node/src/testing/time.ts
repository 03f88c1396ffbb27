import type { Clock, Timers } from '../ports.ts';

type Due = { at: number; every: number | null; f: () => void };

/** Time that stands still until a test moves it: a clock and the timers that follow it. */
export class TestTime implements Clock, Timers {
  #now: number;
  readonly #due = new Set<Due>();

  constructor(start: number) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, f: () => void): () => void {
    return this.#add({ at: this.#now + ms, every: null, f });
  }

  every(ms: number, f: () => void): () => void {
    return this.#add({ at: this.#now + ms, every: ms, f });
  }

  /** Moves on by `ms` and runs what is due, in order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const next = [...this.#due].filter(({ at }) => at <= end).sort((x, y) => x.at - y.at)[0];
      if (next === undefined) break;
      this.#now = Math.max(this.#now, next.at);
      if (next.every === null) this.#due.delete(next);
      else next.at += next.every;
      next.f();
    }
    this.#now = end;
  }

  #add(due: Due): () => void {
    this.#due.add(due);
    return () => this.#due.delete(due);
  }
}
