import { type Did, encodeBase64url } from '@zerostate/shared';
import { deadline, pause } from '../deadline.ts';
import {
  ACCOUNTS_MAX,
  ASK_DIAL_MS,
  ASK_DIAL_SHARE,
  DIAL_AGAIN_MS,
  DIAL_MS,
  TASK_EXCHANGE_MS,
  TASK_EXCHANGE_MS_MAX,
} from '../limits.ts';
import type { MeshPorts } from '../options.ts';
import type { Wire } from '../ports.ts';
import type { Router } from '../routing/router.ts';
import type { AskCode, AskOptions, AskResult, Exchange } from '../tasks/exchange.ts';
import type { Message } from '../tasks/message.ts';
import type { Asked, Correspondence } from './correspondence.ts';

export interface AskingParts {
  wire: Wire;
  ports: MeshPorts;
  exchange: Exchange;
  correspondence: Correspondence;
  router: Router;
}

/** A connection that ended under a question: the same question may go another way. */
const LOST = new Set<AskCode>([
  'peer-unreachable',
  'address-refused',
  'peer-differs',
  'stream-reset',
  'stream-ended',
]);

/**
 * Asks by the best way there is: a connection, dialling, a route. The key of a question is the
 * same on every way, so the far end works on it once.
 */
export class Asking {
  readonly #parts: AskingParts;
  /** When peers that could not be dialled were tried, ms since the epoch. */
  readonly #undialled = new Map<Did, number>();

  constructor(parts: AskingParts) {
    this.#parts = parts;
  }

  async ask(to: Did, message: Message, options: AskOptions): Promise<AskResult> {
    const { ports, wire, correspondence } = this.#parts;
    const withinMs = Math.min(options.withinMs ?? TASK_EXCHANGE_MS, TASK_EXCHANGE_MS_MAX);
    const asked: Asked = {
      to,
      message,
      key: options.key ?? encodeBase64url(ports.rng.bytes(16)),
      body: options.body ?? new Uint8Array(0),
      until: ports.clock.now() + withinMs,
    };
    if (to === wire.did) return { ok: false, code: 'address-invalid', detail: 'this node' };
    const dialled = await this.#dial(to, withinMs);
    if (dialled === null) {
      const direct = await this.#direct(asked);
      if (direct.ok || !LOST.has(direct.code)) return direct;
    }
    const routed = await correspondence.ask(asked);
    if (routed.ok || routed.code !== 'no-route' || dialled === null) return routed;
    return { ...routed, detail: dialled };
  }

  #direct({ to, message, key, body, until }: Asked): Promise<AskResult> {
    const { ports, exchange } = this.#parts;
    const withinMs = Math.max(1, until - ports.clock.now());
    return exchange.ask(to, message, { key, body, withinMs });
  }

  /** Null when there is a connection, else why there is none. */
  async #dial(to: Did, withinMs: number): Promise<string | null> {
    const { wire, ports, router } = this.#parts;
    if (wire.isConnected(to)) return null;
    if (router.hops(to) === undefined) return this.#connect(to, withinMs * ASK_DIAL_SHARE);
    const triedAt = this.#undialled.get(to);
    if (triedAt !== undefined && ports.clock.now() - triedAt < DIAL_AGAIN_MS) return 'not dialled';
    // The question does not wait for a slow dial: the next one finds the connection.
    const head = new AbortController();
    const late = pause(ports.timers, ASK_DIAL_MS, head.signal).then(() => 'still dialling');
    const dialled = await Promise.race([this.#connect(to, DIAL_MS), late]);
    head.abort();
    return dialled;
  }

  async #connect(to: Did, ms: number): Promise<string | null> {
    const { wire, ports } = this.#parts;
    this.#undialled.delete(to);
    this.#undialled.set(to, ports.clock.now());
    if (this.#undialled.size > ACCOUNTS_MAX) {
      const oldest = this.#undialled.keys().next();
      if (!oldest.done) this.#undialled.delete(oldest.value);
    }
    const limit = deadline(ports.timers, Math.min(DIAL_MS, ms));
    const dialled = await wire.connect(to, limit.signal);
    limit.cancel();
    if (!dialled.ok) return dialled.code;
    this.#undialled.delete(to);
    return null;
  }
}
