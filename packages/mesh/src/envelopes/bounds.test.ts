import { ok } from '@zerostate/shared';
import { describe, expect, test } from 'vitest';
import {
  ENVELOPE_SEEN_MS,
  ROUTE_PARALLEL,
  ROUTE_QUEUE_BULK_MAX,
  ROUTE_QUEUE_MAX,
} from '../limits.ts';
import { Lanes } from './lanes.ts';
import { Seen } from './seen.ts';

const clockAt = () => {
  const clock = { at: 0, now: () => clock.at };
  return clock;
};

describe('envelopes for one neighbour', () => {
  function world() {
    const clock = clockAt();
    const lanes = new Lanes(clock);
    const order: string[] = [];
    const opened: (() => void)[] = [];
    const send = (name: string, qos: 'control' | 'bulk', to = 'n') =>
      lanes.enter(to, qos, async (turn) => {
        await turn(() => {
          order.push(name);
          return new Promise<void>((resolve) => opened.push(resolve));
        });
        return ok(name);
      });
    /** Lets what is under way arrive, and what follows it. */
    const drain = async () => {
      for (;;) {
        const all = opened.splice(0);
        if (all.length === 0) return;
        clock.at += 10;
        for (const open of all) open();
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
    };
    return { lanes, order, send, drain };
  }

  test('are bounded, and bulk never takes the room of control', async () => {
    const { send, drain } = world();
    const bulk = Array.from({ length: ROUTE_QUEUE_BULK_MAX }, () => send('bulk', 'bulk'));
    expect(await send('too much', 'bulk')).toEqual({ ok: false, code: 'busy' });
    const room = ROUTE_QUEUE_MAX - ROUTE_QUEUE_BULK_MAX;
    const control = Array.from({ length: room }, () => send('control', 'control'));
    expect(await send('too much', 'control')).toEqual({ ok: false, code: 'busy' });
    // Another neighbour's lane is its own.
    const other = send('other', 'bulk', 'm');
    await drain();
    for (const sent of await Promise.all([...bulk, ...control, other])) expect(sent.ok).toBe(true);
    const again = send('again', 'bulk');
    await drain();
    expect(await again).toEqual({ ok: true, value: 'again' });
  });

  test('go control first, and say how long one more would wait', async () => {
    const { lanes, order, send, drain } = world();
    const sent = Array.from({ length: ROUTE_PARALLEL }, () => send('first', 'bulk'));
    await drain();
    expect(lanes.waitMs('n')).toBe(0);
    sent.push(...Array.from({ length: ROUTE_PARALLEL }, () => send('bulk', 'bulk')));
    sent.push(send('late bulk', 'bulk'), send('control', 'control'));
    expect(lanes.waiting()).toBe(2);
    expect(lanes.waitMs('n')).toBeGreaterThan(0);
    await drain();
    await Promise.all(sent);
    expect(order.indexOf('control')).toBeLessThan(order.indexOf('late bulk'));
    expect(lanes.waiting()).toBe(0);
    expect(lanes.waitMs('n')).toBe(0);
  });
});

describe('ids of envelopes', () => {
  test('of a full table are never forgotten early where a replay would count', () => {
    const clock = clockAt();
    const received = new Seen(clock, 3, false);
    for (const id of ['a', 'b', 'c']) expect(received.add(id, 'n')).toBe('added');
    expect(received.add('d', 'n')).toBe('full');
    expect(received.add('a', 'm')).toBe('repeated');
    expect(received.via('a')).toBe('n');
    clock.at = ENVELOPE_SEEN_MS - 1;
    expect(received.has('a')).toBe(true);
    clock.at = ENVELOPE_SEEN_MS;
    expect(received.add('d', 'n')).toBe('added');
    expect(received.has('a')).toBe(false);
  });

  test('of forwarded ones make room for new ones, the oldest first', () => {
    const forwarded = new Seen(clockAt(), 3, true);
    for (const id of ['a', 'b', 'c', 'd']) expect(forwarded.add(id, 'n')).toBe('added');
    expect([forwarded.has('a'), forwarded.has('b'), forwarded.size]).toEqual([false, true, 3]);
    forwarded.forget('b');
    expect(forwarded.add('b', 'm')).toBe('added');
    expect(forwarded.via('b')).toBe('m');
  });
});
