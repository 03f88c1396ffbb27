/** How busy an executor says it is: a hint that gossip spreads, never a fact. */
import {
  type Did,
  type ExecutorMessage,
  executorMessages,
  fromUtf8,
  parseJson,
  utf8,
} from '@zerostate/shared';
import { PRESENCE_STALE_MS, PRESENCES_KEPT_MAX } from '../limits.ts';
import type { Clock } from '../ports.ts';

export type Load = ExecutorMessage<'presence'>;

/** Clocks may differ by this much before a presence is taken for an old one replayed. */
const SKEW_MS_MAX = 60_000;

export function encodePresence(load: Load, now: number): Uint8Array {
  return utf8(JSON.stringify({ at: now, load }));
}

/** A presence that is well-formed and of now; null for everything else. */
export function decodePresence(data: Uint8Array, now: number): { at: number; load: Load } | null {
  const text = data.length > 512 ? null : fromUtf8(data);
  const json = text?.ok === true ? parseJson(text.value, 4) : null;
  if (json?.ok !== true || typeof json.value !== 'object' || json.value === null) return null;
  if (!('at' in json.value) || !('load' in json.value)) return null;
  const { at, load } = json.value;
  const parsed = executorMessages.presence.safeParse(load);
  if (!parsed.success || typeof at !== 'number' || !Number.isSafeInteger(at)) return null;
  if (at > now + SKEW_MS_MAX || at < now - PRESENCE_STALE_MS) return null;
  return { at, load: parsed.data };
}

/** The last word of each executor, while it is worth something. */
export class Presences {
  readonly #clock: Clock;
  readonly #known = new Map<Did, { at: number; heardAt: number; load: Load }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes a newer word; an older or repeated one is refused. */
  heard(did: Did, at: number, load: Load): boolean {
    if ((this.#known.get(did)?.at ?? 0) >= at) return false;
    this.#known.delete(did);
    if (this.#known.size >= PRESENCES_KEPT_MAX) {
      const oldest = this.#known.keys().next();
      if (oldest.done !== true) this.#known.delete(oldest.value);
    }
    this.#known.set(did, { at, heardAt: this.#clock.now(), load });
    return true;
  }

  /** null for an executor that has not been heard of lately. */
  of(did: Did): Load | null {
    const known = this.#known.get(did);
    if (known === undefined) return null;
    return this.#clock.now() - known.heardAt > PRESENCE_STALE_MS ? null : known.load;
  }
}
