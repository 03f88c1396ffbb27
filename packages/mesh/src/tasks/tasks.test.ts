import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BULK_TURN_EVERY, DEDUP_BYTES_MAX, DEDUP_ENTRIES_MAX, DEDUP_MS } from '../limits.ts';
import { PeerAccounts } from './accounts.ts';
import { Bucket } from './bucket.ts';
import { Dedup } from './dedup.ts';
import { decodeAnswer, decodeAsk, encodeAsk } from './message.ts';
import { Turns } from './turns.ts';

const clockAt = (at = 0) => {
  const clock = { at, now: () => clock.at };
  return clock;
};

describe('a token bucket', () => {
  test('never gives more than its burst and what flowed in since', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ ms: fc.nat(5_000), take: fc.nat(40) }), { maxLength: 60 }),
        (steps) => {
          const clock = clockAt();
          const bucket = new Bucket(clock, 10, 50);
          let taken = 0;
          for (const { ms, take } of steps) {
            clock.at += ms;
            if (bucket.take(take)) taken += take;
            expect(taken).toBeLessThanOrEqual(50 + (clock.at / 1000) * 10 + 1e-6);
          }
        },
      ),
    );
  });

  test('says when to come again, and is right', () => {
    const clock = clockAt();
    const bucket = new Bucket(clock, 10, 50);
    bucket.take(50);
    const waitMs = bucket.waitMs(5);
    clock.at += waitMs - 1;
    expect(bucket.has(5)).toBe(false);
    clock.at += 1;
    expect(bucket.take(5)).toBe(true);
    expect(bucket.waitMs(51)).toBe(Number.POSITIVE_INFINITY);
  });

  test('gives nothing for a clock that jumps back', () => {
    const clock = clockAt(1_000_000);
    const bucket = new Bucket(clock, 10, 50);
    bucket.take(50);
    clock.at = 0;
    expect(bucket.has(1)).toBe(false);
    clock.at = 100;
    expect(bucket.take(1)).toBe(true);
  });
});

describe('a repeated question', () => {
  const sizeOf = (answer: string) => answer.length;

  test('is worked on once, however many ask at the same time, and answered the same later', async () => {
    const clock = clockAt();
    const dedup = new Dedup<string>(clock, sizeOf);
    let runs = 0;
    const work = async () => `answer ${++runs}`;
    const answers = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const once = dedup.once('k', 'f', work);
        return once.kind === 'key-reused' ? '' : once.answer;
      }),
    );
    expect(new Set(answers)).toEqual(new Set(['answer 1']));
    expect(dedup.once('k', 'other', work)).toEqual({ kind: 'key-reused' });
    clock.at = DEDUP_MS - 1;
    expect(dedup.once('k', 'f', work).kind).toBe('repeated');
    clock.at = DEDUP_MS;
    expect(dedup.once('k', 'f', work).kind).toBe('fresh');
  });

  test('whose work failed may be asked again', async () => {
    const dedup = new Dedup<string>(clockAt(), sizeOf);
    const failed = dedup.once('k', 'f', async () => {
      throw new Error('disk full');
    });
    if (failed.kind === 'key-reused') throw new Error();
    await expect(failed.answer).rejects.toThrow('disk full');
    expect(dedup.once('k', 'f', async () => 'good').kind).toBe('fresh');
  });

  test('is remembered within bounds of number and bytes', async () => {
    const dedup = new Dedup<string>(clockAt(), sizeOf);
    for (let i = 0; i < DEDUP_ENTRIES_MAX + 10; i++) dedup.once(`k${i}`, 'f', async () => 'x');
    expect(dedup.size.entries).toBe(DEDUP_ENTRIES_MAX);
    expect(dedup.once('k0', 'f', async () => 'x').kind).toBe('fresh');
    const large = 'x'.repeat(DEDUP_BYTES_MAX / 4);
    for (let i = 0; i < 8; i++) {
      const once = dedup.once(`large${i}`, 'f', async () => large);
      if (once.kind !== 'key-reused') await once.answer;
    }
    expect(dedup.size.bytes).toBeLessThanOrEqual(DEDUP_BYTES_MAX);
  });
});

