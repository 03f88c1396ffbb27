/** A weight file from the stock model: header, then the sections of the image in their order. */
import {
  EMBEDDING_COLUMNS,
  EMBEDDING_ROWS,
  type Header,
  IMAGE_BYTES,
  imageDigest,
  MATRICES,
  PROJECTION,
  payloadBytes,
  SECTIONS,
  sha256,
  type WeightFormat,
  writeHeader,
} from '../../src/embed/use-lite/image.ts';
import { type Matrix, type Quantised, rest, toEight, toFour, transposed } from './quantise.ts';
import type { StockModel } from './stock-model.ts';
import { unpacked } from './unpacked.ts';

/** Every [piece, score] in the order of the ids; a piece without a score counts 0, as in the stock. */
export function vocabularyText({ vocabulary }: StockModel): string {
  const pieces = vocabulary.map(([piece]) => piece);
  const scores = vocabulary.map(([, score]) => score ?? 0);
  return `${JSON.stringify([pieces, scores])}\n`;
}

/** `projection` is the file `projection.bin`: int8 [128][512], then an f32 scale a row. */
export async function weightFile(
  model: StockModel,
  format: WeightFormat,
  projection: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts = sectionsOf(model, format === 'w8' ? toEight : toFour, projection);
  const payload = concatenated(parts);
  if (payload.length !== payloadBytes(format))
    throw new Error(`${format}: ${payload.length} bytes`);
  const vocabulary = new TextEncoder().encode(vocabularyText(model));
  const header: Header = {
    format,
    payload: payload.length,
    image: await imageDigest(format === 'w8' ? payload : imageOf(parts)),
    vocabulary: await sha256(vocabulary),
  };
  return concatenated([writeHeader(header), payload]);
}

/** Bytes of each of SECTIONS, packed or not. */
function sectionsOf(
  model: StockModel,
  quantise: (matrix: Matrix) => Quantised,
  projection: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer>[] {
  const rows = EMBEDDING_ROWS;
  const columns = EMBEDDING_COLUMNS;
  const embedding = quantise({ rows, columns, values: model.embedding });
  const scales = new Float32Array(Math.ceil(rows / 16) * 16);
  scales.set(embedding.scales);
  const head = [rotations(model.angles), ...model.norms.map(bytesOf), bytesOf(scales)];
  const matrices = MATRICES.flatMap(({ name, rows, columns }) => {
    const isRest = name === 'layer0.residualRest';
    const { weights, bias } = model.matrix(isRest ? 'layer0.residual' : name);
    const whole = transposed(weights, rows, columns);
    const matrix = quantise(isRest ? rest(whole, quantise(whole)) : whole);
    const biases = isRest ? new Float32Array(rows) : bias;
    return [matrix.weights, concatenated([bytesOf(matrix.scales), bytesOf(biases)])];
  });
  const noBias = new Uint8Array(4 * PROJECTION.rows);
  return [concatenated(head), ...matrices, concatenated([projection, noBias]), embedding.weights];
}

/** What the kernel's memory will hold of a packed file. */
function imageOf(parts: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const image = concatenated(
    parts.map((part, i) => (SECTIONS[i]?.weights === true ? unpacked(part) : part)),
  );
  if (image.length !== IMAGE_BYTES) throw new Error(`image of ${image.length} bytes`);
  return image;
}

/** f64 sines, then cosines. */
function rotations(angles: Float32Array): Uint8Array<ArrayBuffer> {
  const values = new Float64Array(2 * angles.length);
  angles.forEach((angle, i) => {
    values[i] = series(angle, 1);
    values[angles.length + i] = series(angle, 0);
  });
  return bytesOf(values);
}

/**
 * Sine (from power 1) or cosine (from power 0) of 0 ≤ x ≤ 1 by Taylor's series: `Math.sin` may
 * differ in its last bit between engines, and then the file's digest would too.
 */
function series(x: number, firstPower: 0 | 1): number {
  let term = firstPower === 1 ? x : 1;
  let sum = term;
  for (let power = firstPower + 2; power < 24; power += 2) {
    term = (-term * x * x) / (power * (power - 1));
    sum += term;
  }
  return sum;
}

function bytesOf(values: Float32Array | Float64Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(values.byteLength);
  bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return bytes;
}

function concatenated(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
