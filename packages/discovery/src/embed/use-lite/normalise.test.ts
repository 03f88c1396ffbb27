import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isAssigned } from './assigned.ts';
import { normalise, TEXT_MAX } from './normalise.ts';

test('white space of any kind and length is one space, and none at the ends', () => {
  expect(normalise('\t a\u00a0\u2003b\r\n\n c\u3000\u2028d ')).toBe('a b c d');
  expect(normalise(' \n\u00a0\u2029')).toBe('');
});

test('a text means the same composed and decomposed, half wide and full wide', () => {
  expect(normalise('Cafe\u0301 １２')).toBe('Café 12');
});

test('a character newer than Unicode 14.0 is unknown, whatever the engine has learnt since', () => {
  // U+1E030, of Unicode 15.0, has a compatibility mapping to U+0430, which the vocabulary knows.
  expect(normalise('x\u{1e030}')).toBe('x\ufffd');
  expect(isAssigned(0x1e030)).toBe(false);
  expect(isAssigned(0x61)).toBe(true);
  expect(isAssigned(0xe0080)).toBe(false);
});

test('every character that Unicode 14.0 assigned is one that this engine knows', () => {
  const unknown: number[] = [];
  for (let codePoint = 0; codePoint < 0x110000; codePoint++) {
    const isSurrogate = codePoint >= 0xd800 && codePoint < 0xe000;
    if (isSurrogate || !isAssigned(codePoint)) continue;
    if (!/\p{Assigned}/u.test(String.fromCodePoint(codePoint))) unknown.push(codePoint);
  }
  // The 66 noncharacters are designated by the standard, so "present", but never assigned.
  expect(unknown.filter((codePoint) => (codePoint & 0xfffe) !== 0xfffe)).toEqual(
    Array.from({ length: 32 }, (_, i) => 0xfdd0 + i),
  );
});

test('lone surrogates read as the unknown character, also where a pair is cut', () => {
  expect(normalise('a\ud800b\udc00')).toBe('a\ufffdb\ufffd');
  expect(normalise(`${'a'.repeat(TEXT_MAX - 1)}\u{1f600}`).endsWith('a\ufffd')).toBe(true);
});

test('normalising twice changes nothing', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
      const once = normalise(text);
      expect(normalise(once)).toBe(once);
    }),
  );
});
