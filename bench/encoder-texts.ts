/** What the encoder is timed on: about 12 words a query and 100 words a card. */
import { cardTexts } from './encoder-agents.ts';

const QUERY_WORDS = 12;
const CARD_WORDS = 100;

/** Runs of words of the repository's own cards, one after the other. */
function runsOf(words: readonly string[], length: number, count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const start = (i * 7) % (words.length - length);
    return words.slice(start, start + length).join(' ');
  });
}

export function timedTexts(queries: number, cards: number): { queries: string[]; cards: string[] } {
  const words = cardTexts().join(' ').split(/\s+/);
  return { queries: runsOf(words, QUERY_WORDS, queries), cards: runsOf(words, CARD_WORDS, cards) };
}
