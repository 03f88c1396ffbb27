/** Times the encoder in the runtime it is started in and prints one JSON object: see encoder.ts. */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { loadEncoder } from '@zerostate/discovery/encoder/load';
import type { Probed } from './encoder-runtimes.ts';
import { timedTexts } from './encoder-texts.ts';

const QUERIES = 204;
const CARDS = 60;
const WARM_UP = 30;

const texts = timedTexts(QUERIES, CARDS);
const before = process.memoryUsage().rss;
const begin = performance.now();
const answer = await loadEncoder('w8');
if (!answer.ok) throw new Error(answer.detail);
const { encoder } = answer;
encoder.vector('first');
const coldMs = performance.now() - begin;
for (const text of texts.queries.slice(0, WARM_UP)) encoder.vector(text);
const cpuBefore = cpuMs();
const queryMs = texts.queries.map(timed);
const cpuAfter = cpuMs();
const probed: Probed = {
  coldMs,
  queryMs,
  queryCpuMs: (cpuAfter - cpuBefore) / QUERIES,
  cardMs: texts.cards.map(timed),
  rssMib: (process.memoryUsage().rss - before) / 2 ** 20,
  wasmMib: encoder.memoryBytes / 2 ** 20,
};
console.log(JSON.stringify(probed));

function timed(text: string): number {
  const start = performance.now();
  encoder.vector(text);
  return performance.now() - start;
}

/** CPU time of this process; the kernel counts in hundredths of a second. */
function cpuMs(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ') ?? [];
  return 10 * (Number(fields[11]) + Number(fields[12]));
}
