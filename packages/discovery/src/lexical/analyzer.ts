import { TERMS_MAX } from '../limits.ts';
import { wordsOf } from '../text.ts';
import { stem } from './stemmer.ts';
import { STOP_WORDS } from './stop-words.ts';

/** Names word splitting, stop words and stemmer; a snapshot of another analyzer is refused. */
export const ANALYZER_ID = 'en-porter-1';

/** Scripts written without spaces; their runs become overlapping pairs of characters. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

/** Index terms of a text, in order, repeats kept: words less stop words, stemmed. */
export function termsOf(text: string, lengthMax: number): string[] {
  const terms: string[] = [];
  for (const word of wordsOf(text, lengthMax)) {
    if (STOP_WORDS.has(word)) continue;
    if (UNSPACED.test(word)) terms.push(...characterPairs(word));
    else terms.push(stem(word));
  }
  return terms.slice(0, TERMS_MAX);
}

function characterPairs(word: string): string[] {
  const characters = Array.from(word);
  if (characters.length < 3) return [word];
  return characters.slice(1).map((character, i) => `${characters[i] ?? ''}${character}`);
}
