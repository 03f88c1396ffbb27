import { isAssigned } from './assigned.ts';

/** UTF-16 units of a text that are read: what CHUNKS_MAX chunks can hold, with room. */
export const TEXT_MAX = 16_384;

/** Part of the model's identity: changes with anything below that changes a text. */
export const NORMALISATION = 'nfkc-14.0-spaces-1';

const BEYOND_ASCII = /[^\0-\x7f]/;
/** White space that is left after NFKC: it turns the other spaces into U+0020. */
const SPACES = /[\t-\r \u0085\u1680\u2028\u2029]+/g;
const REPLACEMENT = '\ufffd';

/**
 * A text as the encoder reads it: well-formed, without code points that Unicode 14.0 does not
 * know, in NFKC, each run of white space one space, none at the ends. The stock tokeniser keeps
 * white space as it is, and takes a tab or a line feed for an unknown character; whoever indexes
 * cards wants the same vector for the same words.
 */
export function normalise(text: string): string {
  let read = text.slice(0, TEXT_MAX);
  if (BEYOND_ASCII.test(read)) {
    // A lone surrogate, or half of a pair that was cut, becomes the unknown character.
    read = Array.from(read.toWellFormed(), known).join('').normalize('NFKC');
  }
  return read.replace(SPACES, ' ').replace(/^ | $/g, '');
}

function known(character: string): string {
  return isAssigned(character.codePointAt(0) ?? 0) ? character : REPLACEMENT;
}
