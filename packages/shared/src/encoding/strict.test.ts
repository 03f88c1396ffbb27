import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BODY_BYTES_MAX } from '../limits.ts';
import { encodeHex, equalBytes, utf8 } from './bytes.ts';
import { jcs } from './jcs.ts';
import { parseStrict, type StrictObject, strict } from './strict.ts';

const key = fc.stringMatching(/^[a-z_0-9]{1,12}$/).filter((text) => text !== '__proto__');
const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const { body } = fc.letrec<{ body: StrictObject; member: StrictObject[string] }>((tie) => ({
  member: fc.oneof({ maxDepth: 4 }, text, fc.array(text, { maxLength: 4 }), tie('body')),
  body: fc.dictionary(key, tie('member'), { maxKeys: 5, noNullPrototype: true }),
}));

/** A tenth of the promised 100 000; soak runs all. */
const MUTATIONS = process.env.ZS_SOAK === '1' ? 100_000 : 10_000;

describe('signed bodies', () => {
  test('are the RFC 8785 bytes of their value, and read back as that value', () => {
    fc.assert(
      fc.property(body, (value) => {
        const encoded = strict(value);
        if (!encoded.ok) throw new Error(encoded.code);
        expect(encodeHex(encoded.value)).toBe(encodeHex(utf8(jcs(value))));
        expect(parseStrict(encoded.value)).toEqual({ ok: true, value });
      }),
    );
  });

  test('that were changed in transit are refused or are the same bytes', {
    timeout: 600_000,
  }, () => {
    const mutation = fc.tuple(
      body,
      fc.nat(),
      fc.nat(),
      fc.constantFrom('flip', 'insert', 'delete'),
    );
    fc.assert(
      fc.property(mutation, ([value, at, noise, kind]) => {
        const encoded = strict(value);
        if (!encoded.ok) throw new Error(encoded.code);
        const mutated = mutate(encoded.value, at, noise, kind);
        const parsed = parseStrict(mutated);
        if (!parsed.ok) return;
        const again = strict(parsed.value);
        expect(again.ok && equalBytes(again.value, mutated)).toBe(true);
      }),
      { numRuns: MUTATIONS },
    );
  });

  test.each([
    ['spaces', '{"a": "1"}'],
    ['another order', '{"b":"1","a":"2"}'],
    ['a member twice', '{"a":"1","a":"1"}'],
    ['an escape that is not needed', '{"a":"\\u0031"}'],
    ['a slash that is escaped', '{"a":"\\/"}'],
    ['upper-case hexadecimal', '{"a":"\\u001F"}'],
    ['a trailing line break', '{"a":"1"}\n'],
  ])('have one form: not with %s', (_, input) => {
    expect(parseStrict(input)).toMatchObject({ ok: false, code: 'strict-not-canonical' });
  });

  test.each([
    ['a number', { a: 1 }, 'strict-shape', '$.a'],
    ['null', { a: null }, 'strict-shape', '$.a'],
    ['a boolean', { a: { b: true } }, 'strict-shape', '$.a.b'],
    ['an array of objects', { a: [{}] }, 'strict-shape', '$.a[0]'],
    ['an array of arrays', { a: [['x']] }, 'strict-shape', '$.a[0]'],
    ['a hole', { a: new Array(1) }, 'strict-shape', '$.a[0]'],
    ['undefined', { a: undefined }, 'strict-shape', '$.a'],
    ['a top-level string', 'a', 'strict-shape', '$'],
    ['a top-level array', [], 'strict-shape', '$'],
    ['a date', { a: new Date(0) }, 'strict-shape', '$.a'],
    ['a name beyond ASCII', { é: '1' }, 'strict-key', '$'],
    ['an empty name', { '': '1' }, 'strict-key', '$'],
    ['a prototype', JSON.parse('{"__proto__":"1"}'), 'strict-key', '$'],
    ['a lone surrogate', { a: '\ud800' }, 'strict-text', '$.a'],
    ['64 KiB', { a: 'x'.repeat(BODY_BYTES_MAX) }, 'strict-size', '$'],
    [
      '64 KiB of three-byte letters',
      { a: '\u20ac'.repeat(BODY_BYTES_MAX / 2) },
      'strict-size',
      '$',
    ],
  ])('do not hold %s', (_, value, code, detail) => {
    expect(strict(value)).toEqual({ ok: false, code, detail });
  });

  test('nest eight levels, arrays counted', () => {
    const nested = (levels: number): unknown =>
      levels === 1 ? { a: '1' } : { a: nested(levels - 1) };
    expect(strict(nested(8)).ok).toBe(true);
    expect(strict(nested(9))).toMatchObject({ ok: false, code: 'strict-depth' });
    expect(strict({ a: { b: { c: { d: { e: { f: { g: ['1'] } } } } } } }).ok).toBe(true);
    expect(strict({ a: { b: { c: { d: { e: { f: { g: { h: ['1'] } } } } } } } }).ok).toBe(false);
  });

  test('are refused by their length before they are parsed', () => {
    expect(parseStrict('['.repeat(BODY_BYTES_MAX + 1))).toMatchObject({ code: 'strict-size' });
    expect(parseStrict('['.repeat(BODY_BYTES_MAX))).toMatchObject({ code: 'strict-syntax' });
    expect(parseStrict(Uint8Array.of(0x7b, 0xff))).toMatchObject({ code: 'strict-syntax' });
  });
});

function mutate(bytes: Uint8Array, at: number, noise: number, kind: string): Uint8Array {
  const copy = [...bytes];
  const index = at % copy.length;
  if (kind === 'flip') copy[index] = (copy[index] ?? 0) ^ (1 << (noise % 8));
  else if (kind === 'insert') copy.splice(index, 0, noise % 256);
  else copy.splice(index, 1 + (noise % 3));
  return Uint8Array.from(copy);
}
