/** The strongest directions of a symmetric matrix, by Jacobi's rotations (Golub, Van Loan 8.5). */

const SWEEPS_MAX = 30;

/** Rows are unit eigenvectors of the `count` greatest eigenvalues, greatest first. */
export function principalDirections(
  matrix: Float64Array,
  size: number,
  count: number,
): { directions: Float64Array[]; share: number } {
  const work = matrix.slice();
  const vectors = new Float64Array(size * size);
  for (let i = 0; i < size; i++) vectors[i * size + i] = 1;
  for (let sweep = 0; sweep < SWEEPS_MAX && offDiagonal(work, size) > 1e-12; sweep++) {
    for (let p = 0; p < size - 1; p++) {
      for (let q = p + 1; q < size; q++) rotate(work, vectors, size, p, q);
    }
  }
  const values = Array.from({ length: size }, (_, i) => work[i * size + i] ?? 0);
  const order = values.map((_, i) => i).sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0));
  const total = values.reduce((sum, value) => sum + value, 0);
  const kept = order.slice(0, count);
  return {
    directions: kept.map((i) => vectors.slice(i * size, (i + 1) * size)),
    share: kept.reduce((sum, i) => sum + (values[i] ?? 0), 0) / total,
  };
}

/** Makes element (p, q) zero; the rows of `vectors` turn along. */
function rotate(
  work: Float64Array,
  vectors: Float64Array,
  size: number,
  p: number,
  q: number,
): void {
  const off = work[p * size + q] ?? 0;
  if (Math.abs(off) < 1e-18) return;
  const theta = ((work[q * size + q] ?? 0) - (work[p * size + p] ?? 0)) / (2 * off);
  const tangent = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const cosine = 1 / Math.sqrt(tangent * tangent + 1);
  const turn = { cosine, sine: tangent * cosine };
  turnPair(work, turn, p * size, q * size, 1, size);
  turnPair(work, turn, p, q, size, size);
  turnPair(vectors, turn, p * size, q * size, 1, size);
}

function turnPair(
  values: Float64Array,
  { cosine, sine }: { cosine: number; sine: number },
  first: number,
  second: number,
  step: number,
  size: number,
): void {
  for (let i = 0; i < size; i++) {
    const a = values[first + i * step] ?? 0;
    const b = values[second + i * step] ?? 0;
    values[first + i * step] = cosine * a - sine * b;
    values[second + i * step] = sine * a + cosine * b;
  }
}

/** Squares off the diagonal over all squares. */
function offDiagonal(work: Float64Array, size: number): number {
  let off = 0;
  let all = 0;
  work.forEach((value, at) => {
    all += value * value;
    if (at % (size + 1) !== 0) off += value * value;
  });
  return all === 0 ? 0 : off / all;
}
