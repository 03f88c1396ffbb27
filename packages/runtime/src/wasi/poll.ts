import { COSTS } from '../meter/cost-table.ts';
import type { GasClock } from './clock.ts';
import { Errno } from './errno.ts';
import type { GasCounter } from './gas-counter.ts';
import type { GuestMemory } from './memory-view.ts';

const SUBSCRIPTIONS_MAX = 1024;
const SUBSCRIPTION_BYTES = 48;
const EVENT_BYTES = 32;
const CLOCK = 0;
const ABSOLUTE = 1;

/**
 * `poll_oneoff` without waiting: descriptors are ready at once, and where only clocks are asked for
 * the guest's clock moves on to the first that is due. Layouts: snapshots/preview1/docs.md,
 * subscription and event.
 */
export function pollOneoff(
  memory: GuestMemory,
  clock: GasClock,
  gas: GasCounter,
  subscriptions: number,
  events: number,
  count: number,
  result: number,
): number {
  if (count <= 0 || count > SUBSCRIPTIONS_MAX) return Errno.inval;
  const input = memory.range(subscriptions, count * SUBSCRIPTION_BYTES);
  const output = memory.range(events, count * EVENT_BYTES);
  if (input === undefined || output === undefined) return Errno.fault;
  if (!memory.setU32(result, 0)) return Errno.fault;
  gas.chargeBytes(count * SUBSCRIPTION_BYTES * COSTS.hostByte);
  const asked = readSubscriptions(input, clock.now());
  let earliest = FOREVER;
  for (const { due } of asked) if (due < earliest) earliest = due;
  const now = clock.now();
  if (earliest > now) clock.sleep(earliest - now);
  const ready = asked.filter((one) => one.due <= earliest || one.due <= now);
  const view = new DataView(output.buffer, output.byteOffset, output.byteLength);
  output.fill(0, 0, ready.length * EVENT_BYTES);
  ready.forEach((one, index) => {
    view.setBigUint64(index * EVENT_BYTES, one.userdata, true);
    view.setUint8(index * EVENT_BYTES + 10, one.kind);
  });
  memory.setU32(result, ready.length);
  return Errno.success;
}

interface Subscription {
  readonly userdata: bigint;
  readonly kind: number;
  /** Nanoseconds on the guest's clock; 0 for a descriptor. */
  readonly due: bigint;
}

const FOREVER = 1n << 64n;

/** Copies what is asked for: the guest may have let input and output overlap. */
function readSubscriptions(input: Uint8Array, now: bigint): Subscription[] {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const asked: Subscription[] = [];
  for (let at = 0; at < input.length; at += SUBSCRIPTION_BYTES) {
    const kind = view.getUint8(at + 8);
    const timeout = view.getBigUint64(at + 24, true);
    const absolute = (view.getUint16(at + 40, true) & ABSOLUTE) !== 0;
    const due = kind !== CLOCK ? 0n : absolute ? timeout : now + timeout;
    asked.push({ userdata: view.getBigUint64(at, true), kind, due });
  }
  return asked;
}
