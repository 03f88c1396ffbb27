/**
 * The weight image: what lies in wasm memory from `imageAddress` on until `start`, byte for byte,
 * and the order of the sections in a weight file. `assembly/use-lite/memory.ts` states the same
 * layout; the loader compares the two lengths. `start` reorders the matrices in place.
 *
 * A weight file is a header and the sections. In a w8 file every section stands as in memory. In a
 * w4 file the matrices and the embedding are packed: groups of 32 weights in 17 bytes, 16 of
 * nibbles (weight + 8, the first in the low half) and the group's multiplier. A weight is
 * nibble × multiplier, exactly an int8, so one kernel runs both.
 */

/** Rows of the embedding, 256 columns each; the vocabulary has 8 000, two are never used. */
export const EMBEDDING_ROWS = 8_002;
export const EMBEDDING_COLUMNS = 256;
/** Scales of the embedding's rows, padded so that what follows is aligned to 64 bytes. */
const SCALES = 8_016;

/**
 * Output and input channels of the matrices, in the order they are used. The residual's weights
 * are the sum of two matrices: alone it would cost more accuracy than all others together.
 */
export const MATRICES = [
  { name: 'layer0.qkv', rows: 768, columns: 256 },
  { name: 'layer0.attention', rows: 512, columns: 256 },
  { name: 'layer0.residual', rows: 512, columns: 256 },
  { name: 'layer0.residualRest', rows: 512, columns: 256 },
  { name: 'layer0.expand', rows: 1536, columns: 512 },
  { name: 'layer0.contract', rows: 512, columns: 1536 },
  { name: 'layer1.qkv', rows: 1536, columns: 512 },
  { name: 'layer1.attention', rows: 512, columns: 512 },
  { name: 'layer1.expand', rows: 1536, columns: 512 },
  { name: 'layer1.contract', rows: 512, columns: 1536 },
  { name: 'output', rows: 512, columns: 512 },
] as const;

export type MatrixName = (typeof MATRICES)[number]['name'];

/** 512 → 128 directions (see `projection.bin`); never packed. */
export const PROJECTION = { rows: 128, columns: 512 } as const;

/** Gain and bias of the four layer norms: two of 256, six of 512. */
const NORM_BYTES = 4 * (2 * 256 + 6 * 512);
const ROTATION_BYTES = 8 * 256;

export interface Section {
  readonly bytes: number;
  /** Int8 weights, which a w4 file packs. */
  readonly weights: boolean;
}

/** All sections in order: rotations, norms, embedding scales, matrices, projection, embedding. */
export const SECTIONS: readonly Section[] = [
  { bytes: ROTATION_BYTES + NORM_BYTES + 4 * SCALES, weights: false },
  ...MATRICES.flatMap(({ rows, columns }) => [
    { bytes: rows * columns, weights: true },
    { bytes: 8 * rows, weights: false },
  ]),
  { bytes: PROJECTION.rows * PROJECTION.columns + 8 * PROJECTION.rows, weights: false },
  { bytes: EMBEDDING_ROWS * EMBEDDING_COLUMNS, weights: true },
];

export const IMAGE_BYTES = SECTIONS.reduce((total, { bytes }) => total + bytes, 0);

export const GROUP_WEIGHTS = 32;
export const GROUP_BYTES = 17;

export type WeightFormat = 'w8' | 'w4';

/** Bytes of all sections of a file. */
export function payloadBytes(format: WeightFormat): number {
  const stored = ({ bytes, weights }: Section) =>
    weights && format === 'w4' ? (bytes / GROUP_WEIGHTS) * GROUP_BYTES : bytes;
  return SECTIONS.reduce((total, section) => total + stored(section), 0);
}

/** Bytes of the image that are hashed at once: no second copy of the weights is ever needed. */
const BLOCK_BYTES = 1 << 20;

/** SHA-256 of the SHA-256 digests of the image's blocks of 1 MiB. */
export async function imageDigest(image: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const blocks = Math.ceil(image.length / BLOCK_BYTES);
  const digests = new Uint8Array(32 * blocks);
  for (let i = 0; i < blocks; i++) {
    const block = image.subarray(i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES);
    digests.set(await sha256(block), 32 * i);
  }
  return sha256(digests);
}

export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
}

const MAGIC = 'zs-use-lite\u0001';
/** Magic, format (u32: 8 or 4), payload bytes (u32), digests of the image and the vocabulary. */
export const HEADER_BYTES = MAGIC.length + 8 + 32 + 32;

export interface Header {
  readonly format: WeightFormat;
  readonly payload: number;
  /** `imageDigest` of the image after unpacking. */
  readonly image: Uint8Array;
  /** SHA-256 of the vocabulary's text that belongs to these weights. */
  readonly vocabulary: Uint8Array;
}

export function writeHeader(header: Header): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_BYTES);
  bytes.set(new TextEncoder().encode(MAGIC));
  const view = new DataView(bytes.buffer);
  view.setUint32(MAGIC.length, header.format === 'w8' ? 8 : 4, true);
  view.setUint32(MAGIC.length + 4, header.payload, true);
  bytes.set(header.image, MAGIC.length + 8);
  bytes.set(header.vocabulary, MAGIC.length + 40);
  return bytes;
}

/** The header, or undefined when these bytes do not begin a weight file of this version. */
export function readHeader(bytes: Uint8Array): Header | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = String.fromCharCode(...bytes.subarray(0, MAGIC.length));
  const bits = view.getUint32(MAGIC.length, true);
  const payload = view.getUint32(MAGIC.length + 4, true);
  if (magic !== MAGIC || (bits !== 8 && bits !== 4)) return undefined;
  const format = bits === 8 ? 'w8' : 'w4';
  if (payload !== payloadBytes(format)) return undefined;
  const image = bytes.slice(MAGIC.length + 8, MAGIC.length + 40);
  const vocabulary = bytes.slice(MAGIC.length + 40, HEADER_BYTES);
  return { format, payload, image, vocabulary };
}
