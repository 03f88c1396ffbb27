import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { card } from '../card-fixture.ts';
import { CardIndex } from '../card-index.ts';
import { embedNgrams } from './ngram-hash.ts';
import { openAiEmbedder } from './openai.ts';
import { workersAiEmbedder } from './workers-ai.ts';

const DIMS = 384;

interface Asked {
  readonly url: string;
  readonly authorization: string | undefined;
  readonly body: { model: string; input: string[]; dimensions?: number; encoding_format: string };
}

let server: Server | undefined;
let asked: Asked[] = [];

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  asked = [];
});

/** A server that speaks the embeddings API; its model is the n-gram hash in floats. */
async function listen(answer: (input: string[]) => { status: number; body: string }) {
  server = createServer((request, response) => {
    let text = '';
    request.on('data', (part: Buffer) => {
      text += part.toString();
    });
    request.on('end', () => {
      const body = JSON.parse(text) as Asked['body'];
      asked.push({ url: request.url ?? '', authorization: request.headers.authorization, body });
      const { status, body: reply } = answer(body.input);
      response.writeHead(status, { 'content-type': 'application/json' }).end(reply);
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const baseUrl = `http://127.0.0.1:${port}/v1`;
  return openAiEmbedder({ baseUrl, model: 'gram', dims: DIMS, apiKey: 'k', fetch });
}

function honest(input: string[]) {
  const rows = input.map((text, index) => ({
    object: 'embedding',
    index,
    embedding: Array.from(embedNgrams(text), (value) => value / 127),
  }));
  return { status: 200, body: JSON.stringify({ object: 'list', data: rows.reverse() }) };
}

const page = card('markdown', { description: 'renders markdown as html' });
const puzzle = card('sudoku', { description: 'solves sudoku puzzles' });

describe('an OpenAI-compatible endpoint', () => {
  test('gives the vectors of the texts in their order, in batches', async () => {
    const embedder = await listen(honest);
    const texts = Array.from({ length: 150 }, (_, i) => `text number ${i}`);
    expect(await embedder.embed(texts)).toEqual(texts.map(embedNgrams));
    expect(asked.map(({ body }) => body.input.length)).toEqual([64, 64, 22]);
    expect(asked[0]).toMatchObject({
      url: '/v1/embeddings',
      authorization: 'Bearer k',
      body: { model: 'gram', encoding_format: 'float' },
    });
  });

  test('ranks cards like a local model', async () => {
    const index = new CardIndex({ embedder: await listen(honest) });
    await index.upsertAll([page, puzzle]);
    const answer = await index.search({ text: 'sudokus', now: 0 });
    expect(answer.ok && answer.results[0]?.agent).toBe('sudoku');
  });

  test('that fails during a search leaves a ranking by words, and says so', async () => {
    const failing = new Set<string>();
    const embedder = await listen((input) =>
      failing.has('all') ? { status: 500, body: '{}' } : honest(input),
    );
    const index = new CardIndex({ embedder });
    await index.upsertAll([page, puzzle]);
    failing.add('all');
    const answer = await index.search({ text: 'sudoku', now: 0 });
    expect(answer).toMatchObject({
      ok: true,
      degraded: 'words-only',
      results: [{ agent: 'sudoku' }],
    });
    await expect(index.upsert(page)).rejects.toMatchObject({ code: 'refused' });
  });

  test.each([
    ['refused', { status: 429, body: '{}' }],
    ['bad-answer', { status: 200, body: 'not json' }],
    ['bad-answer', { status: 200, body: '{"data": [{"index": 0, "embedding": [1, 2]}]}' }],
    ['bad-answer', { status: 200, body: '{"data": []}' }],
    ['bad-answer', { status: 200, body: '{"data": [{"index": 9, "embedding": [1]}]}' }],
    ['bad-answer', { status: 200, body: '{"data": [null]}' }],
    ['bad-answer', { status: 200, body: `"${'x'.repeat(17 * 1024 * 1024)}"` }],
  ])('that answers wrongly is %s', async (code, reply) => {
    const embedder = await listen(() => reply);
    await expect(embedder.embed(['a'])).rejects.toMatchObject({ code });
  });

  test('that is not there is unreachable', async () => {
    const embedder = await listen(honest);
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve));
    await expect(embedder.embed(['a'])).rejects.toMatchObject({ code: 'unreachable' });
  });

  test('with dims that no engine can hold is a mistake at start', () => {
    const make = () => openAiEmbedder({ baseUrl: 'http://x', model: 'm', dims: 100, fetch });
    expect(make).toThrow(RangeError);
  });
});

describe('Workers AI', () => {
  const floats = (text: string) => Array.from(embedNgrams(text));

  test('gives the vectors of the texts in calls of at most a hundred', async () => {
    const calls: number[] = [];
    const ai = {
      run: async (_model: string, { text }: { text: string[] }) => {
        calls.push(text.length);
        return { shape: [text.length, DIMS], data: text.map(floats) };
      },
    };
    const embedder = workersAiEmbedder({ ai, model: '@cf/x', dims: DIMS });
    const texts = Array.from({ length: 120 }, (_, i) => `text ${i}`);
    expect(await embedder.embed(texts)).toEqual(texts.map(embedNgrams));
    expect(calls).toEqual([100, 20]);
  });

  test('that throws or answers another shape is a named failure', async () => {
    const embedder = (run: () => Promise<unknown>) =>
      workersAiEmbedder({ ai: { run }, model: '@cf/x', dims: DIMS });
    const throwing = embedder(() => Promise.reject(new Error('capacity')));
    await expect(throwing.embed(['a'])).rejects.toMatchObject({ code: 'unreachable' });
    for (const answer of [null, {}, { data: [[1, Number.NaN]] }]) {
      const odd = embedder(() => Promise.resolve(answer));
      await expect(odd.embed(['a'])).rejects.toMatchObject({ code: 'bad-answer' });
    }
  });
});
