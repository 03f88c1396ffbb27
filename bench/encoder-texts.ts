/** What the encoder is timed on: 12 and 100 words of English, 17 and 142 tokens on average. */
import { readFileSync } from 'node:fs';

const PAGE = new URL('../docs/paraphrases.md', import.meta.url);
const ROW = /^\| (?!request|-)(.+) \| (.+) \|$/gm;
const QUERY_WORDS = 12;
const CARD_WORDS = 100;
/** No common factor with the number of words: runs begin everywhere. */
const STEP = 7;

/** Runs of words of the page's requests, which follow one another in a circle. */
function runsOf(words: readonly string[], length: number, count: number): string[] {
  const circle = [...words, ...words];
  return Array.from({ length: count }, (_, i) => {
    const start = (i * STEP) % words.length;
    return circle.slice(start, start + length).join(' ');
  });
}

export function timedTexts(queries: number, cards: number): { queries: string[]; cards: string[] } {
  const requests = [...readFileSync(PAGE, 'utf8').matchAll(ROW)].map(([, request = '']) => request);
  const words = requests.join(' ').split(/\s+/);
  return { queries: runsOf(words, QUERY_WORDS, queries), cards: runsOf(words, CARD_WORDS, cards) };
}
