import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeBase64url, sha256Base64url, utf8 } from '../encoding/bytes.ts';
import { foldMemo, MEMO_EMPTY } from './memo.ts';
import { priceOf } from './price.ts';

const terms = { base: 100n, perMgas: 7n, perPage: 3n, max: 1000n };

describe('a price', () => {
  test.each([
    ['nothing but the base', 0n, 0n, 100n],
    ['one gas rounds up to a micro-unit', 1n, 0n, 101n],
    ['a million gas exactly', 1_000_000n, 0n, 107n],
    ['one gas more', 1_000_001n, 0n, 108n],
    ['pages', 1_000_000n, 16n, 155n],
    ['the cap holds', 1_000_000_000n, 0n, 1000n],
  ])('%s', (_, gas, pagesPeak, price) => {
    expect(priceOf(terms, { gas, pagesPeak })).toBe(price);
  });

  test('never exceeds the cap, never falls with use, and is exact to the micro-unit', () => {
    const amount = fc.bigInt({ min: 0n, max: 9_007_199_254_740_991n });
    fc.assert(
      fc.property(
        amount,
        amount,
        amount,
        amount,
        amount,
        amount,
        (base, perMgas, perPage, max, gas, pagesPeak) => {
          const price = priceOf({ base, perMgas, perPage, max }, { gas, pagesPeak });
          expect(price <= max).toBe(true);
          const exact = base * 1_000_000n + gas * perMgas + pagesPeak * perPage * 1_000_000n;
          if (price < max)
            expect(
              price * 1_000_000n - exact >= 0n && price * 1_000_000n - exact < 1_000_000n,
            ).toBe(true);
          const more = priceOf({ base, perMgas, perPage, max }, { gas: gas + 1n, pagesPeak });
          expect(more >= price).toBe(true);
        },
      ),
    );
  });

  test('of negative terms or use is a bug', () => {
    expect(() => priceOf({ ...terms, perPage: -1n }, { gas: 0n, pagesPeak: 0n })).toThrow(
      RangeError,
    );
    expect(() => priceOf(terms, { gas: -1n, pagesPeak: 0n })).toThrow(RangeError);
  });
});

describe('a memo', () => {
  const receipt = sha256Base64url(utf8('receipt'));
  const other = sha256Base64url(utf8('other'));

  test('has the documented bytes', () => {
    const bytes = new Uint8Array(72);
    const first = foldMemo(MEMO_EMPTY, receipt, 258n);
    const lone = new Uint8Array(40);
    lone.set(bytesOf(receipt));
    lone.set([0, 0, 0, 0, 0, 0, 1, 2], 32);
    expect(first).toBe(sha256Base64url(lone));
    bytes.set(bytesOf(first));
    bytes.set(bytesOf(other), 32);
    bytes.set([0, 0, 0, 0, 0, 0, 0, 5], 64);
    expect(foldMemo(first, other, 5n)).toBe(sha256Base64url(bytes));
  });

  test('commits to every receipt, price and their order', () => {
    const folds = [
      foldMemo(foldMemo(MEMO_EMPTY, receipt, 1n), other, 2n),
      foldMemo(foldMemo(MEMO_EMPTY, other, 2n), receipt, 1n),
      foldMemo(foldMemo(MEMO_EMPTY, receipt, 2n), other, 1n),
      foldMemo(MEMO_EMPTY, receipt, 1n),
    ];
    expect(new Set(folds).size).toBe(folds.length);
  });

  test('takes ids and prices in their range only', () => {
    expect(() => foldMemo('short', receipt, 1n)).toThrow(RangeError);
    expect(() => foldMemo(MEMO_EMPTY, 'short', 1n)).toThrow(RangeError);
    expect(() => foldMemo(MEMO_EMPTY, receipt, -1n)).toThrow(RangeError);
    expect(() => foldMemo(MEMO_EMPTY, receipt, 1n << 64n)).toThrow(RangeError);
  });
});

function bytesOf(hash: string): Uint8Array {
  const padded = `${hash}=`.replaceAll('-', '+').replaceAll('_', '/');
  const bytes = Uint8Array.from(atob(padded), (letter) => letter.charCodeAt(0));
  expect(encodeBase64url(bytes)).toBe(hash);
  return bytes;
}
