import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { ENCODER_FOLDER, ensureEncoder } from '../../../scripts/build-encoder.ts';
import { compileKernel } from '../../../scripts/build-encoder-wasm.ts';
import { CHUNK_TOKENS, CHUNKS_MAX } from './chunks.ts';
import { createEncoder, type Encoder, type EncoderSources } from './encoder.ts';
import { DIGEST_SECTION } from './kernel.ts';
import { TEXT_MAX } from './normalise.ts';

const WASM = readFileSync(new URL('../../../wasm/use-lite.wasm', import.meta.url));
const wasm = new WebAssembly.Module(WASM);

const file = (name: string) => new Uint8Array(readFileSync(new URL(name, ENCODER_FOLDER)));
let weights: Uint8Array;
let vocabulary: string;
let encoder: Encoder;

async function made(sources: Partial<EncoderSources>): Promise<Encoder> {
  const answer = await createEncoder({ wasm, weights, vocabulary, ...sources });
  if (!answer.ok) throw new Error(answer.detail);
  return answer.encoder;
}

beforeAll(async () => {
  await ensureEncoder(['w8', 'w4']);
  weights = file('use-lite-w8.bin');
  vocabulary = new TextDecoder().decode(file('use-lite-vocabulary.json'));
  encoder = await made({});
});

function cosine(left: Int8Array, right: Int8Array): number {
  let dot = 0;
  let lefts = 0;
  let rights = 0;
  left.forEach((value, i) => {
    const other = right[i] ?? 0;
    dot += value * other;
    lefts += value * value;
    rights += other * other;
  });
  return dot / Math.sqrt(lefts * rights);
}

describe('what a vector says', () => {
  test('a paraphrase is nearer than another matter, without a word in common', () => {
    const asked = encoder.vector('shrink a photograph');
    const other = encoder.vector('solve a logic puzzle');
    expect(cosine(asked, encoder.vector('make an image smaller'))).toBeGreaterThan(
      cosine(asked, other) + 0.1,
    );
  });

  test('white space and its kind change nothing', () => {
    expect(encoder.vector('a\tred\n\n car ')).toEqual(encoder.vector('a red car'));
  });

  test('vectors are int8 with the largest component at ±127', () => {
    const vector = encoder.vector('weather in Paris');
    expect(vector).toHaveLength(128);
    expect(Math.max(...vector.map(Math.abs))).toBe(127);
  });
});

describe('texts from strangers', () => {
  test('a text of nothing but white space gives zeros, and no chunk', () => {
    for (const text of ['', ' ', '\n\t\u3000']) {
      expect(encoder.vector(text).every((value) => value === 0)).toBe(true);
      expect(encoder.vectors(text)).toEqual([]);
      expect(encoder.sentence(text).every((value) => value === 0)).toBe(true);
    }
  });

  test('one text leaves nothing behind for the next', () => {
    const first = encoder.vector('weather in Paris');
    encoder.vector('x '.repeat(5_000));
    encoder.vector('');
    expect(encoder.vector('weather in Paris')).toEqual(first);
  });

  test('a megabyte costs no more than its beginning', () => {
    const text = 'many words about nothing in particular '.repeat(27_000);
    expect(encoder.vectors(text)).toHaveLength(CHUNKS_MAX);
    expect(encoder.vector(text)).toEqual(encoder.vector(text.slice(0, TEXT_MAX)));
  });

  test('lone surrogates, emoji, combining and right-to-left text have a defined vector', () => {
    for (const text of [
      '\ud800',
      'a\udfff',
      '\u{1f600}',
      'a\u0301\u0301',
      'שלום',
      '\u202eabc',
      '\0',
    ]) {
      expect(Math.max(...encoder.vector(text).map(Math.abs))).toBe(127);
    }
    expect(encoder.vector('\ud800')).toEqual(encoder.vector('\ufffd'));
  });

  test('a long text is read in parts of equal length, a short one at once', () => {
    const short = 'solve the puzzle ';
    const long = short.repeat(100);
    const parts = Math.ceil(encoder.tokens(long).length / CHUNK_TOKENS);
    expect(parts).toBeGreaterThan(1);
    expect(encoder.vectors(long)).toHaveLength(parts);
    expect(encoder.vectors(short)).toEqual([encoder.vector(short)]);
  });
});

