/**
 * Universal Sentence Encoder lite, forward only: a transformer of two pre-norm layers over at most
 * 128 tokens, a mean over the tokens, a dense layer with tanh. 6 975 872 parameters.
 *
 *   token          2 · E[id] + timing(position)                    [n][256]
 *   layer 0        h = attention(norm(x)) + (residual · x + bias)  [n][512]   4 heads of 64
 *                  x = h + contract(relu(expand(norm(h))))         512 → 1 536 → 512
 *   layer 1        the same, 4 heads of 128, x itself as residual
 *   mean           over the n tokens                               [512]
 *   output         unit(tanh(output · mean + bias))                [512]
 *   projection     512 → 128, then int8
 *
 * Where a reader of the paper would go wrong: the embedding counts twice (the stock graph adds it
 * both with and without the timing signal); there is no norm after the last layer; queries, keys
 * and values stand in this order, each split into heads; there are no tokens for the sentence's
 * begin and end. The residual of layer 0 sees the positions unnormalised and is the most sensitive
 * to rounding: its weights are the sum of two int8 matrices. The mean is taken before the last
 * contraction, which is linear: a sixth less work.
 *
 * The host fills the image, calls `start`, and for each text `begin`, `add` for each chunk whose
 * token ids it wrote at `idsAddress`, and `finish`.
 */
import { attend } from './attention';
import { interleaveAll } from './interleave';
import { multiply, quantise } from './linear';
import * as at from './memory';
import { HIDDEN, NARROW, TOKENS_MAX, WIDE } from './memory';
import { laneMax, tanh4 } from './numbers';
import { addTo, makeUnit, meanOf, normalise } from './rows';
import { unpackGroups } from './unpack';

export function imageAddress(): usize { return at.IMAGE; }
export function imageBytes(): usize { return at.IMAGE_END - at.IMAGE; }
export function stagingAddress(): usize { return at.STAGING; }
export function stagingBytes(): usize { return at.STAGING_BYTES; }
export function idsAddress(): usize { return at.IDS; }
/** f32 [512], unit length: what the stock model answers. */
export function sentenceAddress(): usize { return at.SENTENCE; }
/** int8 [128], the largest component ±127: what is indexed. */
export function vectorAddress(): usize { return at.VECTOR; }

/** Expands `groups` groups of packed weights from the staging area to `to`. */
export function unpack(groups: usize, to: usize): void {
  unpackGroups(at.STAGING, groups, to);
}

/** Once, when the image is complete. False when the build placed the memory wrongly. */
export function start(): bool {
  if (__heap_base > at.IMAGE || at.END > <usize>memory.size() << 16) return false;
  for (let i: usize = 0; i < 128; i++) writeTiming(i);
  interleaveAll();
  return true;
}

/** Sine and cosine of every position times angle i, by turning in f64 one position at a time. */
function writeTiming(i: usize): void {
  const turnSine = load<f64>(at.ROTATIONS + (i << 3));
  const turnCosine = load<f64>(at.ROTATIONS + ((128 + i) << 3));
  let sine: f64 = 0;
  let cosine: f64 = 1;
  for (let position: usize = 0; position < TOKENS_MAX; position++) {
    store<f32>(at.TIMING + ((position * NARROW + i) << 2), <f32>sine);
    store<f32>(at.TIMING + ((position * NARROW + 128 + i) << 2), <f32>cosine);
    const next = sine * turnCosine + cosine * turnSine;
    cosine = cosine * turnCosine - sine * turnSine;
    sine = next;
  }
}

/** A new text. */
export function begin(): void {
  memory.fill(at.SUM, 0, WIDE << 2);
}

/** One chunk of the text, `count` ids below 8 002; anything beyond 128 is not looked at. */
export function add(count: usize): void {
  const tokens = min<usize>(count, TOKENS_MAX);
  if (tokens == 0) return;
  embed(tokens);
  layer0(tokens);
  layer1(tokens);
  quantise(at.POOLED, WIDE, 1);
  multiply(at.OUTPUT, WIDE, WIDE, 1, at.BRANCH, false);
  for (let i: usize = 0; i < WIDE << 2; i += 16) {
    v128.store(at.BRANCH + i, tanh4(v128.load(at.BRANCH + i)));
  }
  makeUnit(at.BRANCH, WIDE);
  addTo(at.SUM, at.BRANCH, WIDE);
}

