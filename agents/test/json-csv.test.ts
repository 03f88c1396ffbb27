import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runAgent } from './agent-run.ts';

async function convert(args: readonly string[], input: string): Promise<string> {
  const run = await runAgent('json-csv', args, input);
  expect(run).toMatchObject({ code: 0, stderr: '' });
  return run.stdout.toString();
}

async function refused(args: readonly string[], input: string | Uint8Array): Promise<string> {
  const run = await runAgent('json-csv', args, input);
  expect(run.code, String(input)).toBe(1);
  expect(run.stdout).toHaveLength(0);
  return run.stderr;
}

/** Text with all that CSV and JSON treat specially. */
const hardText = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({
    unit: fc.constantFrom('"', ',', '\n', '\r', '\t', '\\', ' ', 'a', '\u0000', '1', 'é'),
  }),
  fc.constantFrom('', '0', '-1.5e3', 'true', 'false', 'null', '007', ' 1', '[]', '{}', '\u{1f600}'),
);
const scalar = fc.oneof(
  hardText,
  fc.boolean(),
  fc.constant(null),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (Object.is(n, -0) ? 0 : n)),
);

describe('round trip', () => {
  test('a table of any scalars comes back the same, types and all', async () => {
    const table = fc
      .uniqueArray(hardText, { minLength: 1, maxLength: 6 })
      .chain((names) =>
        fc
          .array(fc.tuple(...names.map(() => scalar)), { minLength: 1, maxLength: 8 })
          .map((rows) =>
            rows.map((row) => Object.fromEntries(names.map((name, i) => [name, row[i] ?? null]))),
          ),
      );
    await fc.assert(
      fc.asyncProperty(table, fc.constantFrom(',', ';', 'tab', '|'), async (rows, delimiter) => {
        const word = `delimiter=${delimiter}`;
        const csv = await convert(['to-csv', word], JSON.stringify(rows));
        expect(JSON.parse(await convert(['to-json', word], csv))).toEqual(rows);
      }),
      { numRuns: 150 },
    );
  });

  test('rows without a header come back the same', async () => {
    const rows = fc.array(fc.array(scalar, { minLength: 2, maxLength: 5 }), { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(rows, async (data) => {
        const csv = await convert(['to-csv'], JSON.stringify(data));
        expect(JSON.parse(await convert(['to-json', 'rows'], csv))).toEqual(data);
      }),
      { numRuns: 100 },
    );
  });
});

describe('to CSV', () => {
  test('what RFC 4180 says: CRLF, quotes where needed, doubled inside', async () => {
    const json = '[{"a":"x","b":"1,2"},{"b":"say \\"hi\\"","a":"two\\nlines"}]';
    expect(await convert(['to-csv'], json)).toBe('a,b\r\nx,"1,2"\r\n"two\nlines","say ""hi"""\r\n');
  });

  test('columns are all names in the order met; absent and null are empty, numbers as written', async () => {
    const json = '[{"a":1.50},{"b":[1,{"c":2}],"a":null},{"ü\\u00e9":12345678901234567890}]';
    expect(await convert(['to-csv'], json)).toBe(
      'a,b,üé\r\n1.50,,\r\n,"[1,{""c"":2}]",\r\n,,12345678901234567890\r\n',
    );
  });

  test('JSON Lines and one object are taken too, an empty array is an empty table', async () => {
    expect(await convert(['to-csv'], '{"a":1}\n{"a":"\\ud83d\\ude00"}\n')).toBe(
      'a\r\n1\r\n\u{1f600}\r\n',
    );
    expect(await convert(['to-csv'], ' [ ] ')).toBe('');
  });

  test('whatever JSON.parse refuses is refused with its place', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.json(),
        fc.nat(),
        fc.constantFrom('', ',', '"', '}', '\\', '0', 'x'),
        async (json, at, put) => {
          const document = `[{"v":${json}}]`;
          const cut = at % document.length;
          const mutated = document.slice(0, cut) + put + document.slice(cut + 1);
          let valid = true;
          try {
            const parsed: unknown = JSON.parse(mutated);
            valid = Array.isArray(parsed) && typeof parsed[0] === 'object' && parsed[0] !== null;
          } catch {
            valid = false;
          }
          const run = await runAgent('json-csv', ['to-csv'], mutated);
          if (!valid)
            expect(run).toMatchObject({ code: 1, stderr: expect.stringMatching(/ byte \d+\n$/) });
          else if (run.code !== 0) expect(mutated).toMatch(/\\u[dD][89a-fA-F]/);
        },
      ),
      { numRuns: 200 },
    );
    for (const json of [
      '',
      '1',
      '[1]',
      '["a"]',
      '[{}',
      '[{}]x',
      '[{},[]]',
      '[[],{}]',
      '[{"a":"\\ud800"}]',
    ]) {
      expect(await refused(['to-csv'], json)).toMatch(
        /^the input is not the JSON expected at byte \d+\n$/,
      );
    }
    expect(await refused(['to-csv'], `[{"a":${'['.repeat(600)}${']'.repeat(600)}}]`)).toContain(
      'byte',
    );
    expect(await refused(['to-csv'], Buffer.from([0x5b, 0xff, 0x5d]))).toContain(
      'not UTF-8 at byte 1',
    );
  });

  test('objects that share no names do not make a table beyond all bounds', async () => {
    const rows = Array.from({ length: 5000 }, (_, i) => `{"n${i}":1}`);
    expect(await refused(['to-csv'], `[${rows}]`)).toBe('there are more than 4096 columns\n');
  });
});

