/** What a suite prints: one JSON object (names and figures: docs/bench.md). */
export interface BenchResult {
  /** Dotted path: what.where.unit-free, for example `settle.full.500.per_s`. */
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly better: 'lower' | 'higher';
  /** Ours divided by the peer, taken in the same run. */
  readonly vs?: Readonly<Record<string, number>>;
}

export interface BenchReport {
  readonly suite: string;
  readonly machine: string;
  readonly results: readonly BenchResult[];
  /** Peers that are not installed, and what could not run here. */
  readonly missing?: readonly string[];
}

export interface BenchOptions {
  /** The long runs too. */
  readonly full: boolean;
  /** Suite link: how many links, and on which runtime alone. */
  readonly links?: number;
  readonly runtime?: string;
  /** Progress for a person; never on stdout. */
  readonly note: (line: string) => void;
}

export type BenchSuite = (options: BenchOptions) => Promise<BenchReport>;

/** The q-quantile (0 to 1) of unsorted samples, nearest rank. */
export function quantile(samples: readonly number[], q: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1));
  return sorted[at] ?? Number.NaN;
}

/** The middle of unsorted samples; of an even count, the mean of the two in the middle. */
export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
  return (lower + upper) / 2;
}
