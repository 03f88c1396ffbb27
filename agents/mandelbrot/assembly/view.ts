// What the caller asked for: words of the form name=value.

import { EXIT_USAGE, fail } from '../../wasi/assembly/streams';

const USAGE =
  'usage: mandelbrot [center=RE,IM] [zoom=Z] [size=WxH] [iterations=N] [julia=RE,IM]';
const SIDE_MAX: i32 = 4096;
const ITERATIONS_MAX: i32 = 100000;

export class View {
  centerRe: f64 = -0.75;
  centerIm: f64 = 0;
  /** 1 shows a width of 3.5, 10 a tenth of that. */
  zoom: f64 = 1;
  width: i32 = 800;
  height: i32 = 600;
  iterations: i32 = 500;
  julia: bool = false;
  juliaRe: f64 = 0;
  juliaIm: f64 = 0;
}

/** A decimal number as in JSON; NaN for anything else, which strtod-like parsers accept. */
function parseNumber(text: string): f64 {
  let at = 0;
  let digits = 0;
  if (text.startsWith('-') || text.startsWith('+')) at++;
  const start = at;
  while (at < text.length && isDigit(text, at)) at++;
  digits = at - start;
  if (at < text.length && text.charCodeAt(at) == 0x2e) {
    const fraction = ++at;
    while (at < text.length && isDigit(text, at)) at++;
    digits += at - fraction;
  }
  if (digits == 0) return NaN;
  if (at < text.length && (text.charCodeAt(at) | 0x20) == 0x65) {
    at++;
    if (at < text.length && (text.charAt(at) == '-' || text.charAt(at) == '+')) at++;
    const exponent = at;
    while (at < text.length && isDigit(text, at)) at++;
    if (at == exponent) return NaN;
  }
  return at == text.length ? F64.parseFloat(text) : NaN;
}

function isDigit(text: string, at: i32): bool {
  const unit = text.charCodeAt(at);
  return unit >= 0x30 && unit <= 0x39;
}

/** A whole number from 1 to `max`, or usage. */
function parseCount(text: string, max: i32): i32 {
  const value = parseNumber(text);
  if (!(value >= 1 && value <= <f64>max && value == Math.floor(value))) {
    fail(EXIT_USAGE, text + ' is not a whole number from 1 to ' + max.toString() + '\n' + USAGE);
  }
  return <i32>value;
}

function parseFinite(text: string): f64 {
  const value = parseNumber(text);
  if (!isFinite(value)) fail(EXIT_USAGE, text + ' is not a number\n' + USAGE);
  return value;
}

/** Both halves of "a,b" or "axb". */
function pair(text: string, separator: string): string[] {
  const parts = text.split(separator);
  if (parts.length != 2) fail(EXIT_USAGE, USAGE);
  return parts;
}

export function parseView(words: string[]): View {
  const view = new View();
  for (let i = 0; i < words.length; i++) {
    const equals = words[i].indexOf('=');
    const name = equals < 0 ? '' : words[i].substring(0, equals);
    const value = words[i].substring(equals + 1);
    if (name == 'center') {
      const parts = pair(value, ',');
      view.centerRe = parseFinite(parts[0]);
      view.centerIm = parseFinite(parts[1]);
    } else if (name == 'julia') {
      const parts = pair(value, ',');
      view.juliaRe = parseFinite(parts[0]);
      view.juliaIm = parseFinite(parts[1]);
      if (!view.julia && view.centerRe == -0.75) view.centerRe = 0;
      view.julia = true;
    } else if (name == 'size') {
      const parts = pair(value, 'x');
      view.width = parseCount(parts[0], SIDE_MAX);
      view.height = parseCount(parts[1], SIDE_MAX);
    } else if (name == 'zoom') {
      view.zoom = parseFinite(value);
      if (!(view.zoom > 0)) fail(EXIT_USAGE, 'zoom is above 0\n' + USAGE);
    } else if (name == 'iterations') {
      view.iterations = parseCount(value, ITERATIONS_MAX);
    } else {
      fail(EXIT_USAGE, USAGE);
    }
  }
  return view;
}
