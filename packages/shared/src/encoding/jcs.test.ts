import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Json, jcs, parseJson } from './jcs.ts';

const json = fc.jsonValue({ maxDepth: 6 }) as fc.Arbitrary<Json>;

describe('canonical JSON', () => {
  test('means what the value meant, whatever order its members came in', () => {
    fc.assert(
      fc.property(json, (value) => {
        const text = jcs(value);
        // Minus zero is the one number that JSON text cannot keep apart.
        expect(JSON.stringify(JSON.parse(text))).toBe(
          JSON.stringify(JSON.parse(jcs(reversed(value)))),
        );
        expect(jcs(JSON.parse(text))).toBe(text);
      }),
    );
  });

  test('sorts by UTF-16 code units, not by code points', () => {
    // U+FB33 sorts above the surrogates of an emoji, though its code point is lower.
    expect(jcs({ '\ufb33': 1, '\u{1f600}': 2 })).toBe('{"\u{1f600}":2,"\ufb33":1}');
  });

  test.each([
    ['undefined', { a: undefined }],
    ['a bigint', { a: 1n }],
    ['NaN', [Number.NaN]],
    ['Infinity', [Number.POSITIVE_INFINITY]],
    ['a lone surrogate', '\ud800'],
    ['a lone surrogate in a name', { '\udfff': 1 }],
    ['a date', { at: new Date(0) }],
    ['a map', new Map()],
    ['a function', () => 1],
  ])('has no text for %s', (_, value) => {
    expect(() => jcs(value)).toThrow(TypeError);
  });

  test('ends on a value that contains itself', () => {
    const loop: Record<string, unknown> = {};
    loop.self = loop;
    expect(() => jcs(loop)).toThrow(TypeError);
  });
});

describe('parseJson', () => {
  test('reads every text that JSON.stringify writes, as the same value', () => {
    fc.assert(
      fc.property(json, fc.constantFrom(0, 2), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        const isForbidden = text.includes('"__proto__":');
        expect(parseJson(text)).toEqual(
          isForbidden
            ? { ok: false, code: 'json-forbidden-key' }
            : { ok: true, value: JSON.parse(text) },
        );
      }),
    );
  });

  test('never throws, and what it returns can be encoded', () => {
    const unit = fc.constantFrom(...'{}[]":,\\u0d8e1-. tfn');
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 40 }), (text) => {
        const parsed = parseJson(text);
        if (!parsed.ok) return;
        const again = parseJson(jcs(parsed.value));
        expect(again.ok && jcs(again.value)).toBe(jcs(parsed.value));
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['{"a":1,"a":2}', 'json-duplicate-key'],
    ['{"a":1,"\\u0061":2}', 'json-duplicate-key'],
    ['[{"x":{"y":[],"y":[]}}]', 'json-duplicate-key'],
    ['{"__proto__":{"admin":true}}', 'json-forbidden-key'],
    ['{"\\u005f_proto__":1}', 'json-forbidden-key'],
    ['["\\ud83d"]', 'json-surrogate'],
    ['[1e309]', 'json-number'],
    ['{"a":1', 'json-invalid'],
    ['nul', 'json-invalid'],
  ])('refuses %s', (text, code) => {
    expect(parseJson(text)).toMatchObject({ ok: false, code });
  });

  test('keeps colons, brackets and quotes inside strings apart from structure', () => {
    const value = { 'a:{[': ':":\\"', b: [']}', '\\'] };
    expect(parseJson(JSON.stringify(value))).toEqual({ ok: true, value });
  });

  test('refuses a megabyte of brackets before it recurses', () => {
    expect(parseJson('['.repeat(1_000_000))).toEqual({ ok: false, code: 'json-depth' });
    expect(parseJson('[[[]]]', 2)).toEqual({ ok: false, code: 'json-depth' });
    expect(parseJson('[[]]', 2).ok).toBe(true);
  });
});

function reversed(value: Json): Json {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).reverse();
  return Object.fromEntries(
    entries.map(([key, member]): [string, Json] => [key, reversed(member)]),
  );
}