describe('to JSON', () => {
  test('bare cells have types, quoted ones are text', async () => {
    const csv = 'n,t,f,z,s,q\r\n-1.5e3,true,false,,007,"42"\r\n';
    expect(await convert(['to-json'], csv)).toBe(
      '[\n{"n":-1.5e3,"t":true,"f":false,"z":null,"s":"007","q":"42"}\n]\n',
    );
    expect(await convert(['to-json', 'strings'], 'a\n1\n')).toBe('[\n{"a":"1"}\n]\n');
  });

  test('LF, a byte order mark, no last line end and empty lines are no trouble', async () => {
    expect(JSON.parse(await convert(['to-json'], '\ufeffa,b\n1,2\n\n3,4'))).toEqual([
      { a: 1, b: 2 },
      { a: 3, b: 4 },
    ]);
    expect(JSON.parse(await convert(['to-json'], 'a\n1\n\n2\n'))).toEqual([
      { a: 1 },
      { a: null },
      { a: 2 },
    ]);
    expect(JSON.parse(await convert(['to-json'], ''))).toEqual([]);
    expect(JSON.parse(await convert(['to-json'], 'a,b\n1,'))).toEqual([{ a: 1, b: null }]);
  });

  test('a line that does not fit the header is refused with its number', async () => {
    expect(await refused(['to-json'], 'a,b\n1,2\n3\n')).toBe('fields are missing on line 3\n');
    expect(await refused(['to-json'], 'a,b\n"x\ny",2\n1,2,3\n')).toBe(
      'there are more fields than columns on line 4\n',
    );
    expect(await refused(['to-json'], 'a\n"x"y\n')).toBe(
      'text follows a closing quote on line 2\n',
    );
    expect(await refused(['to-json'], 'a\n\n"x\n\n')).toBe(
      'a quote is never closed, it opens on line 3\n',
    );
    expect(await refused(['to-json'], 'a,a\n1,2\n')).toBe('two columns have one name on line 1\n');
  });
});

test('words it does not know are bad usage', async () => {
  for (const args of [
    [],
    ['to-xml'],
    ['to-json', 'x'],
    ['to-csv', 'rows'],
    ['to-csv', 'delimiter=""'],
  ]) {
    expect(await runAgent('json-csv', args, '[]')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('usage: json-csv'),
    });
  }
});
