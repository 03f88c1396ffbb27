/** Reads a request's body within a limit, whatever its headers claim. */
import { err, fromUtf8, type Json, ok, parseJson, type Result } from '@zerostate/shared';
import type { ProblemCode } from './problem.ts';

/** JSON requests nest no deeper than an agent card inside its request. */
const REQUEST_DEPTH_MAX = 24;

type BodyCode = Extract<ProblemCode, 'body-too-large' | 'body-incomplete'>;

/**
 * The body's bytes, at most `bytesMax`. A length that lies is refused: too large before anything is
 * read, too small when the bytes do not match; without a length the stream is cut at the limit.
 */
export async function readBody(
  request: Request,
  contentLength: string | undefined,
  bytesMax: number,
): Promise<Result<Uint8Array<ArrayBuffer>, BodyCode>> {
  if (contentLength === undefined) return readStream(request.body, bytesMax);
  const announced = /^[0-9]{1,15}$/.test(contentLength) ? Number(contentLength) : Number.NaN;
  if (Number.isNaN(announced)) return err('body-incomplete', 'content-length is not a number');
  if (announced > bytesMax) return err('body-too-large', `at most ${bytesMax} bytes`);
  try {
    // The HTTP parser of every runtime cuts the body at its announced length: this is bounded.
    const bytes = new Uint8Array(await request.arrayBuffer());
    if (bytes.length > bytesMax) return err('body-too-large', `at most ${bytesMax} bytes`);
    if (bytes.length !== announced) return err('body-incomplete', `${bytes.length} bytes came`);
    return ok(bytes);
  } catch {
    return err('body-incomplete');
  }
}

async function readStream(
  stream: ReadableStream<Uint8Array> | null,
  bytesMax: number,
): Promise<Result<Uint8Array<ArrayBuffer>, BodyCode>> {
  if (stream === null) return ok(new Uint8Array());
  const reader = stream.getReader();
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.length;
      if (length > bytesMax) {
        // Not awaited: a peer that goes on sending must not hold the answer back.
        reader.cancel().catch(() => undefined);
        return err('body-too-large', `at most ${bytesMax} bytes`);
      }
      pieces.push(value);
    }
  } catch {
    return err('body-incomplete');
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return ok(bytes);
}

/** JSON without duplicate members, `__proto__`, lone surrogates or bottomless nesting. */
export function readJson(bytes: Uint8Array) {
  const text = fromUtf8(bytes);
  if (!text.ok) return err('utf8-invalid');
  const value: Result<Json, ProblemCode> = parseJson(text.value, REQUEST_DEPTH_MAX);
  return value;
}

/** Whether a content type names JSON, with or without a charset. */
export function isJsonType(contentType: string | undefined): boolean {
  if (contentType === undefined) return false;
  const [type = '', ...parameters] = contentType.toLowerCase().split(';');
  if (type.trim() !== 'application/json') return false;
  return parameters.every((parameter) => {
    const [name = '', value = ''] = parameter.trim().split('=');
    return name !== 'charset' || value.replaceAll('"', '') === 'utf-8';
  });
}
