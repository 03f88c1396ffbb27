import type { WalletContext } from '../wallet/context.ts';
import { sendResult, unsentResults } from './store.ts';

/**
 * Results whose output is too large for a message: the output is put as a blob, then the result
 * is sent. One pass at a time, so that each result is sent once; what the edge does not take now
 * waits for the next pass.
 */
export class LargeResults {
  readonly #wallet: WalletContext;
  readonly #failed: (cause: unknown) => void;
  #isPassing: boolean;
  #isDue: boolean;

  constructor(wallet: WalletContext, failed: (cause: unknown) => void) {
    this.#wallet = wallet;
    this.#failed = failed;
    this.#isPassing = false;
    this.#isDue = false;
  }

  send(): void {
    this.#isDue = true;
    if (this.#isPassing) return;
    this.#isPassing = true;
    this.#passes()
      .catch(this.#failed)
      .finally(() => {
        this.#isPassing = false;
      });
  }

  async #passes(): Promise<void> {
    while (this.#isDue) {
      this.#isDue = false;
      await this.#pass();
    }
  }

  async #pass(): Promise<void> {
    const { database, edge, clock, log, kick } = this.#wallet;
    for (const { task, receipt, bytes } of await unsentResults(database)) {
      const stored = await edge.putBlob(bytes);
      if (!stored.ok) {
        log.warn('output not stored', { task, code: stored.code, detail: stored.detail });
        continue;
      }
      const signed: unknown = JSON.parse(receipt);
      await database.write(sendResult(task, signed, null, clock.now()));
      kick();
    }
  }
}
