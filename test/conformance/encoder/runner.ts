/** Prints the suite's reports of both weight files as one line of JSON; for Node, Bun and Deno. */
import { readFile } from 'node:fs/promises';
import { loadEncoder } from '@zerostate/discovery/encoder/load';
import type { StockAnswer } from './fixtures.ts';
import { type EncoderReport, runEncoderSuite, sample } from './suite.ts';

/** Checked border: the fixtures of this folder. */
async function fixture<T>(name: string): Promise<T> {
  return JSON.parse(await readFile(new URL(`fixtures/${name}`, import.meta.url), 'utf8')) as T;
}

const texts = await fixture<string[]>('texts.json');
const stock = await fixture<StockAnswer[]>('stock.json');
const reports: EncoderReport[] = [];
for (const format of ['w8', 'w4'] as const) {
  const answer = await loadEncoder(format);
  if (!answer.ok) throw new Error(`${answer.code}: ${answer.detail}`);
  reports.push(await runEncoderSuite(answer.encoder, ...sample(format, texts, stock)));
}
console.log(JSON.stringify(reports));
