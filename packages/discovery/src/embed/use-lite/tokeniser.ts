import { Trie } from './trie.ts';

/** Stands for characters that no piece has. */
const UNKNOWN = 0;
/** U+2581: a space, and the begin of every text. */
const SPACE_MARK = 0x2581;
const SPACE = 0x20;
const PLANE_END = 0xffff;

/**
 * Cuts a text into the pieces of a SentencePiece unigram vocabulary, with the ids of
 * `@energetic-ai/embeddings` 0.2.0. The best path is Viterbi's, with what the stock does that the
 * paper (Kudo 2018) does not: an unknown character costs nothing; a path whose score is exactly 0
 * counts as none, so that any later one replaces it; of equal paths the one whose last piece
 * begins later wins; runs of unknown characters are one token; pieces without a score count 0.
 */
export class Tokeniser {
  readonly #trie: Trie;
  readonly #scores: Float64Array;
  readonly #lengths: Uint8Array;

  constructor(pieces: readonly string[], scores: readonly number[]) {
    this.#trie = new Trie(pieces);
    this.#scores = Float64Array.from(scores);
    this.#lengths = Uint8Array.from(pieces, (piece) => piece.length);
  }

  /** Ids of a normalised text; none for the empty one. */
  encode(text: string): Int32Array<ArrayBuffer> {
    if (text === '') return new Int32Array();
    const characters = charactersOf(text);
    return this.#collect(this.#bestPieces(characters));
  }

  /** For each end position, the last piece of the best path that ends there. */
  #bestPieces(characters: Uint16Array): Int32Array {
    const count = characters.length;
    const best = new Float64Array(count + 1);
    const pieces = new Int32Array(count + 1);
    for (let start = 0; start < count; start++) {
      const before = best[start] ?? 0;
      let node = 0;
      let known = false;
      for (let end = start + 1; end <= count; end++) {
        const slot = this.#trie.edge(node, characters[end - 1] ?? 0);
        node = this.#trie.child(slot);
        if (node === 0) break;
        const piece = this.#trie.pieceAt(slot);
        if (piece === 0) continue;
        known = true;
        const score = before + (this.#scores[piece] ?? 0);
        if (best[end] === 0 || score >= (best[end] ?? 0)) {
          best[end] = score;
          pieces[end] = piece;
        }
      }
      if (!known && (best[start + 1] === 0 || before >= (best[start + 1] ?? 0))) {
        best[start + 1] = before;
        pieces[start + 1] = UNKNOWN;
      }
    }
    return pieces;
  }

  /** Walks the best path back from the end. */
  #collect(pieces: Int32Array): Int32Array<ArrayBuffer> {
    const ids = new Int32Array(pieces.length);
    let first = ids.length;
    let previous = -1;
    for (let end = pieces.length - 1; end > 0; ) {
      const id = pieces[end] ?? UNKNOWN;
      if (id !== UNKNOWN || previous !== UNKNOWN) ids[--first] = id;
      previous = id;
      end -= this.#lengths[id] ?? 1;
    }
    return ids.subarray(first);
  }
}

/** One unit a code point, the mark first; no piece has what lies beyond the first plane. */
function charactersOf(text: string): Uint16Array {
  const characters = new Uint16Array(text.length + 1);
  characters[0] = SPACE_MARK;
  let count = 1;
  for (const character of text) {
    const codePoint = character.codePointAt(0) ?? 0;
    const unit = codePoint === SPACE ? SPACE_MARK : codePoint;
    characters[count++] = unit > PLANE_END ? 0 : unit;
  }
  return characters.subarray(0, count);
}