/** The text's direction, the mean of its chunks'; a text without chunks gives zeros. */
export function finish(): void {
  memory.copy(at.SENTENCE, at.SUM, WIDE << 2);
  makeUnit(at.SENTENCE, WIDE);
  quantise(at.SENTENCE, WIDE, 1);
  multiply(at.PROJECTION, WIDE, at.DIMS, 1, at.BRANCH, false);
  let peaks = f32x4.splat(0);
  for (let i: usize = 0; i < at.DIMS << 2; i += 16) {
    peaks = f32x4.max(peaks, f32x4.abs(v128.load(at.BRANCH + i)));
  }
  const peak = laneMax(peaks);
  const factor: f32 = peak > 0 ? <f32>127 / peak : 0;
  for (let i: usize = 0; i < at.DIMS; i++) {
    store<i8>(at.VECTOR + i, <i8>nearest<f32>(load<f32>(at.BRANCH + (i << 2)) * factor));
  }
}

/** STREAM [n][256] from the ids. */
function embed(tokens: usize): void {
  for (let token: usize = 0; token < tokens; token++) {
    const id = <usize>load<u32>(at.IDS + (token << 2));
    const row = at.EMBEDDING + id * NARROW;
    const scale = f32x4.splat(<f32>2 * load<f32>(at.EMBEDDING_SCALE + (id << 2)));
    const timing = at.TIMING + ((token * NARROW) << 2);
    const to = at.STREAM + ((token * NARROW) << 2);
    for (let i: usize = 0; i < NARROW; i += 4) {
      const half = i16x8.extend_low_i8x16_s(v128.load32_zero(row + i));
      const value = f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(half));
      v128.store(to + (i << 2), f32x4.add(f32x4.mul(value, scale), v128.load(timing + (i << 2))));
    }
  }
}

/** STREAM [n][256] to STREAM [n][512]. */
function layer0(tokens: usize): void {
  quantise(at.STREAM, NARROW, tokens);
  multiply(at.RESIDUAL_0, NARROW, WIDE, tokens, at.BRANCH, false);
  multiply(at.RESIDUAL_REST_0, NARROW, WIDE, tokens, at.UNITS, false);
  addTo(at.BRANCH, at.UNITS, tokens * WIDE);
  normalise(at.STREAM, at.NORM_0A, NARROW, tokens, at.UNITS);
  quantise(at.UNITS, NARROW, tokens);
  multiply(at.QKV_0, NARROW, 3 * NARROW, tokens, at.HEADS, false);
  attend(tokens, 64, 0.125, at.UNITS);
  quantise(at.UNITS, NARROW, tokens);
  multiply(at.ATTENTION_0, NARROW, WIDE, tokens, at.STREAM, false);
  addTo(at.BRANCH, at.STREAM, tokens * WIDE);
  normalise(at.BRANCH, at.NORM_0B, WIDE, tokens, at.STREAM);
  quantise(at.STREAM, WIDE, tokens);
  multiply(at.EXPAND_0, WIDE, HIDDEN, tokens, at.UNITS, true);
  quantise(at.UNITS, HIDDEN, tokens);
  multiply(at.CONTRACT_0, HIDDEN, WIDE, tokens, at.STREAM, false);
  addTo(at.STREAM, at.BRANCH, tokens * WIDE);
}

/** STREAM [n][512] to its mean after layer 1, POOLED [512]. */
function layer1(tokens: usize): void {
  normalise(at.STREAM, at.NORM_1A, WIDE, tokens, at.BRANCH);
  quantise(at.BRANCH, WIDE, tokens);
  multiply(at.QKV_1, WIDE, 3 * WIDE, tokens, at.HEADS, false);
  attend(tokens, 128, 0.08838834764831845, at.UNITS);
  quantise(at.UNITS, WIDE, tokens);
  multiply(at.ATTENTION_1, WIDE, WIDE, tokens, at.BRANCH, false);
  addTo(at.STREAM, at.BRANCH, tokens * WIDE);
  normalise(at.STREAM, at.NORM_1B, WIDE, tokens, at.BRANCH);
  quantise(at.BRANCH, WIDE, tokens);
  multiply(at.EXPAND_1, WIDE, HIDDEN, tokens, at.UNITS, true);
  meanOf(at.UNITS, HIDDEN, tokens, at.POOLED);
  quantise(at.POOLED, HIDDEN, 1);
  multiply(at.CONTRACT_1, HIDDEN, WIDE, 1, at.BRANCH, false);
  meanOf(at.STREAM, WIDE, tokens, at.POOLED);
  addTo(at.POOLED, at.BRANCH, WIDE);
}
