export {
  CardIndex,
  type CardIndexOptions,
  type RestoreAnswer,
  type SearchAnswer,
} from './card-index.ts';
export { type Embedder, quantise } from './embed/embedder.ts';
export { ngramHash384 } from './embed/ngram-hash.ts';
export { type OpenAiOptions, openAiEmbedder } from './embed/openai.ts';
export { EmbedFailure, type EmbedFailureCode } from './embed/remote.ts';
export type { ByteSource } from './embed/use-lite/byte-stream.ts';
export {
  createEncoder,
  type Encoder,
  type EncoderAnswer,
  type EncoderFaultCode,
  type EncoderSources,
} from './embed/use-lite/encoder.ts';
export { type AiBinding, type WorkersAiOptions, workersAiEmbedder } from './embed/workers-ai.ts';
export { type CardChange, DELTA_MAX, type SemanticVectors } from './index/delta.ts';
export {
  type CardDocument,
  type CardPrice,
  type CardSkill,
  cardTags,
  cardText,
  referencePrice,
} from './index/document.ts';
export type { FacetCounts, PriceBand, ValueCount } from './index/facet-counts.ts';
export type { SnapshotFaultCode } from './index/sections.ts';
export { CHUNK_BYTES } from './index/snapshot.ts';
export { K_MAX, QUERY_TEXT_MAX, SEMANTIC_VECTORS_MAX, SHARD_CARDS_MAX } from './limits.ts';
export {
  BASE_VECTOR_WEIGHT,
  DEFAULT_WEIGHTS,
  type QueryErrorCode,
  type QueryRefusal,
  SEMANTIC_SHARE,
  SEMANTIC_VECTOR_WEIGHT,
  type SearchFilters,
  type SearchQuery,
  type SearchWeights,
  type Signal,
  type Signals,
} from './query.ts';
export type { LeftOutReason } from './rank/filter.ts';
export type { LeftOut, SearchResult } from './rank/rank.ts';
export type { ScoreParts } from './rank/score.ts';
export type { Neighbours, VectorEngine } from './vector/engine.ts';
export { Int8Hnsw, type Int8HnswOptions } from './vector/int8-hnsw/engine.ts';
export { PlainScan } from './vector/plain/scan.ts';
