import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { runAgent } from './agent-run.ts';

const value = z.union([z.number(), z.string(), z.null()]);
const report = z.object({
  rows: z.number(),
  columns: z.array(
    z.object({
      name: z.string(),
      type: z.enum(['empty', 'integer', 'number', 'boolean', 'date', 'text']),
      count: z.number(),
      missing: z.number(),
      distinct: z.number(),
      min: value,
      max: value,
      mean: z.number().nullable(),
      stddev: z.number().nullable(),
      median: z.number().nullable(),
    }),
  ),
});
type Column = z.infer<typeof report>['columns'][number];

async function describeCsv(
  csv: string,
  args: readonly string[] = [],
): Promise<z.infer<typeof report>> {
  const run = await runAgent('csv-stats', args, csv);
  expect(run).toMatchObject({ code: 0, stderr: '' });
  return report.parse(JSON.parse(run.stdout.toString()));
}

async function column(cells: readonly string[]): Promise<Column> {
  const { columns, rows } = await describeCsv(['x', ...cells].join('\r\n').concat('\r\n'));
  expect(rows).toBe(cells.length);
  const [only] = columns;
  if (!only) throw new Error('no column');
  return only;
}

test('the statistics of numbers are those of their definitions', async () => {
  const numbers = fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 2 });
  await fc.assert(
    fc.asyncProperty(numbers, async (data) => {
      const sorted = data.toSorted((a, b) => a - b);
      const mean = data.reduce((sum, x) => sum + x, 0) / data.length;
      const squares = data.reduce((sum, x) => sum + (x - mean) ** 2, 0);
      const middle = [sorted[(data.length - 1) >> 1] ?? 0, sorted[data.length >> 1] ?? 0];
      const found = await column(data.map(String));
      const scale = Math.max(...data.map(Math.abs), 1e-300);
      expect(found).toMatchObject({ count: data.length, missing: 0 });
      expect([found.min, found.max]).toEqual([sorted[0], sorted.at(-1)].map((x) => (x ?? 0) + 0));
      expect(found.distinct).toBe(new Set(data.map((x) => x + 0)).size);
      expect(Math.abs((found.mean ?? 0) - mean)).toBeLessThanOrEqual(1e-12 * scale);
      const stddev = Math.sqrt(squares / (data.length - 1));
      expect(Math.abs((found.stddev ?? 0) - stddev)).toBeLessThanOrEqual(1e-9 * scale);
      const median = ((middle[0] ?? 0) + (middle[1] ?? 0)) / 2;
      expect(Math.abs((found.median ?? 0) - median)).toBeLessThanOrEqual(1e-12 * scale);
    }),
    { numRuns: 100 },
  );
});

test('a number is read exactly, however it is written', async () => {
  await fc.assert(
    fc.asyncProperty(fc.double({ noNaN: true, noDefaultInfinity: true }), async (x) => {
      expect((await column([String(x)])).min).toBe(x + 0);
    }),
    { numRuns: 100 },
  );
  expect((await column(['1e16', '1', '-1e16'])).mean).toBe(1 / 3);
  expect((await column(['9007199254740993', '1e22', '.5', '+7'])).max).toBe(1e22);
});

test('the type of a column is the narrowest that holds all values', async () => {
  const types: [string[], string][] = [
    [['1', '-2', '+3'], 'integer'],
    [['1', '2.5', '1e3'], 'number'],
    [['true', 'False'], 'boolean'],
    [['2024-02-29', '2024-12-31T23:59:59Z'], 'date'],
    [['2023-02-29'], 'text'],
    [['2024-13-01'], 'text'],
    [['007', '08'], 'text'],
    [['1', 'x'], 'text'],
    [['true', '1'], 'text'],
    [['1.', 'e5'], 'text'],
    [['', 'NA', 'n/a', 'NULL', 'nan'], 'empty'],
    [['1', '', 'NA'], 'integer'],
  ];
  for (const [cells, type] of types) expect((await column(cells)).type, cells.join()).toBe(type);
  expect(await column(['1', '', 'NA'])).toMatchObject({
    count: 1,
    missing: 2,
    stddev: null,
    median: 1,
  });
});

test('text has the least, the greatest and the number of different values', async () => {
  const words = fc.array(fc.stringMatching(/^[a-zA-Zäß]{1,3}!$/), { minLength: 1, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(words, async (data) => {
      const sorted = data.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      expect(await column(data)).toMatchObject({
        type: 'text',
        distinct: new Set(data).size,
        min: sorted[0],
        max: sorted.at(-1),
        mean: null,
      });
    }),
    { numRuns: 100 },
  );
});

test('quotes, delimiters and both tables for people and programs', async () => {
  const csv = '"a ""b""";c|d\n"1;5";2\n';
  const { columns } = await describeCsv(csv, ['delimiter=;']);
  expect(columns.map(({ name, type }) => [name, type])).toEqual([
    ['a "b"', 'text'],
    ['c|d', 'integer'],
  ]);
  const table = (await runAgent('csv-stats', ['markdown', 'delimiter=;'], csv)).stdout.toString();
  expect(table.split('\n')[3]).toBe('| c\\|d | integer | 1 | 0 | 1 | 2 | 2 | 2 |  | 2 |');
  const asCsv = (await runAgent('csv-stats', ['csv', 'delimiter=;'], csv)).stdout.toString();
  expect(asCsv.split('\r\n')[1]).toBe('"a ""b""",text,1,0,1,1;5,1;5,,,');
});

test('broken input is refused with its line, unknown words with the usage', async () => {
  expect(await runAgent('csv-stats', [], 'a,b\n1\n')).toMatchObject({
    code: 1,
    stderr: 'fields are missing on line 2\n',
  });
  expect((await runAgent('csv-stats', [], '')).code).toBe(1);
  expect((await runAgent('csv-stats', [], Buffer.from([0xff]))).code).toBe(1);
  expect(await runAgent('csv-stats', ['xml'], 'a\n')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('usage: csv-stats'),
  });
});
