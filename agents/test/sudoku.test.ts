import { expect, test } from 'vitest';
import { runAgent } from './agent-run.ts';

/** The puzzle of Wikipedia's article on sudoku, and its solution. */
const WIKIPEDIA =
  '53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79';
const WIKIPEDIA_SOLVED =
  '534678912672195348198342567859761423426853791713924856961537284287419635345286179';
/** Published as the hardest for people (Inkala, 2012) and as hard for brute force. */
const INKALA = '8..........36......7..9.2...5...7.......457.....1...3...1....68..85...1..9....4..';
const AGAINST_BRUTE_FORCE =
  '..............3.85..1.2.......5.7.....4...1...9.......5......73..2.1........4...9';
const INKALA_SOLVED =
  '812753649943682175675491283154237896369845721287169534521974368438526917796318452';
const AGAINST_BRUTE_FORCE_SOLVED =
  '987654321246173985351928746128537694634892157795461832519286473472319568863745219';

async function solve(input: string, args: readonly string[] = []): Promise<string> {
  const run = await runAgent('sudoku', args, input);
  expect(run).toMatchObject({ code: 0, stderr: '' });
  return run.stdout.toString();
}

/** Whether 81 digits keep every rule, checked without the solver's own tables. */
function isSolved(line: string): boolean {
  const houses = new Map<string, Set<string>>();
  for (const [i, digit] of [...line].entries()) {
    const row = Math.floor(i / 9);
    const column = i % 9;
    const box = Math.floor(row / 3) * 3 + Math.floor(column / 3);
    for (const house of [`row ${row}`, `column ${column}`, `box ${box}`]) {
      houses.set(house, (houses.get(house) ?? new Set()).add(digit));
    }
  }
  return (
    line.length === 81 && /^[1-9]+$/.test(line) && [...houses.values()].every((s) => s.size === 9)
  );
}

test('known puzzles get their one solution, several to an input', async () => {
  expect(await solve(`${WIKIPEDIA}\n${INKALA}\r\n${AGAINST_BRUTE_FORCE}`)).toBe(
    `${WIKIPEDIA_SOLVED}\n${INKALA_SOLVED}\n${AGAINST_BRUTE_FORCE_SOLVED}\n`,
  );
});

test('a puzzle with several solutions says so and shows a right one', async () => {
  for (const puzzle of ['.'.repeat(81), `1${'0'.repeat(80)}`]) {
    const found = /^several solutions, one is (\d{81})\n$/.exec(await solve(puzzle))?.[1] ?? '';
    expect(isSolved(found)).toBe(true);
  }
});

test('a contradiction among the givens or behind them is "no solution"', async () => {
  expect(await solve(`55${WIKIPEDIA.slice(2)}`)).toBe('no solution\n');
  // Cell 3 can only be 9 and 9 is taken in its box by cell 20.
  expect(await solve(`12345678.........9${'.'.repeat(63)}`)).toBe('no solution\n');
  // A full grid with one digit changed.
  expect(await solve(`6${WIKIPEDIA_SOLVED.slice(1)}`)).toBe('no solution\n');
});

test('a drawn grid is read and a solved one is drawn', async () => {
  const drawn = WIKIPEDIA.replace(/.{9}/g, (row) => `|${row.replace(/.{3}/g, '$& | ')}\n`);
  const grid = await solve(`+---+---+---+\n${drawn}`, ['grid']);
  expect(grid.split('\n')[0]).toBe('5 3 4 | 6 7 8 | 9 1 2');
  expect(grid.replace(/\D/g, '')).toBe(WIKIPEDIA_SOLVED);
});

test('anything but whole puzzles is bad input, and nothing of it is guessed', async () => {
  for (const input of ['', '123', WIKIPEDIA.slice(1), WIKIPEDIA.replace('.', 'x'), '\u00e9']) {
    const run = await runAgent('sudoku', [], input);
    expect(run.code).toBe(1);
    expect(run.stdout).toHaveLength(0);
    expect(run.stderr).toMatch(/81 cells|no cell of a sudoku/);
  }
  expect((await runAgent('sudoku', ['loud'], WIKIPEDIA)).code).toBe(2);
  expect((await runAgent('sudoku', [], Buffer.alloc((1 << 20) + 1, '.'))).code).toBe(1);
});
