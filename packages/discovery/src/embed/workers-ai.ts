import type { Embedder } from './embedder.ts';
import { checkDims, EmbedFailure, inParts, vectorsOf } from './remote.ts';

/** The part of the Workers AI binding (`env.AI`) that embeds texts. */
export interface AiBinding {
  run(model: string, input: { text: string[] }): Promise<unknown>;
}

export interface WorkersAiOptions {
  readonly ai: AiBinding;
  /** For example `@cf/baai/bge-small-en-v1.5`. */
  readonly model: string;
  /** What the model answers with; a multiple of 16. */
  readonly dims: number;
}

/** Texts of one call; the models take at most 100. */
const TEXTS_MAX = 100;

/** Embeds with a model of Workers AI, inside workerd. */
export function workersAiEmbedder({ ai, model, dims }: WorkersAiOptions): Embedder {
  return {
    id: `workers-ai:${model}:${dims}`,
    dims: checkDims(dims),
    embed: (texts) =>
      inParts(texts, TEXTS_MAX, async (part) => {
        const answer = await run(ai, model, part);
        const data = typeof answer === 'object' && answer !== null && 'data' in answer;
        return vectorsOf(data ? answer.data : undefined, part.length, dims);
      }),
  };
}

async function run(ai: AiBinding, model: string, texts: readonly string[]): Promise<unknown> {
  try {
    // The models refuse an empty string; a space is the same nothing.
    return await ai.run(model, { text: texts.map((text) => text || ' ') });
  } catch (cause) {
    throw new EmbedFailure('unreachable', `Workers AI did not run ${model}`, { cause });
  }
}
