/** The encoder's suite as a worker: weights are streamed from the static assets, as deployed. */
import { createEncoder } from '@zerostate/discovery';
import wasm from '@zerostate/discovery/use-lite.wasm';
import type { StockAnswer } from '../conformance/encoder/fixtures.ts';
import { runEncoderSuite, sample } from '../conformance/encoder/suite.ts';

interface Env {
  ASSETS: { fetch(url: string): Promise<Response> };
}

interface Order {
  format: 'w8' | 'w4';
  texts: string[];
  stock: StockAnswer[];
}

const ORIGIN = 'https://assets.local/';

export default {
  async fetch(request: Request, { ASSETS }: Env): Promise<Response> {
    const { format, texts, stock }: Order = await request.json();
    const [weights, vocabulary] = await Promise.all([
      ASSETS.fetch(`${ORIGIN}use-lite-${format}.bin`),
      ASSETS.fetch(`${ORIGIN}use-lite-vocabulary.json`),
    ]);
    if (weights.body === null) return new Response('no weights', { status: 404 });
    const answer = await createEncoder({
      wasm,
      weights: weights.body,
      vocabulary: await vocabulary.text(),
    });
    if (!answer.ok) return new Response(answer.detail, { status: 500 });
    const report = await runEncoderSuite(answer.encoder, ...sample(format, texts, stock));
    return Response.json(report);
  },
};
