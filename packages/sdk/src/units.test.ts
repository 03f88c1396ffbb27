import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatUnits, parseUnits } from './units.ts';

test.each([
  ['1', 1_000_000n],
  ['0.25', 250_000n],
  ['0.000001', 1n],
  ['9007199254.740991', 9_007_199_254_740_991n],
])('%s units are exactly %s micro-units', (text, micro) => {
  expect(parseUnits(text)).toEqual({ ok: true, value: micro });
  expect(formatUnits(micro)).toBe(text);
});

test.each([
  '',
  '-1',
  '+1',
  '01',
  '1.',
  '.5',
  '1e3',
  '0.0000001',
  '1,5',
  ' 1',
  '9007199254.740992',
  'NaN',
])('an amount written %j is refused instead of guessed', (text) => {
  expect(parseUnits(text)).toMatchObject({ ok: false, code: 'amount-invalid' });
});

test('every amount reads back as it was shown', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 9_007_199_254_740_991n }), (micro) => {
      expect(parseUnits(formatUnits(micro))).toEqual({ ok: true, value: micro });
    }),
  );
});
