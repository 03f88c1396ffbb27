/**
 * Fits the projection of 512 to 128 components: the strongest directions of sentences that explain
 * what words mean, uncentred, so that a cosine between projected vectors stays near that between
 * the whole ones. Needed only to make `encoder/projection.bin` anew; a new one is a new model.
 *
 *     apt-get download wordnet-base && dpkg-deb -x wordnet-base_*.deb wordnet
 *     node packages/discovery/scripts/fit-projection.ts wordnet/usr/share/wordnet
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createEncoder, type Encoder } from '../src/embed/use-lite/encoder.ts';
import { PROJECTION } from '../src/embed/use-lite/image.ts';
import { principalDirections } from './encoder/principal.ts';
import { PROJECTION_FILE } from './encoder/projection.ts';
import { toEight } from './encoder/quantise.ts';
import { readStockModel } from './encoder/stock-model.ts';
import { vocabularyText, weightFile } from './encoder/weight-file.ts';

const PARTS = ['noun', 'verb', 'adj', 'adv'];
/** Of each file every fifth entry: 23 500 texts settle 128 directions. */
const EVERY = 5;
const SIZE = PROJECTION.columns;

/** The first word of each entry and its explanation; lines of the licence begin with a space. */
function explanations(folder: string): string[] {
  return PARTS.flatMap((part) => {
    const lines = readFileSync(join(folder, `data.${part}`), 'utf8').split('\n');
    const entries = lines.filter((line) => line !== '' && !line.startsWith(' '));
    return entries
      .filter((_, i) => i % EVERY === 0)
      .map((entry) => {
        const [figures = '', gloss = ''] = entry.split(' | ');
        const word = (figures.split(' ')[4] ?? '').replaceAll('_', ' ');
        return `${word}: ${gloss.trim()}`;
      });
  });
}

/** The encoder before there is a projection. */
async function unprojected(): Promise<Encoder> {
  const model = readStockModel();
  const none = new Uint8Array(PROJECTION.rows * (PROJECTION.columns + 4));
  const module = readFileSync(new URL('../wasm/use-lite.wasm', import.meta.url));
  const answer = await createEncoder({
    wasm: await WebAssembly.compile(module),
    weights: await weightFile(model, 'w8', none),
    vocabulary: vocabularyText(model),
  });
  if (!answer.ok) throw new Error(answer.detail);
  return answer.encoder;
}

function secondMoments(encoder: Encoder, texts: readonly string[]): Float64Array {
  const moments = new Float64Array(SIZE * SIZE);
  texts.forEach((text, done) => {
    const sentence = encoder.sentence(text);
    for (let i = 0; i < SIZE; i++) {
      const value = sentence[i] ?? 0;
      for (let j = 0; j < SIZE; j++) {
        moments[i * SIZE + j] = (moments[i * SIZE + j] ?? 0) + value * (sentence[j] ?? 0);
      }
    }
    if (done % 1000 === 0) console.error(`${done} of ${texts.length}`);
  });
  return moments.map((value) => value / texts.length);
}

async function main(folder: string | undefined): Promise<void> {
  if (folder === undefined) throw new Error('usage: fit-projection.ts FOLDER_OF_WORDNET');
  const moments = secondMoments(await unprojected(), explanations(folder));
  const { directions, share } = principalDirections(moments, SIZE, PROJECTION.rows);
  const values = Float32Array.from(directions.flatMap((direction) => [...direction]));
  const { weights, scales } = toEight({ ...PROJECTION, values });
  writeFileSync(PROJECTION_FILE, Buffer.concat([weights, new Uint8Array(scales.buffer)]));
  console.error(`128 directions keep ${share.toFixed(4)} of the squares`);
}

await main(process.argv[2]);
