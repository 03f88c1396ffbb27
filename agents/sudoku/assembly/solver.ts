// Sudoku by constraint propagation and depth-first search on the cell with the
// fewest candidates. Cells are 0..80 row by row; a set of digits is a bit mask,
// digit d being bit d - 1.

const ALL: u32 = 0x1ff;

/** Digits used in each row, column and box. */
const rows = new StaticArray<u32>(9);
const columns = new StaticArray<u32>(9);
const boxes = new StaticArray<u32>(9);
const cells = new StaticArray<u8>(81);
const firstSolution = new StaticArray<u8>(81);
let solutionsFound = 0;

@inline
function boxOf(cell: i32): i32 {
  return (cell / 27) * 3 + ((cell % 9) / 3);
}

@inline
function candidates(cell: i32): u32 {
  return ALL & ~(rows[cell / 9] | columns[cell % 9] | boxes[boxOf(cell)]);
}

@inline
function flip(cell: i32, digit: u32): void {
  rows[cell / 9] ^= digit;
  columns[cell % 9] ^= digit;
  boxes[boxOf(cell)] ^= digit;
}

@inline
function place(cell: i32, digit: u32): void {
  cells[cell] = <u8>(ctz(digit) + 1);
  flip(cell, digit);
}

@inline
function clear(cell: i32, digit: u32): void {
  cells[cell] = 0;
  flip(cell, digit);
}

/** Cell k of house h: 0-8 rows, 9-17 columns, 18-26 boxes. */
@inline
function cellOf(house: i32, k: i32): i32 {
  if (house < 9) return house * 9 + k;
  if (house < 18) return k * 9 + house - 9;
  const box = house - 18;
  return (box / 3) * 27 + (box % 3) * 3 + (k / 3) * 9 + (k % 3);
}

/**
 * The cell to try next, or -1 when the grid is full, and in `choices` its digits:
 * none where the grid contradicts itself. A digit with one place left in a house
 * (hidden single) goes before a cell with several candidates.
 */
let choices: u32 = 0;
function pickCell(): i32 {
  let best = -1;
  let bestCount = 10;
  for (let cell = 0; cell < 81; cell++) {
    if (cells[cell] != 0) continue;
    const set = candidates(cell);
    const count = <i32>popcnt(set);
    if (count < bestCount) {
      best = cell;
      bestCount = count;
      choices = set;
      if (count <= 1) return best;
    }
  }
  if (best < 0) return -1;
  for (let house = 0; house < 27; house++) {
    const single = hiddenSingle(house);
    if (single >= 0) return single;
  }
  return best;
}

/** The cell of a house that alone can hold some digit (then `choices`), or -1. */
function hiddenSingle(house: i32): i32 {
  let once: u32 = 0;
  let twice: u32 = 0;
  let placed: u32 = 0;
  for (let k = 0; k < 9; k++) {
    const cell = cellOf(house, k);
    if (cells[cell] != 0) {
      placed |= 1 << (cells[cell] - 1);
      continue;
    }
    const set = candidates(cell);
    twice |= once & set;
    once |= set;
  }
  if ((once | placed) != ALL) {
    // Some digit has no place left in this house: a dead end at any open cell.
    choices = 0;
    return openCell(house);
  }
  const only = once & ~twice;
  if (only == 0) return -1;
  for (let k = 0; k < 9; k++) {
    const cell = cellOf(house, k);
    if (cells[cell] != 0) continue;
    const set = candidates(cell) & only;
    if (set == 0) continue;
    choices = set & -set;
    return cell;
  }
  return -1;
}

function openCell(house: i32): i32 {
  for (let k = 0; k < 9; k++) {
    const cell = cellOf(house, k);
    if (cells[cell] == 0) return cell;
  }
  return cellOf(house, 0);
}

function search(): void {
  const cell = pickCell();
  if (cell < 0) {
    if (solutionsFound == 0) memory.copy(changetype<usize>(firstSolution), changetype<usize>(cells), 81);
    solutionsFound++;
    return;
  }
  for (let left = choices; left != 0; left &= left - 1) {
    const digit = left & -left;
    place(cell, digit);
    search();
    clear(cell, digit);
    if (solutionsFound > 1) return;
  }
}

/** Takes 81 digits, 0 for an empty cell; false if two givens clash. */
export function setGivens(givens: StaticArray<u8>): bool {
  rows.fill(0);
  columns.fill(0);
  boxes.fill(0);
  cells.fill(0);
  solutionsFound = 0;
  for (let cell = 0; cell < 81; cell++) {
    const given = givens[cell];
    if (given == 0) continue;
    const digit: u32 = 1 << (given - 1);
    if ((candidates(cell) & digit) == 0) return false;
    place(cell, digit);
  }
  return true;
}

/** The number of solutions: 0, 1, or 2 for several. */
export function countSolutions(): i32 {
  search();
  return solutionsFound;
}

/** A solution of the last grid that has one. */
export function solution(): StaticArray<u8> {
  return firstSolution;
}
