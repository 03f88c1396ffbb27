import { WORD_LENGTH_MAX, WORDS_MAX } from './limits.ts';

const WORD = /[\p{L}\p{M}\p{N}]+/gu;
const CAMEL_BORDER = /([\p{Ll}\p{N}])(\p{Lu})/gu;

/**
 * Words of a text, lower case, in order: runs of letters, digits and marks after NFKC,
 * `camelCase` and `snake_case` taken apart. Lone surrogates, control characters and emoji
 * separate words. At most `lengthMax` UTF-16 units, WORDS_MAX words of WORD_LENGTH_MAX code
 * points are looked at, so any input costs bounded work.
 */
export function wordsOf(text: string, lengthMax: number): string[] {
  const normal = text
    .slice(0, lengthMax)
    .toWellFormed()
    .normalize('NFKC')
    .replace(CAMEL_BORDER, '$1 $2')
    .toLowerCase();
  const words: string[] = [];
  for (const [word] of normal.matchAll(WORD)) {
    words.push(word.length > WORD_LENGTH_MAX ? cut(word) : word);
    if (words.length === WORDS_MAX) break;
  }
  return words;
}

function cut(word: string): string {
  return Array.from(word).slice(0, WORD_LENGTH_MAX).join('');
}
