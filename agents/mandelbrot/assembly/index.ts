// mandelbrot [center=RE,IM] [zoom=Z] [size=WxH] [iterations=N] [julia=RE,IM]
//
// A PNG of the Mandelbrot set, or of the Julia set of a constant. Without arguments the
// same words are read from stdin.

import { readArguments, readStdin } from '../../wasi/assembly/streams';
import { escapeRow } from './escape';
import { colourOf, ringPalette } from './palette';
import { writePng } from './png';
import { parseView } from './view';

const WORDS_MAX: i32 = 4096;

function wordsOnStdin(): string[] {
  const input = readStdin(WORDS_MAX);
  const words: string[] = [];
  let from = 0;
  for (let i = 0; i <= input.length; i++) {
    if (i < input.length && input[i] > 0x20) continue;
    if (i > from) words.push(String.UTF8.decodeUnsafe(input.dataStart + from, i - from));
    from = i + 1;
  }
  return words;
}

export function _start(): void {
  let words = readArguments();
  if (words.length == 0) words = wordsOnStdin();
  const view = parseView(words);
  const colours = new StaticArray<u8>(view.iterations + 1);
  for (let n = 0; n <= view.iterations; n++) colours[n] = colourOf(n, view.iterations);
  const row = new StaticArray<i32>(view.width);
  const scanlines = new Uint8Array((view.width + 1) * view.height);
  let at = 0;
  for (let y = 0; y < view.height; y++) {
    escapeRow(view, y, row);
    scanlines[at++] = 0;
    for (let x = 0; x < view.width; x++) scanlines[at++] = colours[row[x]];
  }
  writePng(view.width, view.height, ringPalette(), scanlines);
}
