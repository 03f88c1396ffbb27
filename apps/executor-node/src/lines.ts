/**
 * Work about one thing in the order in which it came, whatever it came by: two offers of one task
 * never pass each other, nor do the vouchers of one channel.
 */
export class Lines {
  readonly #lines = new Map<string, Promise<unknown>>();

  /** Begins `work` when everything before it under this key is done, however that ended. */
  run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#lines.get(key) ?? Promise.resolve();
    const taken = before.then(work);
    // A failure is told to who asked for the work; whoever waits behind it must not tell it again.
    const line = taken.catch(() => undefined);
    this.#lines.set(key, line);
    void line.then(() => {
      if (this.#lines.get(key) === line) this.#lines.delete(key);
    });
    return taken;
  }
}
