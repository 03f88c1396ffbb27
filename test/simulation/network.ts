/**
 * The network between callers, executors and edge workers. Requests are delayed, and so reordered;
 * lost, in either direction; and delivered twice. Links are streams, which never reorder, but stall,
 * break, and take with them what was on its way. A partition cuts one party off.
 */
import { createHash } from 'node:crypto';
import type { Dial, Socket } from '../../apps/executor-node/src/ports.ts';
import type { SimEdge } from './edge.ts';
import type { Life, Scheduler } from './scheduler.ts';

export type Faults = {
  /** Chances, from 0 to 1. */
  loss: number;
  twice: number;
  hangUp: number;
  /** The longest way of a message, ms. */
  delayMs: number;
};
export const CALM: Faults = { loss: 0, twice: 0, hangUp: 0, delayMs: 20 };

type Connection = { life: Life; name: string; cut: (reason: string) => void };

export const ORIGIN = 'http://edge.test';
const short = (bytes: string | Uint8Array): string =>
  createHash('sha256').update(bytes).digest('base64url').slice(0, 8);

export class Network {
  faults: Faults = CALM;
  /** Parties that nobody reaches. */
  readonly cutOff = new Set<string>();
  readonly #scheduler: Scheduler;
  readonly #random: () => number;
  readonly #edges: () => readonly SimEdge[];
  readonly #connections = new Set<Connection>();

  constructor(scheduler: Scheduler, random: () => number, edges: () => readonly SimEdge[]) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#edges = edges;
  }

  #delay(): number {
    const { delayMs } = this.faults;
    const ms = 1 + this.#random() * delayMs;
    // Now and then a message takes ten times as long as the others.
    return this.#random() < 0.02 ? ms * 10 : ms;
  }

  #edge(): SimEdge | undefined {
    const alive = this.#edges().filter(({ life }) => life.isAlive);
    return alive[Math.floor(this.#random() * alive.length)];
  }

  /** `fetch` as one process has it. */
  fetchFrom(life: Life, name: string): (url: string, init: RequestInit) => Promise<Response> {
    return (url, init) =>
      new Promise((resolve, reject) => {
        const { signal } = init;
        const aborted = () => reject(new DOMException('aborted', 'AbortError'));
        if (signal?.aborted) return aborted();
        signal?.addEventListener('abort', aborted, { once: true });
        const edge = this.#edge();
        let spare: () => void = () => undefined;
        const fail = () => {
          spare();
          this.#later(life, `${name} lost ${url}`, () => reject(new TypeError('fetch failed')));
        };
        const body = init.body instanceof Uint8Array ? init.body : new Uint8Array();
        const label = `${name} ${init.method} ${url.slice(ORIGIN.length, 60)} ${short(body)}`;
        if (edge === undefined || this.cutOff.has(name)) return fail();
        if (this.#random() < this.faults.loss) return fail();
        const carry = (answer: ((response: Response) => void) | null) =>
          this.#later(edge.life, label, () => {
            edge.answer(url, init).then(
              (response) => answer?.(response),
              () => undefined,
            );
          });
        if (this.#random() < this.faults.twice) carry(null);
        carry((response) => {
          if (this.#random() < this.faults.loss || this.cutOff.has(name)) return fail();
          spare();
          this.#later(life, `${name} got ${response.status} ${label}`, () => resolve(response));
        });
        // A connection whose other end dies is reset.
        spare = edge.whenDead(fail);
      });
  }

  #later(life: Life, label: string, run: () => void): void {
    this.#scheduler.after(this.#delay(), life, label, run);
  }

  /** The link's socket as one executor has it. */
  dialFrom(life: Life, name: string): Dial {
    return (_url, events) => {
      const edge = this.#edge();
      let isOpen = true;
      let session: ReturnType<SimEdge['accept']> = null;
      // A stream keeps its order: nothing overtakes what was sent before.
      const free = { up: 0, down: 0 };
      let spare: () => void = () => undefined;
      const stream = (way: 'up' | 'down', to: Life, label: string, run: () => void) => {
        if (!isOpen || this.cutOff.has(name)) return;
        if (this.#random() < this.faults.hangUp) return cut('reset');
        free[way] = Math.max(free[way], this.#scheduler.now + this.#delay());
        this.#scheduler.after(free[way] - this.#scheduler.now, to, label, () => {
          if (isOpen) run();
        });
      };
      const cut = (reason: string) => {
        if (!isOpen) return;
        isOpen = false;
        spare();
        this.#connections.delete(connection);
        this.#later(life, `${name} hears ${reason}`, () => events.closed(reason));
        if (edge !== undefined) this.#later(edge.life, `${name} gone`, () => session?.gone());
      };
      const connection = { life, name, cut };
      this.#connections.add(connection);
      const socket: Socket = {
        send: (text) =>
          stream('up', edge?.life ?? life, `${name} > ${short(text)}`, () =>
            session?.receive(text),
          ),
        close: () => cut('closed'),
      };
      if (edge === undefined || this.cutOff.has(name)) {
        cut('unreachable');
        return socket;
      }
      spare = edge.whenDead(() => cut('reset'));
      stream('up', edge.life, `${name} dials`, () => {
        events.open();
        session = edge.accept({
          send: (text) =>
            stream('down', life, `${name} < ${short(text)}`, () => events.message(text)),
          close: (_code, reason) => cut(reason),
        });
        if (session === null) cut('busy');
      });
      return socket;
    };
  }

  /** Ends the links of a process that has died, or of one that is hung up on. */
  hangUp(name: string): void {
    for (const each of [...this.#connections]) if (each.name === name) each.cut('hung up');
  }
}
