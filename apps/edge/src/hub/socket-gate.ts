/** How many sockets may be open that have not said who they are, and who waits to be one of them. */
import {
  SOCKETS_UNAUTHENTICATED_MAX,
  SOCKETS_UNAUTHENTICATED_PER_ADDRESS_MAX,
  SOCKETS_WAITING_MAX,
  SOCKETS_WAITING_MS_MAX,
} from '@zerostate/shared';
import type { Cancel, Timers } from '../ports.ts';

/** Gives a place back, once. */
export type LeavePlace = () => void;

export interface SocketGate {
  /** Takes a place, null when there is none. */
  enter(address: string): LeavePlace | null;
  /**
   * As `enter`, but stands in line for a moment: thousands of executors that lost the same edge dial
   * it again in the same second. Answers once, at once where nobody has to wait. The result leaves
   * the line.
   */
  wait(address: string, answer: (leave: LeavePlace | null) => void): Cancel;
}

type Waiter = { address: string; answer: (leave: LeavePlace | null) => void; cancel: Cancel };

/** Without timers nobody waits. */
export function createSocketGate(timers?: Pick<Timers, 'after'>): SocketGate {
  return new Gate(timers ?? null);
}

class Gate implements SocketGate {
  readonly #timers: Pick<Timers, 'after'> | null;
  /** Those with a place and those in line. */
  readonly #byAddress = new Map<string, number>();
  /** In order of arrival. */
  readonly #line = new Set<Waiter>();
  #inside = 0;

  constructor(timers: Pick<Timers, 'after'> | null) {
    this.#timers = timers;
  }

  enter(address: string): LeavePlace | null {
    if (this.#inside >= SOCKETS_UNAUTHENTICATED_MAX || !this.#count(address)) return null;
    return this.#place(address);
  }

  wait(address: string, answer: (leave: LeavePlace | null) => void): Cancel {
    const leave = this.#line.size === 0 ? this.enter(address) : null;
    const isFull = this.#timers === null || this.#line.size >= SOCKETS_WAITING_MAX;
    if (leave !== null || isFull || !this.#count(address)) {
      answer(leave);
      return () => {};
    }
    const waiter: Waiter = { address, answer, cancel: () => {} };
    const giveUp = () => {
      if (!this.#line.delete(waiter)) return;
      waiter.cancel();
      this.#uncount(address);
    };
    waiter.cancel = this.#timers.after(SOCKETS_WAITING_MS_MAX, () => {
      giveUp();
      answer(null);
    });
    this.#line.add(waiter);
    return giveUp;
  }

  #place(address: string): LeavePlace {
    this.#inside++;
    let isInside = true;
    return () => {
      if (!isInside) return;
      isInside = false;
      this.#inside--;
      this.#uncount(address);
      this.#next();
    };
  }

  #next(): void {
    const [waiter] = this.#line;
    if (waiter === undefined || this.#inside >= SOCKETS_UNAUTHENTICATED_MAX) return;
    this.#line.delete(waiter);
    waiter.cancel();
    waiter.answer(this.#place(waiter.address));
  }

  /** False when this address has its share. Behind a platform that names no peer there are none. */
  #count(address: string): boolean {
    if (address === '') return true;
    const count = this.#byAddress.get(address) ?? 0;
    if (count >= SOCKETS_UNAUTHENTICATED_PER_ADDRESS_MAX) return false;
    this.#byAddress.set(address, count + 1);
    return true;
  }

  #uncount(address: string): void {
    const left = (this.#byAddress.get(address) ?? 1) - 1;
    if (left <= 0) this.#byAddress.delete(address);
    else this.#byAddress.set(address, left);
  }
}
