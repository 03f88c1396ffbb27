import { CARD_TEXT_MAX } from '../limits.ts';
import { wordsOf } from '../text.ts';
import { type Embedder, quantise } from './embedder.ts';

const DIMS = 384;
const GRAM_MIN = 3;
const GRAM_MAX = 5;
const BORDER_START = 0x3c; // '<' and '>' never occur inside a word
const BORDER_END = 0x3e;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const WEIGHT_UNIT = 1024;

/**
 * `ngram-hash-384`: character 3- to 5-grams of each word with its borders marked, each hashed
 * to a slot and a sign (feature hashing, Weinberger et al. 2009), weighted 1 + ln(tf).
 * No table, no IDF, no download, and the same bytes on every runtime: grams and weights are
 * added as integers and only IEEE-exact operations are used.
 */
export const ngramHash384: Embedder = {
  id: 'ngram-hash-384',
  dims: DIMS,
  embed: async (texts) => texts.map(embedNgrams),
};

/** The vector of one text under `ngram-hash-384`. */
export function embedNgrams(text: string): Int8Array {
  const slots = new Int32Array(DIMS);
  for (const [hash, count] of countGrams(wordsOf(text, CARD_TEXT_MAX))) {
    const slot = (hash >>> 1) % DIMS;
    const weight = weightOf(count);
    slots[slot] = (slots[slot] ?? 0) + (hash & 1 ? weight : -weight);
  }
  return quantise(slots);
}

function countGrams(words: readonly string[]): Map<number, number> {
  const counts = new Map<number, number>();
  const points: number[] = [];
  for (const word of words) {
    points.length = 0;
    points.push(BORDER_START);
    for (const character of word) points.push(character.codePointAt(0) ?? 0);
    points.push(BORDER_END);
    for (let start = 0; start + GRAM_MIN <= points.length; start++) {
      const end = Math.min(start + GRAM_MAX, points.length);
      let running = FNV_OFFSET;
      for (let i = start; i < end; i++) {
        running = Math.imul(running ^ (points[i] ?? 0), FNV_PRIME);
        if (i - start + 1 < GRAM_MIN) continue;
        const hash = avalanche(running);
        counts.set(hash, (counts.get(hash) ?? 0) + 1);
      }
    }
  }
  return counts;
}

/** MurmurHash3's 32-bit finaliser: FNV-1a alone spreads short strings badly over its low bits. */
function avalanche(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

const WEIGHTS_SMALL = Int32Array.from({ length: 64 }, (_, count) => roundedWeight(count));

function weightOf(count: number): number {
  return WEIGHTS_SMALL[count] ?? roundedWeight(count);
}

function roundedWeight(count: number): number {
  return count < 1 ? 0 : Math.round(WEIGHT_UNIT * (1 + naturalLog(count)));
}

/**
 * ln of a positive integer with + − × ÷ only: engines may differ in the last bits of Math.log,
 * and one such bit would change a component. Series 2·artanh((m−1)/(m+1)) for 1 ≤ m < 2.
 */
function naturalLog(value: number): number {
  let mantissa = value;
  let exponent = 0;
  while (mantissa >= 2) {
    mantissa /= 2;
    exponent++;
  }
  const ratio = (mantissa - 1) / (mantissa + 1);
  const square = ratio * ratio;
  let power = ratio;
  let sum = 0;
  for (let odd = 1; odd < 40; odd += 2) {
    sum += power / odd;
    power *= square;
  }
  return exponent * Math.LN2 + 2 * sum;
}
