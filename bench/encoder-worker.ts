/** The encoder as a worker, timed from outside: inside workerd clocks stand still. */
import { createEncoder, type Encoder } from '@zerostate/discovery';
import wasm from '@zerostate/discovery/use-lite.wasm';

interface Env {
  FILES: { fetch(url: string): Promise<Response> };
}

const FILES = 'http://files/';
let loading: Promise<Encoder> | undefined;

async function load({ FILES: files }: Env): Promise<Encoder> {
  const weights = await files.fetch(`${FILES}use-lite-w8.bin`);
  const vocabulary = await files.fetch(`${FILES}use-lite-vocabulary.json`);
  if (weights.body === null) throw new Error('no weights');
  const answer = await createEncoder({
    wasm,
    weights: weights.body,
    vocabulary: await vocabulary.text(),
  });
  if (!answer.ok) throw new Error(answer.detail);
  return answer.encoder;
}

// biome-ignore lint/style/noDefaultExport: the platform wants it so
export default {
  /** `GET` does nothing; `POST` loads what is not loaded and embeds the text, `?times=N` times. */
  async fetch(request: Request, env: Env): Promise<Response> {
    if (request.method === 'GET') return new Response();
    const text = await request.text();
    loading ??= load(env);
    const encoder = await loading;
    const times = Number(new URL(request.url).searchParams.get('times') ?? 1);
    for (let i = 0; i < times; i++) encoder.vector(text);
    return Response.json(encoder.memoryBytes);
  },
};