describe('on a busy connection', () => {
  test('control goes before bulk, and bulk keeps its floor', async () => {
    const turns = new Turns();
    const order: string[] = [];
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const first = turns.take('bulk', () => gate);
    const waiting = [
      ...Array.from({ length: 4 }, () => turns.take('bulk', async () => order.push('b'))),
      ...Array.from({ length: 30 }, () => turns.take('control', async () => order.push('c'))),
    ];
    open();
    await Promise.all([first, ...waiting]);
    expect(order.slice(0, BULK_TURN_EVERY - 1).join('')).toBe('c'.repeat(BULK_TURN_EVERY - 1));
    expect(order.indexOf('b')).toBe(BULK_TURN_EVERY - 1);
    expect(order.filter((one, i) => one === 'b' && i < 2 * BULK_TURN_EVERY)).toHaveLength(2);
    expect(order).toHaveLength(34);
  });

  test('a piece that fails passes the turn on', async () => {
    const turns = new Turns();
    const failed = turns.take('bulk', async () => {
      throw new Error('reset');
    });
    const next = turns.take('control', async () => 'done');
    await expect(failed).rejects.toThrow('reset');
    expect(await next).toBe('done');
    expect(turns.isIdle).toBe(true);
  });
});

test('a peer over its rate is refused and told when to come again; others are not', () => {
  const clock = clockAt();
  const accounts = new PeerAccounts(clock);
  let admitted = 0;
  while (accounts.admit('greedy', 'control', 10).ok) admitted += 1;
  expect(admitted).toBe(200);
  const refused = accounts.admit('greedy', 'control', 10);
  expect(refused).toEqual({ ok: false, code: 'over-message-rate', detail: '20' });
  expect(accounts.admit('modest', 'bulk', 1_000_000).ok).toBe(true);
  expect(accounts.admit('modest', 'bulk', 33_000_000)).toMatchObject({ code: 'over-byte-rate' });
  const [first] = accounts.top(1);
  expect(first).toMatchObject({ did: 'modest', bytesIn: { bulk: 1_000_000, control: 0 } });
});

describe('a message from outside', () => {
  const key = 'A'.repeat(22);
  const cancel = { type: 'task.cancel', body: { task: 'A'.repeat(43) } } as const;

  test('is read when it is of the catalogue', () => {
    const ask = { key, message: cancel, bytes: 7, within_ms: 100 };
    expect(decodeAsk(encodeAsk(ask))).toEqual({ ok: true, value: ask });
  });

  test.each([
    ['another type', { type: 'task.steal', body: {} }, 'message-unknown'],
    ['an inherited name', { type: 'toString', body: {} }, 'message-unknown'],
    ['a field too many', { ...cancel, body: { ...cancel.body, more: 1 } }, 'message-invalid'],
    ['a key too short', { ...cancel, key: 'A' }, 'message-invalid'],
    ['more bytes than a blob', { ...cancel, bytes: 9_000_000 }, 'message-invalid'],
    ['a deadline of an hour', { ...cancel, within_ms: 3_600_000 }, 'message-invalid'],
  ])('is refused for %s', (_, change, code) => {
    const frame = JSON.stringify({ key, bytes: 0, within_ms: 100, ...change });
    expect(decodeAsk(new TextEncoder().encode(frame))).toMatchObject({ ok: false, code });
  });

  test('of any bytes is an error, never a throw', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((x) => new TextEncoder().encode(x)),
        ),
        (frame) => {
          expect(decodeAsk(frame).ok).toBe(false);
          expect(typeof decodeAnswer(frame).ok).toBe('boolean');
        },
      ),
    );
  });
});
