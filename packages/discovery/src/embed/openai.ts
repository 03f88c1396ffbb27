import type { Embedder } from './embedder.ts';
import { checkDims, EmbedFailure, inParts, vectorsOf } from './remote.ts';

export interface OpenAiOptions {
  /** Up to and including the version, for example `http://localhost:11434/v1`. */
  readonly baseUrl: string;
  readonly model: string;
  /** What the model answers with; a multiple of 16. */
  readonly dims: number;
  /** Sent as a bearer token; a local server may need none. */
  readonly apiKey?: string;
  /** Ask the model to shorten its vectors to `dims`, where it can. */
  readonly shorten?: boolean;
  /** Milliseconds a request may take; 10 000 by default. */
  readonly timeoutMs?: number;
  readonly fetch: typeof fetch;
}

/** Texts of one request, and bytes of one answer: 64 vectors of 4 096 numbers fit well. */
const TEXTS_MAX = 64;
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;
const TIMEOUT_MS_DEFAULT = 10_000;

/** Embeds at any endpoint that speaks `POST /embeddings` as OpenAI's API defines it. */
export function openAiEmbedder(options: OpenAiOptions): Embedder {
  const { model, dims } = options;
  return {
    id: `openai:${model}:${dims}`,
    dims: checkDims(dims),
    embed: (texts) =>
      inParts(texts, TEXTS_MAX, async (part) => {
        const response = await post(options, part);
        return vectorsOf(inOrder(parse(await readBounded(response))), part.length, dims);
      }),
  };
}

async function post(options: OpenAiOptions, texts: readonly string[]): Promise<Response> {
  const { baseUrl, model, dims, apiKey, shorten, timeoutMs = TIMEOUT_MS_DEFAULT } = options;
  const body = {
    model,
    // The API refuses empty strings; a space is the same nothing.
    input: texts.map((text) => text || ' '),
    encoding_format: 'float',
    ...(shorten === true ? { dimensions: dims } : {}),
  };
  const { fetch } = options;
  const response = await fetch(`${baseUrl.replace(/\/+$/, '')}/embeddings`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
    },
    body: JSON.stringify(body),
    redirect: 'manual',
    signal: AbortSignal.timeout(timeoutMs),
  }).catch((cause: unknown) => {
    throw new EmbedFailure('unreachable', `no answer from ${baseUrl}`, { cause });
  });
  if (response.ok) return response;
  await response.body?.cancel();
  throw new EmbedFailure('refused', `${baseUrl} answered ${response.status}`);
}

/** The body as text; one that is longer than any honest answer is not read to its end. */
async function readBounded(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  while (reader !== undefined) {
    const { done, value } = await reader.read().catch((cause: unknown) => {
      throw new EmbedFailure('unreachable', 'the answer broke off', { cause });
    });
    if (done) break;
    bytes += value.length;
    if (bytes > ANSWER_BYTES_MAX) {
      await reader.cancel();
      throw new EmbedFailure('bad-answer', 'the answer is too long');
    }
    text += decoder.decode(value, { stream: true });
  }
  return text + decoder.decode();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new EmbedFailure('bad-answer', 'the answer is not JSON', { cause });
  }
}

/** The vectors by their `index`: servers may answer out of order. */
function inOrder(answer: unknown): unknown[] | undefined {
  const data =
    typeof answer === 'object' && answer !== null && 'data' in answer ? answer.data : undefined;
  if (!Array.isArray(data)) return undefined;
  const rows = Array.from({ length: data.length }, (): unknown => undefined);
  for (const item of data as unknown[]) {
    if (typeof item !== 'object' || item === null) continue;
    const { index, embedding } = item as { index?: unknown; embedding?: unknown };
    if (typeof index === 'number' && index >= 0 && index < rows.length) rows[index] = embedding;
  }
  return rows;
}
