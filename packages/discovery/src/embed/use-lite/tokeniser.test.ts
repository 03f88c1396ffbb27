import { EmbeddingsModel } from '@energetic-ai/embeddings';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readStockModel } from '../../../scripts/encoder/stock-model.ts';
import { vocabularyText } from '../../../scripts/encoder/weight-file.ts';
import { normalise } from './normalise.ts';
import { Tokeniser } from './tokeniser.ts';

const model = readStockModel();
// Checked border: `vocabularyText` writes this shape.
const [pieces, scores] = JSON.parse(vocabularyText(model)) as [string[], number[]];
const tokeniser = new Tokeniser(pieces, scores);
const stock = stockOver(model.vocabulary as [string, number][]);

/** The stock tokeniser alone: no graph is ever run. */
function stockOver(vocabulary: [string, number][]): EmbeddingsModel['tokenizer'] {
  return new EmbeddingsModel({ vocabulary, model: undefined as never }).tokenizer;
}

function idsOf(text: string): number[] {
  return [...tokeniser.encode(text)];
}

test('any text gets the ids of the stock tokeniser', () => {
  const piece = fc.integer({ min: 6, max: pieces.length - 1 }).map((id) => pieces[id] ?? '');
  const spaced = piece.map((text) => text.replaceAll('\u2581', ' '));
  const anything = fc.string({ unit: 'binary', maxLength: 8 });
  const text = fc.array(fc.oneof(spaced, spaced, anything), { maxLength: 20 });
  fc.assert(
    fc.property(text, (parts) => {
      const read = normalise(parts.join(''));
      expect(idsOf(read)).toEqual(read === '' ? [] : stock.encode(read));
    }),
    { numRuns: 500 },
  );
});

test('pieces with a colon, which have no score, are cut as the stock cuts them', () => {
  for (const text of ['a:b', 'x ://y', ':)', 'so :-) and :(', 'f(x):', '::::', ' : ']) {
    expect(idsOf(text)).toEqual(stock.encode(text));
  }
});

test('of paths that are equally likely the stock one is taken, and of equal pieces the last', () => {
  const reserved = ['\ufffd', '<s>', '</s>', 'x', 'x', 'x'].map((text): [string, number] => [
    text,
    0,
  ]);
  const vocabulary: [string, number][] = [
    ...reserved,
    ...([
      ['\u2581', -1],
      ['a', -1],
      ['b', -1],
      ['ab', -2],
      ['\u2581a', 0],
      ['ba', -2],
    ] as const),
    ...([
      ['c', -3],
      ['c', -4],
    ] as const),
  ].map(([text, score]) => [text, score]);
  const small = new Tokeniser(
    vocabulary.map(([text]) => text),
    vocabulary.map(([, score]) => score),
  );
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c', ' ', 'z'), minLength: 1 });
  fc.assert(
    fc.property(letters, (text) => {
      expect([...small.encode(text)]).toEqual(stockOver(vocabulary).encode(text));
    }),
  );
});

test('a run of unknown characters is one token', () => {
  expect(idsOf('\u{1f600}\u{1f601} a')).toEqual(idsOf('\u{1f600} a'));
  expect(idsOf('\u{1f600}')).toEqual(stock.encode('\u{1f600}'));
});

test('a text of a million characters costs bounded work', () => {
  expect(idsOf(normalise('word '.repeat(200_000))).length).toBeLessThan(16_384);
});
