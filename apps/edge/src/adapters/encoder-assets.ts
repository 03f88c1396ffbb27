import { createEncoder, type EncoderAnswer } from '@zerostate/discovery';

/** The static assets of a worker. */
export type Assets = { fetch(url: string): Promise<Response> };

/** The build copies the encoder's files there; the host is not looked at. */
const FOLDER = 'https://assets.local/encoder/';

/** The sentence encoder, its weights streamed from the assets into the module's memory. */
export async function loadAssetEncoder(
  assets: Assets,
  wasm: WebAssembly.Module,
): Promise<EncoderAnswer> {
  const vocabulary = await assets.fetch(`${FOLDER}use-lite-vocabulary.json`);
  if (!vocabulary.ok) return missing(vocabulary);
  const weights = await assets.fetch(`${FOLDER}use-lite-w8.bin`);
  if (!weights.ok || weights.body === null) return missing(weights);
  return createEncoder({ wasm, weights: weights.body, vocabulary: await vocabulary.text() });
}

function missing({ status }: Response): EncoderAnswer {
  return { ok: false, code: 'weights-unreadable', detail: `assets answered ${status}` };
}
