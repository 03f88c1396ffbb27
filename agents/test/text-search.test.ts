import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runAgent } from './agent-run.ts';

async function search(args: readonly string[], text: string | Uint8Array): Promise<string[]> {
  const run = await runAgent('text-search', args, text);
  expect(run).toMatchObject({ code: 0, stderr: '' });
  return run.stdout.toString().split('\n').slice(0, -1);
}

describe('regex', () => {
  /** Patterns both engines read alike; short, since JavaScript's time is exponential in them. */
  const { pattern } = fc.letrec<{ pattern: string; one: string; sequence: string }>((tie) => ({
    one: fc.oneof(
      { maxDepth: 2 },
      fc.constantFrom(
        'a',
        'b',
        'c',
        '.',
        '\\d',
        '\\w',
        '\\W',
        '\\s',
        '[ab]',
        '[^a]',
        '[a-c1]',
        '\\.',
        '\\x61',
      ),
      fc.constantFrom('^', '$', '\\b', '\\B'),
      tie('pattern').map((inner) => `(${inner})`),
      tie('pattern').map((inner) => `(?:${inner})`),
    ),
    sequence: fc
      .array(
        fc.tuple(
          tie('one'),
          fc.constantFrom('', '', '*', '+', '?', '{2}', '{1,}', '{0,2}', '{1,3}', '{0}'),
        ),
        { maxLength: 3 },
      )
      .map((parts) =>
        parts.map(([one, times]) => (/^(\^|\$|\\b|\\B)$/i.test(one) ? one : one + times)).join(''),
      ),
    pattern: fc.array(tie('sequence'), { minLength: 1, maxLength: 3 }).map((all) => all.join('|')),
  }));
  const short = pattern.filter((source) => source.length <= 40);
  const line = fc.string({
    unit: fc.constantFrom('a', 'b', 'c', '1', ' ', '.', 'x'),
    maxLength: 8,
  });

  test('matches the lines that JavaScript matches, whatever the pattern', async () => {
    await fc.assert(
      fc.asyncProperty(short, fc.array(line, { maxLength: 12 }), async (source, lines) => {
        const oracle = new RegExp(source, 'u');
        const expected = lines.flatMap((text, i) =>
          oracle.test(text) ? [`${i + 1}:${text}`] : [],
        );
        const text = lines.map((each) => `${each}\n`).join('');
        expect(await search(['regex', source], text)).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  test('case is ignored on request, beyond ASCII too', async () => {
    const lines = 'STRASSE\nÄRGER\närger\nnothing\n';
    expect(await search(['regex', 'ignore-case', '^[ä]r|strasse'], lines)).toEqual([
      '1:STRASSE',
      '2:ÄRGER',
      '3:ärger',
    ]);
    expect(await search(['regex', 'är'], lines)).toEqual(['3:ärger']);
  });

  test('a character is a code point, a broken byte is one that has no kind', async () => {
    expect(await search(['regex', '^.$'], '\u{1f600}\né\nab\n')).toEqual(['1:\u{1f600}', '2:é']);
    expect(await search(['regex', '\\bé'], 'xé\n-é\n')).toEqual(['2:-é']);
    expect(await search(['regex', '^a.b$'], Buffer.from([0x61, 0xff, 0x62, 0x0a]))).toHaveLength(1);
    expect(await search(['regex', 'a\\wb'], Buffer.from([0x61, 0xff, 0x62, 0x0a]))).toHaveLength(0);
  });

  test('line ends are no part of a line, and a last line needs none', async () => {
    expect(await search(['regex', 'a$'], 'a\r\nb\na')).toEqual(['1:a', '3:a']);
    expect(await search(['regex', '^$'], '\n\nx')).toEqual(['1:', '2:']);
    expect(await search(['regex', 'limit=1', 'a'], 'a\na\n')).toEqual(['1:a']);
    expect(await search(['regex', 'a'], '')).toEqual([]);
  });

  test('patterns that blow up a backtracking engine stay linear', async () => {
    const text = `${'a'.repeat(20000)}\n`;
    for (const evil of [
      '(a*)*b',
      '(a|aa)+$b',
      '(a?){30}a{30}b',
      '(((a+)+)+)+b',
      `${'('.repeat(90)}a${'|b)*'.repeat(90)}x`,
    ]) {
      expect(await search(['regex', evil], text)).toEqual([]);
    }
  });

  test('a pattern it cannot read is bad usage with the reason', async () => {
    const wrong = [
      '(',
      ')',
      'a)',
      '[a',
      '*',
      'a**',
      'a{2',
      'a{3,2}',
      'a{1001}',
      '[b-a]',
      '\\',
      '\\1',
      '\\q',
      '(?=a)',
    ];
    wrong.push('(a{1000}){1000}', `${'('.repeat(101)}${')'.repeat(101)}`, '\\x4');
    for (const source of wrong) {
      const run = await runAgent('text-search', ['regex', source], 'a');
      expect(run.code, source).toBe(2);
      expect(run.stderr).toMatch(/^bad pattern: .+\n$/);
    }
  });
});

describe('words', () => {
  const words = fc.array(fc.constantFrom('apple', 'Pear', 'plum', 'apples', 'Äpfel', '42', '-'), {
    maxLength: 8,
  });

  test('ranks by BM25, equals in the order of the text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(words, { maxLength: 15 }), async (lines) => {
        const query = ['apple', 'äpfel', '42'];
        const text = lines.map((line) => line.join(' '));
        const terms = lines.map((line) =>
          line.filter((w) => w !== '-').map((w) => w.toLowerCase()),
        );
        const filled = terms.filter((line) => line.length > 0);
        const mean = filled.flat().length / filled.length;
        const scored = terms.map((line, i) => {
          const parts = query.map((word) => {
            const tf = line.filter((w) => w === word).length;
            const df = terms.filter((other) => other.includes(word)).length;
            const idf = Math.log(1 + (filled.length - df + 0.5) / (df + 0.5));
            return (idf * tf * 2.2) / (tf + 1.2 * (0.25 + (0.75 * line.length) / mean) || 1);
          });
          return { number: i + 1, score: parts.reduce((a, b) => a + b, 0) };
        });
        const expected = scored
          .filter(({ score }) => score > 0)
          .sort((a, b) =>
            Math.abs(a.score - b.score) > 1e-9 ? b.score - a.score : a.number - b.number,
          );
        const found = (await search(['words', 'limit=100', ...query], text.join('\n'))).map((row) =>
          row.split('\t'),
        );
        expect(found.map(([number]) => Number(number))).toEqual(
          expected.map(({ number }) => number),
        );
        for (const [i, [number, score, line]] of found.entries()) {
          expect(Math.abs(Number(score) - (expected[i]?.score ?? 0))).toBeLessThan(1e-4);
          expect(line).toBe(text[Number(number) - 1]);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('prefixes, phrases in one argument, and the limit', async () => {
    const text = 'apples and pears\nan apple\nplum\n';
    expect((await search(['words', 'apple'], text)).map((row) => row[0])).toEqual(['2']);
    expect((await search(['words', 'apple*'], text)).map((row) => row[0])).toEqual(['2', '1']);
    expect((await search(['words', 'plum PEARS'], text)).map((row) => row[0])).toEqual(['3', '1']);
    expect(await search(['words', 'limit=1', 'a*'], text)).toHaveLength(1);
    expect(await search(['words', 'nothing'], text)).toEqual([]);
  });

  test('a query without a word, or no query, is bad usage', async () => {
    const wrong = [
      [],
      ['words'],
      ['regex'],
      ['find', 'x'],
      ['words', '--'],
      ['words', 'limit=0', 'x'],
      ['regex', 'a', 'b'],
    ];
    for (const args of wrong)
      expect((await runAgent('text-search', args, 'x')).code, args.join(' ')).toBe(2);
    const many = Array.from({ length: 65 }, (_, i) => `w${i}`);
    expect((await runAgent('text-search', ['words', ...many], 'x')).code).toBe(2);
  });
});
