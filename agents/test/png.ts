import { crc32, deflateSync, inflateSync } from 'node:zlib';

/** A PNG file taken apart and put together by zlib alone: no code is shared with the agents. */

export interface Image {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue, alpha, 8 bits each, row by row. */
  readonly rgba: Buffer;
}

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

export function pngChunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const chunk = Buffer.alloc(body.length + 8);
  chunk.writeUInt32BE(data.length, 0);
  body.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(body), body.length + 4);
  return chunk;
}

export function pngFile(chunks: readonly Uint8Array[]): Buffer {
  return Buffer.concat([SIGNATURE, ...chunks, pngChunk('IEND', Buffer.alloc(0))]);
}

function readChunks(file: Buffer): Map<string, Buffer> {
  if (!file.subarray(0, 8).equals(SIGNATURE)) throw new Error('no PNG signature');
  const chunks = new Map<string, Buffer>();
  for (let at = 8; at < file.length; ) {
    const length = file.readUInt32BE(at);
    const type = file.toString('latin1', at + 4, at + 8);
    const data = file.subarray(at + 8, at + 8 + length);
    const crc = file.readUInt32BE(at + 8 + length);
    if (crc !== crc32(file.subarray(at + 4, at + 8 + length))) throw new Error(`${type}: CRC`);
    chunks.set(type, Buffer.concat([chunks.get(type) ?? Buffer.alloc(0), data]));
    at += length + 12;
  }
  if (!chunks.has('IEND')) throw new Error('no IEND');
  return chunks;
}

function paeth(a: number, b: number, c: number): number {
  const p = a + b - c;
  const [pa, pb, pc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)];
  if (pa <= pb && pa <= pc) return a;
  return pb <= pc ? b : c;
}

/** Undoes the five filters (PNG, section 9); `step` is the bytes of a pixel, at least 1. */
function unfilter(raw: Buffer, lineBytes: number, height: number, step: number): Buffer {
  if (raw.length !== (lineBytes + 1) * height) throw new Error('wrong amount of pixels');
  const out = Buffer.alloc(lineBytes * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (lineBytes + 1)] ?? 0;
    for (let x = 0; x < lineBytes; x++) {
      const at = y * lineBytes + x;
      const a = x >= step ? (out[at - step] ?? 0) : 0;
      const b = y > 0 ? (out[at - lineBytes] ?? 0) : 0;
      const c = x >= step && y > 0 ? (out[at - lineBytes - step] ?? 0) : 0;
      const guess = [0, a, b, (a + b) >> 1, paeth(a, b, c)][filter];
      if (guess === undefined) throw new Error(`filter ${filter}`);
      out[at] = (raw[y * (lineBytes + 1) + 1 + x] ?? 0) + guess;
    }
  }
  return out;
}

/** Decodes a PNG without interlace: every colour type, 1 to 8 bits. */
export function decodePng(file: Buffer): Image {
  const chunks = readChunks(file);
  const header = chunks.get('IHDR') ?? Buffer.alloc(13);
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const [depth, colour, , , interlace] = header.subarray(8);
  const channels = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }[colour ?? -1];
  if (!channels || !depth || depth > 8 || interlace !== 0) throw new Error('unexpected PNG kind');
  const lineBytes = Math.ceil((width * channels * depth) / 8);
  const raw = inflateSync(chunks.get('IDAT') ?? Buffer.alloc(0));
  const lines = unfilter(raw, lineBytes, height, Math.ceil((channels * depth) / 8));
  const sample = (x: number, y: number, channel: number): number => {
    const bit = (x * channels + channel) * depth;
    const byte = lines[y * lineBytes + (bit >> 3)] ?? 0;
    return (byte >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
  };
  const scale = 255 / ((1 << depth) - 1);
  const palette = chunks.get('PLTE') ?? Buffer.alloc(0);
  const keyed = chunks.get('tRNS');
  const rgba = Buffer.alloc(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const v = Array.from({ length: channels }, (_, channel) => sample(x, y, channel));
      const first = v[0] ?? 0;
      let pixel: (number | undefined)[];
      if (colour === 3) {
        pixel = [...palette.subarray(3 * first, 3 * first + 3), keyed?.[first] ?? 255];
      } else {
        const isKey = keyed && v.every((value, i) => keyed.readUInt16BE(2 * i) === value);
        const level = v.map((value) => value * scale);
        const [a = 0, b = 0, c = 0, d = 255] = level;
        if (colour === 0) pixel = [a, a, a, isKey ? 0 : 255];
        else if (colour === 4) pixel = [a, a, a, b];
        else pixel = [a, b, c, isKey ? 0 : d];
      }
      rgba.set(
        pixel.map((value) => value ?? 0),
        (y * width + x) * 4,
      );
    }
  }
  return { width, height, rgba };
}

/** What a PNG is made of: `samples` are the channels of each pixel in turn, `depth` bits each. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly colour: 0 | 2 | 3 | 4 | 6;
  readonly depth: number;
  readonly interlaced: boolean;
  readonly samples: readonly number[];
  readonly palette?: Uint8Array;
  readonly transparency?: Uint8Array;
}

/** Bits of samples packed into a row, the first in the highest bits (section 7.2). */
function packRow(samples: readonly number[], depth: number): Buffer {
  const row = Buffer.alloc(Math.ceil((samples.length * depth) / 8));
  for (const [i, sample] of samples.entries()) {
    if (depth === 16) row.writeUInt16BE(sample, 2 * i);
    else
      row[(i * depth) >> 3] =
        (row[(i * depth) >> 3] ?? 0) | (sample << (8 - depth - ((i * depth) & 7)));
  }
  return row;
}

/** Rows with their filters: the type of row y is y mod 5, so that all five occur. */
function filterRows(rows: readonly Buffer[], step: number): Buffer {
  const filtered = rows.map((row, y) => {
    const above = rows[y - 1] ?? Buffer.alloc(row.length);
    const bytes = row.map((byte, x) => {
      const a = row[x - step] ?? 0;
      const b = above[x] ?? 0;
      const c = above[x - step] ?? 0;
      return byte - ([0, a, b, (a + b) >> 1, paeth(a, b, c)][y % 5] ?? 0);
    });
    return Buffer.concat([Buffer.from([y % 5]), bytes]);
  });
  return Buffer.concat(filtered);
}

/** First column and row and their steps in the seven passes of Adam7 (section 8.2). */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

export function encodePng(picture: Picture): Buffer {
  const { width, height, colour, depth, samples } = picture;
  const channels = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }[colour];
  const step = Math.ceil((channels * depth) / 8);
  const passes = picture.interlaced ? ADAM7 : ([[0, 0, 1, 1]] as const);
  const data = passes.map(([x0, y0, dx, dy]) => {
    const rows: Buffer[] = [];
    for (let y = y0; y < height && x0 < width; y += dy) {
      const row: number[] = [];
      for (let x = x0; x < width; x += dx) {
        const at = (y * width + x) * channels;
        row.push(...samples.slice(at, at + channels));
      }
      rows.push(packRow(row, depth));
    }
    return filterRows(rows, step);
  });
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, colour, 0, 0, picture.interlaced ? 1 : 0], 8);
  const chunks = [pngChunk('IHDR', header)];
  if (picture.palette) chunks.push(pngChunk('PLTE', picture.palette));
  if (picture.transparency) chunks.push(pngChunk('tRNS', picture.transparency));
  return pngFile([...chunks, pngChunk('IDAT', deflateSync(Buffer.concat(data)))]);
}
