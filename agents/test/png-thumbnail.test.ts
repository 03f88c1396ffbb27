import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runAgent } from './agent-run.ts';
import { decodePng, encodePng, type Image, type Picture, pngChunk, pngFile } from './png.ts';

async function thumbnail(file: Buffer, args: readonly string[] = []): Promise<Image> {
  const run = await runAgent('png-thumbnail', args, file);
  expect(run).toMatchObject({ code: 0, stderr: '' });
  return decodePng(run.stdout);
}

const KINDS = [
  [0, [1, 2, 4, 8, 16]],
  [2, [8, 16]],
  [3, [1, 2, 4, 8]],
  [4, [8, 16]],
  [6, [8, 16]],
] as const;
const kinds = KINDS.flatMap(([colour, depths]) =>
  depths.flatMap((depth) => [false, true].map((interlaced) => ({ colour, depth, interlaced }))),
);

/** Repeatable noise: the upper bits of a linear congruential generator. */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function noisyPicture(
  kind: (typeof kinds)[number],
  width: number,
  height: number,
  seed: number,
): Picture {
  const next = noise(seed);
  const below = (limit: number) => Math.floor(next() * limit);
  const channels = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }[kind.colour];
  const samples = Array.from({ length: width * height * channels }, () => below(2 ** kind.depth));
  const picture: Picture = { width, height, ...kind, samples };
  if (kind.colour === 3) {
    const palette = Buffer.from(Array.from({ length: 3 * 2 ** kind.depth }, () => below(256)));
    return { ...picture, palette, transparency: Buffer.from([0, 128]) };
  }
  if (kind.colour === 4 || kind.colour === 6) return picture;
  /* The first pixel is the one that is transparent. */
  const transparency = Buffer.alloc(2 * channels);
  for (let i = 0; i < channels; i++) transparency.writeUInt16BE(samples[i] ?? 0, 2 * i);
  return { ...picture, transparency };
}

/** The colours of a picture, straight from its samples. */
function coloursOf(picture: Picture): number[][] {
  const { colour, depth, samples, palette, transparency } = picture;
  const channels = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }[colour];
  const level = (sample = 0) => (depth === 16 ? sample >> 8 : (sample * 255) / (2 ** depth - 1));
  const pixels: number[][] = [];
  for (let at = 0; at < samples.length; at += channels) {
    const pixel = samples.slice(at, at + channels);
    const [a = 0] = pixel;
    if (colour === 3) {
      pixels.push([...(palette?.subarray(3 * a, 3 * a + 3) ?? []), transparency?.[a] ?? 255]);
      continue;
    }
    const keyed =
      transparency && pixel.every((v, i) => Buffer.from(transparency).readUInt16BE(2 * i) === v);
    const alpha = colour === 4 || colour === 6 ? level(pixel.at(-1)) : keyed ? 0 : 255;
    const grey = colour === 0 || colour === 4;
    const rgb = grey ? [a, a, a] : pixel.slice(0, 3);
    pixels.push([...rgb.map(level), alpha]);
  }
  return pixels;
}

/** Average over areas by the definition, in floating point. */
function averaged(picture: Picture, width: number, height: number): number[][] {
  const colours = coloursOf(picture);
  const cover = (i: number, from: number, to: number, n: number) =>
    Math.max(0, Math.min(((i + 1) * to) / from, n + 1) - Math.max((i * to) / from, n));
  const result: number[][] = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const sum = [0, 0, 0, 0];
      let area = 0;
      for (const [i, [r = 0, g = 0, b = 0, a = 0]] of colours.entries()) {
        const part =
          cover(i % picture.width, picture.width, width, x) *
          cover(Math.floor(i / picture.width), picture.height, height, y);
        area += part;
        for (const [channel, value] of [r * a, g * a, b * a, a].entries()) {
          sum[channel] = (sum[channel] ?? 0) + value * part;
        }
      }
      const [r = 0, g = 0, b = 0, a = 0] = sum;
      result.push([r, g, b].map((value) => (a > 0 ? value / a : 0)).concat(a / area));
    }
  }
  return result;
}

function expectClose(image: Image, expected: readonly number[][]): void {
  expect(image.rgba.length).toBe(4 * expected.length);
  for (const [i, pixel] of expected.entries()) {
    const found = [...image.rgba.subarray(4 * i, 4 * i + 4)];
    const shown = pixel[3] === 0 ? [3] : [0, 1, 2, 3];
    for (const channel of shown) {
      const off = Math.abs((found[channel] ?? 0) - (pixel[channel] ?? 0));
      expect(off, `pixel ${i}: ${found} for ${pixel}`).toBeLessThan(0.6);
    }
  }
}

