import type { CardDocument } from '@zerostate/discovery';

/** A generator of 32-bit numbers that gives every run the same data (Marsaglia's xorshift). */
export function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

export type Difficulty = 'easy' | 'hard';

/** How many vectors of how many components, and how well they cluster. */
export interface DataShape {
  readonly size: number;
  readonly dims: number;
  readonly difficulty: Difficulty;
}

export function datasetName({ size, dims, difficulty }: DataShape): string {
  return `${size}x${dims}.${difficulty}`;
}

/** Noise around a cluster's centre; at 1 the centre and the noise weigh the same. */
const NOISE: Record<Difficulty, number> = { easy: 0.5, hard: 1 };
const CLUSTER_SIZE = 100;

export interface VectorSet {
  readonly base: readonly Float32Array[];
  readonly queries: readonly Float32Array[];
}

/** Unit vectors in Gaussian clusters of about a hundred, and queries from the same clusters. */
export function clusteredVectors(
  size: number,
  dims: number,
  difficulty: Difficulty,
  queries: number,
): VectorSet {
  const draw = clusters(size, dims, difficulty);
  return {
    base: Array.from({ length: size }, draw),
    queries: Array.from({ length: queries }, draw),
  };
}

/** Draws such vectors one at a time, for sets that are too large to hold as floats. */
export function clusters(size: number, dims: number, difficulty: Difficulty): () => Float32Array {
  const random = seeded(42);
  const gauss = () => Math.sqrt(-2 * Math.log(random() + 1e-12)) * Math.cos(2 * Math.PI * random());
  const centres = Array.from({ length: Math.ceil(size / CLUSTER_SIZE) }, () =>
    Float32Array.from({ length: dims }, gauss),
  );
  return () => {
    const centre = centres[Math.floor(random() * centres.length)] ?? new Float32Array(dims);
    return unit(centre.map((value) => value + NOISE[difficulty] * gauss()));
  };
}

function unit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

const SYLLABLES =
  'ba ce di fo gu la me ni po ru sa te vi xo zu tra ble pri sto ing er al on ter con'.split(' ');
const VOCABULARY = 30_000;
/** The commonest words of a language are stop words; content words begin about here. */
const RANK_FIRST = 50;

export interface CardSet {
  readonly cards: readonly CardDocument[];
  readonly queries: readonly string[];
}

/** Cards of made-up words: two thousand topics of twelve words, the rest by Zipf's law. */
export function syntheticCards(size: number, queries: number): CardSet {
  const random = seeded(7);
  const pick = <T>(values: readonly T[]) => values[Math.floor(random() * values.length)];
  const vocabulary = Array.from({ length: VOCABULARY }, () =>
    Array.from({ length: 2 + Math.floor(random() * 3) }, () => pick(SYLLABLES)).join(''),
  );
  const word = () =>
    vocabulary[Math.floor(RANK_FIRST * (VOCABULARY / RANK_FIRST) ** random())] ?? 'word';
  const topics = Array.from({ length: 2_000 }, () => Array.from({ length: 12 }, word));
  const text = (topic: readonly string[], words: number) =>
    Array.from({ length: words }, () => (random() < 0.6 ? pick(topic) : word())).join(' ');
  const cards = Array.from({ length: size }, (_, i) => syntheticCard(i, pick(topics) ?? [], text));
  const asked = Array.from({ length: queries }, () => text(pick(topics) ?? [], 8));
  return { cards, queries: asked };
}

function syntheticCard(
  i: number,
  topic: readonly string[],
  text: (topic: readonly string[], words: number) => string,
): CardDocument {
  const did = `did:key:z6Mk${String(i * 7_919).padStart(44, 'Qx7')}`;
  const agent = `agent-${i % 50}`;
  const skill = {
    id: `skill-${i % 900}`,
    name: text(topic, 3),
    description: text(topic, 10),
    tags: [topic[2] ?? ''],
  };
  return {
    key: `${did}#${agent}`,
    did,
    agent,
    name: text(topic, 2),
    description: text(topic, 18),
    tags: [topic[0] ?? '', topic[1] ?? ''],
    skills: [skill],
    regions: [['eu', 'us', 'ap'][i % 3] ?? ''],
    price: { base: BigInt(i % 1_000), perMgas: 10n, perPage: 1n },
    cardSha256: 'a'.repeat(43),
    expiresAt: Number.MAX_SAFE_INTEGER,
  };
}
