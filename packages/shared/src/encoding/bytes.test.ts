import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  concat,
  decodeBase64url,
  decodeHex,
  digestSha256,
  encodeBase64url,
  encodeHex,
  equalBytes,
  fromUtf8,
  isHash,
  sha256Base64url,
  utf8,
} from './bytes.ts';

const bytes = fc.uint8Array({ maxLength: 200 });

describe('base64url', () => {
  test('gives back the bytes that went in', () => {
    fc.assert(
      fc.property(bytes, (input) => {
        expect(decodeBase64url(encodeBase64url(input))).toEqual({ ok: true, value: input });
      }),
    );
  });

  test('has one spelling for each byte string', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...alphabet, '+', '/', '=', ' ', '\n'), maxLength: 24 }),
        (text) => {
          const decoded = decodeBase64url(text);
          expect(decoded.ok ? encodeBase64url(decoded.value) : text).toBe(text);
        },
      ),
    );
  });

  test.each([
    ['padding', 'AA=='],
    ['bits that belong to no byte, after one byte', 'AB'],
    ['bits that belong to no byte, after two bytes', 'AAB'],
    ['a lone character', 'A'],
    ['the other alphabet', 'ab+/'],
    ['white space', 'AA AA'],
    ['a trailing line break', 'AAAA\n'],
  ])('refuses %s', (_, text) => {
    expect(decodeBase64url(text)).toEqual({ ok: false, code: 'base64url-invalid' });
  });
});

test('hexadecimal gives back the bytes that went in, and refuses half bytes and other letters', () => {
  fc.assert(
    fc.property(bytes, (input) => {
      expect(decodeHex(encodeHex(input))).toEqual({ ok: true, value: input });
    }),
  );
  for (const text of ['0', '0g', '0x', ' 00']) expect(decodeHex(text).ok).toBe(false);
});

test('text that is not UTF-8 is refused, not repaired', () => {
  for (const bad of [
    [0xff],
    [0xc0, 0x80],
    [0xed, 0xa0, 0x80],
    [0xe2, 0x82],
    [0xf4, 0x90, 0x80, 0x80],
  ]) {
    expect(fromUtf8(Uint8Array.from(bad))).toEqual({ ok: false, code: 'utf8-invalid' });
  }
});

test('a byte order mark is text like any other, so that two byte strings never read alike', () => {
  expect(fromUtf8(utf8('\ufeffa'))).toEqual({ ok: true, value: '\ufeffa' });
});

test('small and large hashing agree, and both have the form of an id', async () => {
  const empty = '47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU';
  expect(sha256Base64url(new Uint8Array())).toBe(empty);
  // A view into a larger buffer must hash as what it shows.
  const view = concat(utf8('xx'), utf8('body'), utf8('yy')).subarray(2, 6);
  expect(await digestSha256(view)).toBe(sha256Base64url(utf8('body')));
  expect(isHash(empty)).toBe(true);
  expect(isHash(`${empty.slice(0, 42)}V`)).toBe(false);
});

test('arrays are equal only with the same length and bytes', () => {
  expect(equalBytes(utf8('ab'), utf8('ab'))).toBe(true);
  expect(equalBytes(utf8('ab'), utf8('abc'))).toBe(false);
  expect(equalBytes(utf8('ab'), utf8('ac'))).toBe(false);
});
