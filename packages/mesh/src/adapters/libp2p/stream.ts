import type { Stream } from '@libp2p/interface';
import { type Did, err, ok, type Result } from '@zerostate/shared';
import { READ_AHEAD_BYTES } from '../../limits.ts';
import type { PeerStream, StreamCode } from '../../ports.ts';

/**
 * A libp2p stream as the mesh reads it. libp2p 3 streams push their data at listeners and pull
 * nothing: what is not yet read is kept here, and past READ_AHEAD_BYTES the stream is paused, so
 * that yamux stops opening its window and the sender waits.
 */
export class Libp2pStream implements PeerStream {
  readonly peer: Did;
  readonly isRelayed: boolean;
  readonly #stream: Stream;
  readonly #arrived: Uint8Array[] = [];
  #unreadBytes: number;
  #isEnded: boolean;
  #isBroken: boolean;
  #wake: () => void;

  constructor(stream: Stream, peer: Did, isRelayed: boolean) {
    this.peer = peer;
    this.isRelayed = isRelayed;
    this.#stream = stream;
    this.#unreadBytes = 0;
    this.#isEnded = stream.readableEnded;
    this.#isBroken = false;
    this.#wake = () => undefined;
    stream.addEventListener('message', (event) => this.#take(event.data.subarray()));
    // `end` comes once, after the last byte; what a peer wrote and closed at once may still be
    // waiting inside libp2p when this listener is added.
    stream.addEventListener('end', () => this.#end());
    stream.addEventListener('close', (event) => {
      if (event.error !== undefined) this.#break();
    });
  }

  async read(signal: AbortSignal): Promise<Result<Uint8Array | null, StreamCode>> {
    for (;;) {
      const bytes = this.#arrived.shift();
      if (bytes !== undefined) {
        this.#unreadBytes -= bytes.length;
        if (this.#unreadBytes === 0) this.#resume();
        return ok(bytes);
      }
      if (this.#isBroken) return err('stream-reset');
      if (this.#isEnded) return ok(null);
      if (signal.aborted) return err('deadline');
      await this.#arrival(signal);
    }
  }

  async write(bytes: Uint8Array, signal: AbortSignal): Promise<Result<void, StreamCode>> {
    if (signal.aborted) return err('deadline');
    try {
      if (!this.#stream.send(bytes)) await this.#stream.onDrain({ signal });
      return ok(undefined);
    } catch {
      return err(signal.aborted ? 'deadline' : 'stream-reset');
    }
  }

  async end(signal: AbortSignal): Promise<Result<void, StreamCode>> {
    try {
      await this.#stream.close({ signal });
      return ok(undefined);
    } catch {
      return err(signal.aborted ? 'deadline' : 'stream-reset');
    }
  }

  abort(reason: string): void {
    this.#stream.abort(new Error(reason));
  }

  #take(bytes: Uint8Array): void {
    this.#arrived.push(bytes);
    this.#unreadBytes += bytes.length;
    if (this.#unreadBytes >= READ_AHEAD_BYTES && this.#stream.readStatus === 'readable') {
      this.#stream.pause();
    }
    this.#wake();
  }

  #resume(): void {
    if (this.#stream.readStatus === 'paused') this.#stream.resume();
  }

  #end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  #break(): void {
    this.#isBroken = true;
    this.#wake();
  }

  #arrival(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        signal.removeEventListener('abort', done);
        this.#wake = () => undefined;
        resolve();
      };
      this.#wake = done;
      signal.addEventListener('abort', done);
    });
  }
}