describe.each(kinds)('colour type $colour, $depth bits, interlaced: $interlaced', (kind) => {
  test('an image that fits keeps every pixel', async () => {
    for (const [width, height] of [
      [1, 1],
      [3, 2],
      [5, 9],
      [17, 8],
      [33, 19],
    ] as const) {
      const picture = noisyPicture(kind, width, height, width);
      const image = await thumbnail(encodePng(picture));
      expect(image).toMatchObject({ width, height });
      expectClose(image, coloursOf(picture));
    }
  });

  test('a larger one becomes the average over the area of each new pixel', async () => {
    const picture = noisyPicture(kind, 29, 23, 7);
    const image = await thumbnail(encodePng(picture), ['size=8x9']);
    expect(image).toMatchObject({ width: 8, height: 6 });
    expectClose(image, averaged(picture, 8, 6));
  });
});

test('the shape is kept, nothing is enlarged, the smallest side is one pixel', async () => {
  const kind = { colour: 0, depth: 8, interlaced: false } as const;
  const sizes: [number, number, string, number, number][] = [
    [400, 300, 'size=128', 128, 96],
    [300, 400, 'size=128', 96, 128],
    [400, 300, 'size=4096', 400, 300],
    [400, 300, 'size=100x30', 40, 30],
    [500, 2, 'size=100', 100, 1],
    [400, 300, 'size=1x1', 1, 1],
  ];
  for (const [width, height, word, toWidth, toHeight] of sizes) {
    const image = await thumbnail(encodePng(noisyPicture(kind, width, height, 1)), [word]);
    expect(image, word).toMatchObject({ width: toWidth, height: toHeight });
  }
});

describe('what is not a PNG', () => {
  const kind = { colour: 2, depth: 8, interlaced: true } as const;
  const file = encodePng(noisyPicture(kind, 9, 9, 3));

  test('is refused with the reason and no output', async () => {
    const header = (width: number, height: number) => {
      const data = Buffer.alloc(13);
      data.writeUInt32BE(width, 0);
      data.writeUInt32BE(height, 4);
      data.set([8, 2], 8);
      return pngFile([
        pngChunk('IHDR', data),
        pngChunk('IDAT', Buffer.from('789c0300000000010001', 'hex')),
      ]);
    };
    const wrong = [Buffer.alloc(0), Buffer.from('GIF89a'), file.subarray(0, 40), header(0, 5)];
    wrong.push(
      header(65536, 1),
      header(60000, 60000),
      header(0xffffffff, 0xffffffff),
      header(3, 3),
    );
    for (const bytes of wrong) {
      const run = await runAgent('png-thumbnail', [], bytes);
      expect(run.code).toBe(1);
      expect(run.stdout).toHaveLength(0);
      expect(run.stderr).toMatch(/^bad PNG: .+\n$/);
    }
  });

  test('a flipped bit never crashes it, and only bits that do not matter pass', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: file.length * 8 - 1 }), async (bit) => {
        const damaged = Buffer.from(file);
        damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const run = await runAgent('png-thumbnail', [], damaged);
        if (run.code !== 0)
          expect(run).toMatchObject({ code: 1, stderr: expect.stringMatching(/^bad PNG/) });
        else expect(decodePng(run.stdout).rgba).toEqual((await thumbnail(file)).rgba);
      }),
      { numRuns: 300 },
    );
  });

  test('a small file that unpacks to far more than its size says is cut off', async () => {
    const header = Buffer.alloc(13);
    header.writeUInt32BE(10, 0);
    header.writeUInt32BE(10, 4);
    header[8] = 8;
    const zeros = deflateSync(Buffer.alloc(64 << 20));
    const bomb = pngFile([pngChunk('IHDR', header), pngChunk('IDAT', zeros)]);
    const run = await runAgent('png-thumbnail', [], bomb);
    expect(run.code).toBe(1);
    expect(run.pages).toBeLessThan(32);
  });
});

test('words that make no size are bad usage', async () => {
  for (const word of [
    '128',
    'size=',
    'size=0',
    'size=4097',
    'size=1x',
    'size=x1',
    'size=1x2x3',
    'size=-1',
    'size=1.5',
  ]) {
    expect((await runAgent('png-thumbnail', [word], '')).code, word).toBe(2);
  }
});