describe('files that are not right are refused with the reason', () => {
  const refusal = async (sources: Partial<EncoderSources>) => {
    const answer = await createEncoder({ wasm, weights, vocabulary, ...sources });
    return answer.ok ? 'ok' : answer.code;
  };

  test.each(['w8', 'w4'] as const)('truncated %s weights, wherever they end', async (format) => {
    const whole = file(`use-lite-${format}.bin`);
    for (const length of [0, 10, 83, 84, 5_000, 1_000_000, whole.length - 1]) {
      expect(await refusal({ weights: whole.subarray(0, length) })).toBe('weights-truncated');
    }
  });

  test('weights with one bit changed', async () => {
    for (const at of [100, 3_000_000, weights.length - 1]) {
      const changed = weights.slice();
      changed[at] = (changed[at] ?? 0) ^ 4;
      expect(await refusal({ weights: changed })).toBe('weights-corrupt');
    }
  });

  test('weights with something behind them', async () => {
    expect(await refusal({ weights: Buffer.concat([weights, Buffer.from([0])]) })).toBe(
      'weights-too-long',
    );
  });

  test('something else than weights', async () => {
    expect(await refusal({ weights: WASM.subarray(0, 5_000) })).toBe('weights-unknown');
  });

  test('a stream that breaks off', async () => {
    const broken = async function* () {
      yield weights.subarray(0, 100_000);
      throw new Error('connection lost');
    };
    const answer = await createEncoder({ wasm, weights: broken(), vocabulary });
    expect(answer).toEqual({ ok: false, code: 'weights-unreadable', detail: 'connection lost' });
  });

  test('a vocabulary of another build', async () => {
    expect(await refusal({ vocabulary: vocabulary.replace('the', 'teh') })).toBe(
      'vocabulary-mismatch',
    );
  });

  test('a module that is not the kernel, or that the build did not finish', async () => {
    const other = new WebAssembly.Module(Uint8Array.from([0, 97, 115, 109, 1, 0, 0, 0]));
    await expect(createEncoder({ wasm: other, weights, vocabulary })).rejects.toThrow('use-lite');
    const unfinished = new WebAssembly.Module(WASM.subarray(0, WASM.length - sectionBytes()));
    await expect(createEncoder({ wasm: unfinished, weights, vocabulary })).rejects.toThrow(
      DIGEST_SECTION,
    );
  });
});

/** Id and length of the section, length of its name, the name and the digest. */
function sectionBytes(): number {
  return 3 + DIGEST_SECTION.length + 32;
}

describe('the name of a model', () => {
  test('is the same however the weights come', async () => {
    const pieces = function* () {
      for (let at = 0; at < weights.length; at += 70_001) yield weights.subarray(at, at + 70_001);
    };
    const stream = (type: 'bytes' | undefined) => {
      const source = pieces();
      const pull = (controller: ReadableStreamController<Uint8Array>) => {
        const { done, value } = source.next();
        if (done === true) controller.close();
        else controller.enqueue(value.slice());
        // A reader with a buffer of its own is told of the end apart.
        if (done === true && 'byobRequest' in controller) controller.byobRequest?.respond(0);
      };
      return type === 'bytes'
        ? new ReadableStream<Uint8Array>({ type, pull })
        : new ReadableStream<Uint8Array>({ pull });
    };
    for (const source of [pieces(), stream('bytes'), stream(undefined)]) {
      const streamed = await made({ weights: source });
      expect(streamed.id).toBe(encoder.id);
      expect(streamed.vector('the same')).toEqual(encoder.vector('the same'));
    }
  });

  test('changes with the weights and with the module', async () => {
    const packed = await made({ weights: file('use-lite-w4.bin') });
    const changed = Uint8Array.from(WASM);
    changed[changed.length - 1] = (changed[changed.length - 1] ?? 0) ^ 1;
    const other = await made({ wasm: new WebAssembly.Module(changed) });
    expect(new Set([encoder.id, packed.id, other.id]).size).toBe(3);
    expect(encoder.id).toMatch(/^use-lite-w8-[0-9a-f]{16}$/);
  });

  test('is that of the sources: the module is what they compile to', () => {
    expect(createHash('sha256').update(compileKernel()).digest('hex')).toBe(
      createHash('sha256').update(WASM).digest('hex'),
    );
  });

  test('the module names its own code', () => {
    const code = WASM.subarray(0, WASM.length - sectionBytes());
    const digest = createHash('sha256').update(code).digest();
    expect(WASM.subarray(WASM.length - 32)).toEqual(digest);
  });
});
