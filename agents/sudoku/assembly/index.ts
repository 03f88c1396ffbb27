// sudoku [line|grid]: solves the puzzles on stdin, 81 cells each.
//
// A cell is a digit, or `.`, `0`, `_`, `*` when empty. Blanks, line ends and the rules
// people draw between boxes (`|`, `+`, `-`) are passed over, so that a puzzle may be
// one line or a drawn grid. Each puzzle answers one line: its solution,
// `no solution`, or `several solutions, one is ` and one of them.

import {
  EXIT_BAD_INPUT,
  EXIT_USAGE,
  fail,
  readArguments,
  readStdin,
  writeText,
} from '../../wasi/assembly/streams';
import { countSolutions, setGivens, solution } from './solver';

const INPUT_MAX: i32 = 1 << 20;
const USAGE = 'usage: sudoku [line|grid], puzzles of 81 cells on stdin';

function asLine(cells: StaticArray<u8>): string {
  let text = '';
  for (let i = 0; i < 81; i++) text += String.fromCharCode(48 + cells[i]);
  return text + '\n';
}

function asGrid(cells: StaticArray<u8>): string {
  let text = '';
  for (let i = 0; i < 81; i++) {
    if (i == 27 || i == 54) text += '------+-------+------\n';
    text += String.fromCharCode(48 + cells[i]);
    const column = i % 9;
    if (column == 8) text += '\n';
    else text += column == 2 || column == 5 ? ' | ' : ' ';
  }
  return text;
}

function answer(givens: StaticArray<u8>, grid: bool): void {
  const count = setGivens(givens) ? countSolutions() : 0;
  if (count == 0) {
    writeText(1, 'no solution\n');
    return;
  }
  if (count > 1) writeText(1, grid ? 'several solutions, one is\n' : 'several solutions, one is ');
  writeText(1, grid ? asGrid(solution()) : asLine(solution()));
}

/** 0..9 for a cell, -1 for what is passed over, -2 for anything else. */
function cellValue(byte: u8): i32 {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  switch (byte) {
    case 0x2e: // .
    case 0x5f: // _
    case 0x2a: // *
      return 0;
    case 0x20:
    case 0x09:
    case 0x0a:
    case 0x0d:
    case 0x7c: // |
    case 0x2b: // +
    case 0x2d: // -
      return -1;
    default:
      return -2;
  }
}

export function _start(): void {
  const words = readArguments();
  const grid = words.length == 1 && words[0] == 'grid';
  if (words.length > 1 || (words.length == 1 && !grid && words[0] != 'line')) fail(EXIT_USAGE, USAGE);
  const input = readStdin(INPUT_MAX);
  const givens = new StaticArray<u8>(81);
  let filled = 0;
  let puzzles = 0;
  for (let i = 0; i < input.length; i++) {
    const value = cellValue(input[i]);
    if (value == -1) continue;
    if (value == -2) fail(EXIT_BAD_INPUT, 'byte ' + i.toString() + ' is no cell of a sudoku');
    givens[filled++] = <u8>value;
    if (filled < 81) continue;
    if (grid && puzzles > 0) writeText(1, '\n');
    answer(givens, grid);
    puzzles++;
    filled = 0;
  }
  if (filled > 0 || puzzles == 0) {
    fail(EXIT_BAD_INPUT, 'a sudoku has 81 cells, the last one here has ' + filled.toString());
  }
}
