/**
 * Where everything lies. The weight image is filled by the host, in the order that
 * `src/embed/use-lite/image.ts` states too; the rest is work space for one chunk of tokens.
 * Addresses are constants: the build gives the module all its memory at once and it never grows.
 */

/** Tokens of one chunk: what the model was trained on, and where its stock graph clips. */
export const TOKENS_MAX: usize = 128;
/** Width of the embedding, of the stream after layer 0, and of the feed-forward layers. */
export const NARROW: usize = 256;
export const WIDE: usize = 512;
export const HIDDEN: usize = 1536;
/** Components of the vector that leaves: the projection's rows. */
export const DIMS: usize = 128;
const EMBEDDING_ROWS: usize = 8002;
const EMBEDDING_SCALES: usize = 8016;

/** A matrix is int8 [rows][columns] (`interleave.ts`), then an f32 scale and an f32 bias a row. */
@inline
function matrixBytes(rows: usize, columns: usize): usize {
  return rows * columns + rows * 8;
}

/** The build leaves the first 4 KiB to what the compiler places itself. */
export const IMAGE: usize = 4096;
/** f64: sines, then cosines, of the 128 angles by which positions turn. */
export const ROTATIONS: usize = IMAGE;
/** f32 gain and bias of each norm: before attention and before feed-forward of both layers. */
export const NORM_0A: usize = ROTATIONS + 8 * 256;
export const NORM_0B: usize = NORM_0A + 4 * 2 * NARROW;
export const NORM_1A: usize = NORM_0B + 4 * 2 * WIDE;
export const NORM_1B: usize = NORM_1A + 4 * 2 * WIDE;
export const EMBEDDING_SCALE: usize = NORM_1B + 4 * 2 * WIDE;
export const QKV_0: usize = EMBEDDING_SCALE + 4 * EMBEDDING_SCALES;
export const ATTENTION_0: usize = QKV_0 + matrixBytes(3 * NARROW, NARROW);
export const RESIDUAL_0: usize = ATTENTION_0 + matrixBytes(WIDE, NARROW);
export const RESIDUAL_REST_0: usize = RESIDUAL_0 + matrixBytes(WIDE, NARROW);
export const EXPAND_0: usize = RESIDUAL_REST_0 + matrixBytes(WIDE, NARROW);
export const CONTRACT_0: usize = EXPAND_0 + matrixBytes(HIDDEN, WIDE);
export const QKV_1: usize = CONTRACT_0 + matrixBytes(WIDE, HIDDEN);
export const ATTENTION_1: usize = QKV_1 + matrixBytes(3 * WIDE, WIDE);
export const EXPAND_1: usize = ATTENTION_1 + matrixBytes(WIDE, WIDE);
export const CONTRACT_1: usize = EXPAND_1 + matrixBytes(HIDDEN, WIDE);
export const OUTPUT: usize = CONTRACT_1 + matrixBytes(WIDE, HIDDEN);
export const PROJECTION: usize = OUTPUT + matrixBytes(WIDE, WIDE);
export const EMBEDDING: usize = PROJECTION + matrixBytes(DIMS, WIDE);
export const IMAGE_END: usize = EMBEDDING + EMBEDDING_ROWS * NARROW;

const WORK: usize = (IMAGE_END + 63) & ~63;
/** f32 [tokens][256]: what is added to a token for its position. */
export const TIMING: usize = WORK;
/** f32 [tokens][512], twice. */
export const STREAM: usize = TIMING + TOKENS_MAX * NARROW * 4;
export const BRANCH: usize = STREAM + TOKENS_MAX * WIDE * 4;
/** f32 [tokens][1536], twice: queries, keys and values; hidden units and attention's output. */
export const HEADS: usize = BRANCH + TOKENS_MAX * WIDE * 4;
export const UNITS: usize = HEADS + TOKENS_MAX * HIDDEN * 4;
/** int16 [tokens][1536], the first columns used, and f32 scale a token: a matrix's input. */
export const QUANTISED: usize = UNITS + TOKENS_MAX * HIDDEN * 4;
export const QUANTISED_SCALE: usize = QUANTISED + TOKENS_MAX * HIDDEN * 2;
/** f32 [tokens]: one row of attention. */
export const SCORES: usize = QUANTISED_SCALE + TOKENS_MAX * 4;
/** f32 [1536] and f32 [512]: the mean over tokens, and the sum over chunks. */
export const POOLED: usize = SCORES + TOKENS_MAX * 4;
export const SUM: usize = POOLED + HIDDEN * 4;
/** i32 [tokens] in; f32 [512] and int8 [128] out. */
export const IDS: usize = SUM + WIDE * 4;
export const SENTENCE: usize = IDS + TOKENS_MAX * 4;
export const VECTOR: usize = SENTENCE + WIDE * 4;
export const END: usize = VECTOR + DIMS;

/** Packed weights pass through here on their way into the image. */
export const STAGING: usize = UNITS;
export const STAGING_BYTES: usize = TOKENS_MAX * HIDDEN * 4;
