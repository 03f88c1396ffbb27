import { batchAt, batchDistancesAt, dims, inverseOf, queryAt, vectorOf } from './arena';

/** The query's inverse length. */
export let queryInverse: f32 = 0;

@inline
function laneSum(v: v128): i32 {
  return i32x4.extract_lane(v, 0) + i32x4.extract_lane(v, 1) +
    i32x4.extract_lane(v, 2) + i32x4.extract_lane(v, 3);
}

/** Widens the int8 vector at `source` into the query's int16 form. */
export function setQuery(source: usize): void {
  for (let i: usize = 0; i < dims; i += 8) {
    v128.store(queryAt + (i << 1), v128.load_ext<i8>(source + i));
  }
  queryInverse = inverse(dotQuery(source));
}

@inline
export function inverse(square: i32): f32 {
  return square > 0 ? <f32>1.0 / sqrt<f32>(<f32>square) : 0;
}

/** Dot product of the query and the int8 vector at `vector`; dims is a multiple of 16. */
@inline
export function dotQuery(vector: usize): i32 {
  let a = i32x4.splat(0);
  let b = i32x4.splat(0);
  let query = queryAt;
  let at = vector;
  const end = vector + dims;
  while (at < end) {
    a = i32x4.add(a, i32x4.dot_i16x8_s(v128.load_ext<i8>(at), v128.load(query)));
    b = i32x4.add(b, i32x4.dot_i16x8_s(v128.load_ext<i8>(at, 8), v128.load(query, 16)));
    at += 16;
    query += 32;
  }
  return laneSum(i32x4.add(a, b));
}

/** Dot product of two int8 vectors. */
@inline
export function dotStored(left: usize, right: usize): i32 {
  let a = i32x4.splat(0);
  let b = i32x4.splat(0);
  let other = right;
  let at = left;
  const end = left + dims;
  while (at < end) {
    a = i32x4.add(a, i32x4.dot_i16x8_s(v128.load_ext<i8>(at), v128.load_ext<i8>(other)));
    b = i32x4.add(b, i32x4.dot_i16x8_s(v128.load_ext<i8>(at, 8), v128.load_ext<i8>(other, 8)));
    at += 16;
    other += 16;
  }
  return laneSum(i32x4.add(a, b));
}

/** 1 − cosine, never negative, so that its bits order as an integer. */
@inline
export function distanceToQuery(slot: u32): f32 {
  const cosine = <f32>dotQuery(vectorOf(slot)) * load<f32>(inverseOf(slot)) * queryInverse;
  return max<f32>(0, <f32>1.0 - cosine);
}

@inline
function storeDistance(index: u32, slot: u32, dot: i32): void {
  const cosine = <f32>dot * load<f32>(inverseOf(slot)) * queryInverse;
  store<f32>(batchDistancesAt + (<usize>index << 2), max<f32>(0, <f32>1.0 - cosine));
}

/**
 * Distances of the first `size` slots of the batch. Four vectors at once and no branch between
 * them: their cache misses overlap, and the query is loaded once for all four.
 */
export function measureBatch(size: u32): void {
  let i: u32 = 0;
  while (i + 4 <= size) {
    measureFour(i);
    i += 4;
  }
  while (i < size) {
    const slot = load<u32>(batchAt + (<usize>i << 2));
    storeDistance(i, slot, dotQuery(vectorOf(slot)));
    i++;
  }
}

@inline
function dotPart(sum: v128, vector: usize, query: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(v128.load_ext<i8>(vector), query));
}

@inline
function measureFour(first: u32): void {
  const at = batchAt + (<usize>first << 2);
  const slotA = load<u32>(at);
  const slotB = load<u32>(at, 4);
  const slotC = load<u32>(at, 8);
  const slotD = load<u32>(at, 12);
  let a = vectorOf(slotA);
  let b = vectorOf(slotB);
  let c = vectorOf(slotC);
  let d = vectorOf(slotD);
  let sumA = i32x4.splat(0);
  let sumB = i32x4.splat(0);
  let sumC = i32x4.splat(0);
  let sumD = i32x4.splat(0);
  let query = queryAt;
  const end = query + 2 * dims;
  while (query < end) {
    const low = v128.load(query);
    const high = v128.load(query, 16);
    sumA = dotPart(dotPart(sumA, a, low), a + 8, high);
    sumB = dotPart(dotPart(sumB, b, low), b + 8, high);
    sumC = dotPart(dotPart(sumC, c, low), c + 8, high);
    sumD = dotPart(dotPart(sumD, d, low), d + 8, high);
    a += 16; b += 16; c += 16; d += 16;
    query += 32;
  }
  storeDistance(first, slotA, laneSum(sumA));
  storeDistance(first + 1, slotB, laneSum(sumB));
  storeDistance(first + 2, slotC, laneSum(sumC));
  storeDistance(first + 3, slotD, laneSum(sumD));
}

@inline
export function distanceBetween(left: u32, right: u32): f32 {
  const dot = dotStored(vectorOf(left), vectorOf(right));
  const cosine = <f32>dot * load<f32>(inverseOf(left)) * load<f32>(inverseOf(right));
  return max<f32>(0, <f32>1.0 - cosine);
}
