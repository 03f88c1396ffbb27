import type { Encoder } from '@zerostate/discovery';
import { cosine, type StockAnswer, unpackSentence } from './fixtures.ts';

/** What one runtime found; everything but the cosines must be equal to the last bit. */
export interface EncoderReport {
  readonly id: string;
  readonly texts: number;
  /** Texts whose token ids are not the stock ones. */
  readonly otherIds: number;
  readonly cosineMin: number;
  readonly cosineMean: number;
  /** SHA-256 over token ids of all texts, f32 sentences of the fixtures, int8 vectors of the odd. */
  readonly digests: { readonly ids: string; readonly sentences: string; readonly vectors: string };
}

/** Strange on purpose: 100 strings of code points from everywhere, half of a pair among them. */
function oddTexts(count = 100): string[] {
  let state = 2_463_534_242;
  const random = (below: number) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
  const planes = [0x80, 0x250, 0x3000, 0xffff, 0x20000, 0x110000];
  return Array.from({ length: count }, () =>
    Array.from({ length: 1 + random(30) }, () =>
      String.fromCodePoint(random(planes[random(planes.length)] ?? 0x80)),
    ).join(''),
  );
}

/** The parts of a text longer than 128 tokens are read one after the other. */
function longTexts(texts: readonly string[]): string[] {
  const whole = texts.join(' ');
  return [whole.slice(0, 900), whole, '\ud800'.repeat(300), '', ' \n\t'];
}

/** All fixtures for w8; every third for w4, which runs the same code on other weights. */
export function sample(
  format: 'w8' | 'w4',
  texts: readonly string[],
  stock: readonly StockAnswer[],
): [readonly string[], readonly StockAnswer[]] {
  if (format === 'w8') return [texts, stock];
  return [texts.filter((_, i) => i % 3 === 0), stock.filter((_, i) => i % 3 === 0)];
}

/** Runs the encoder over the fixtures and the strange texts on the runtime it is called in. */
export async function runEncoderSuite(
  encoder: Encoder,
  texts: readonly string[],
  stock: readonly StockAnswer[],
): Promise<EncoderReport> {
  const sentences = texts.map((text) => encoder.sentence(text));
  const cosines = sentences.map((sentence, i) =>
    cosine(sentence, unpackSentence(stock[i]?.sentence ?? '')),
  );
  const isOther = (text: string, i: number) => encoder.tokens(text).join() !== stock[i]?.ids.join();
  const odd = [...oddTexts(), ...longTexts(texts)];
  return {
    id: encoder.id,
    texts: texts.length + odd.length,
    otherIds: texts.filter(isOther).length,
    cosineMin: Math.min(...cosines),
    cosineMean: cosines.reduce((sum, value) => sum + value, 0) / cosines.length,
    digests: {
      ids: await digest([...texts, ...odd].map((text) => encoder.tokens(text))),
      sentences: await digest(sentences),
      vectors: await digest(
        odd.flatMap((text) => [encoder.vector(text), ...chunks(encoder, text)]),
      ),
    },
  };
}

/** A text of one chunk has no other vector than its own. */
function chunks(encoder: Encoder, text: string): Int8Array<ArrayBuffer>[] {
  const vectors = encoder.vectors(text);
  return vectors.length > 1 ? vectors : [];
}

async function digest(arrays: readonly ArrayBufferView<ArrayBuffer>[]): Promise<string> {
  const parts = arrays.map(
    ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength),
  );
  const bytes = new Uint8Array(parts.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
