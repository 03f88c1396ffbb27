import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { embedNgrams, ngramHash384 } from './ngram-hash.ts';

const hex = (vector: Int8Array) => Buffer.from(vector).toString('hex');
const digest = (text: string) => createHash('sha256').update(embedNgrams(text)).digest('hex');

function cosine(a: Int8Array, b: Int8Array): number {
  let [dot, aa, bb] = [0, 0, 0];
  a.forEach((value, i) => {
    const other = b[i] ?? 0;
    dot += value * other;
    aa += value * value;
    bb += other * other;
  });
  return dot / Math.sqrt(aa * bb);
}

test('a vector computed on another runtime or release has the same bytes', () => {
  const fixtures = ['markdown', 'Render Markdown as HTML', 'übergröße 東京 a'].map(digest);
  expect(fixtures).toMatchInlineSnapshot(`
    [
      "31cff2d6f23a1700a614ddf4cfbf10cb414c8941691a4d5127b8054750011125",
      "2f6ac822ccfd38650ceabbcdc676b3355ae33917007561b41625062e07544f36",
      "72ff3f261910fd9b7a9cde1bd9c7ad8a63350c91f83e636d277211d473464e43",
    ]
  `);
  expect(digest('the cat and the other cat '.repeat(200))).toMatchInlineSnapshot(
    `"bab0d86630a840bca390aef2dc1e81912380d8c826b9baebc0353da70a567c55"`,
  );
});

test('words with a common stem are near, unrelated ones are not', () => {
  const render = embedNgrams('render markdown');
  expect(cosine(render, embedNgrams('rendering markdowns'))).toBeGreaterThan(0.6);
  expect(Math.abs(cosine(render, embedNgrams('sudoku puzzle')))).toBeLessThan(0.25);
});

test('a text without words gives zeros, not noise', async () => {
  const texts = ['', '   \n\t', '!?…—', '\u0000\u0007\u001b', '🎉🎉', '\ud800 \udfff'];
  const vectors = await ngramHash384.embed(texts);
  for (const vector of vectors) expect(hex(vector)).toBe('00'.repeat(384));
});

test('a megabyte costs no more than the part that is indexed', () => {
  const huge = 'lorem ipsum '.repeat(90_000);
  expect(hex(embedNgrams(huge))).toBe(hex(embedNgrams(huge.slice(0, 16_384))));
  const one = 'a'.repeat(1_000_000);
  expect(hex(embedNgrams(one))).toBe(hex(embedNgrams('a'.repeat(48))));
});

test('a lone surrogate neither throws nor changes the words beside it', () => {
  expect(hex(embedNgrams('sort \ud83d list'))).toBe(hex(embedNgrams('sort list')));
});
