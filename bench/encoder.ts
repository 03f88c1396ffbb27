/**
 * The sentence encoder: speed and size on each runtime beside the stock TensorFlow.js runtime, and
 * the quality of a ranking with it (names and figures: docs/bench.md, suite encoder).
 */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { ENCODER_FOLDER, ensureEncoder } from '../packages/discovery/scripts/build-encoder.ts';
import { measureEncoderQuality } from './encoder-quality.ts';
import { type Probed, probeBeside, probeProcess, probeWorkerd } from './encoder-runtimes.ts';
import {
  type BenchOptions,
  type BenchReport,
  type BenchResult,
  median,
  quantile,
} from './report.ts';

/** Processes of each runtime, by turns: one start says little, and machines have moods. */
const TURNS = 5;
const RUNTIMES = {
  node: () => probeProcess('node'),
  bun: () => probeProcess('bun'),
  deno: () => probeProcess('deno'),
  workerd: probeWorkerd,
};

export async function run({ full, note }: BenchOptions): Promise<BenchReport> {
  await ensureEncoder(['w8', 'w4']);
  const results: BenchResult[] = weightSizes();
  const missing: string[] = [];
  note('beside the stock runtime');
  results.push(...(await measureBeside()));
  const probed = new Map<string, Probed[]>();
  for (let turn = 1; turn <= TURNS; turn++) {
    for (const [runtime, probe] of Object.entries(RUNTIMES)) {
      if (missing.some((what) => what.startsWith(runtime))) continue;
      note(`the encoder on ${runtime}, ${turn} of ${TURNS}`);
      try {
        probed.set(runtime, [...(probed.get(runtime) ?? []), await probe()]);
      } catch (error) {
        const [why] = String(error instanceof Error ? error.message : error).split('\n');
        missing.push(`${runtime}: ${why}`);
      }
    }
  }
  for (const [runtime, processes] of probed) results.push(...figuresOf(runtime, processes));
  const quality = await measureEncoderQuality(full, note);
  results.push(...quality.results);
  return { suite: 'encoder', machine: '', results, missing: [...missing, ...quality.missing] };
}

function figuresOf(runtime: string, processes: readonly Probed[]): BenchResult[] {
  const queries = processes.flatMap(({ queryMs }) => queryMs);
  const cards = processes.flatMap(({ cardMs }) => cardMs);
  const middle = (figure: (probed: Probed) => number) => median(processes.map(figure));
  return [
    lower(`query.p50_ms.${runtime}`, median(queries), 'ms'),
    lower(`query.p99_ms.${runtime}`, quantile(queries, 0.99), 'ms'),
    lower(
      `query.cpu_ms.${runtime}`,
      middle(({ queryCpuMs }) => queryCpuMs),
      'ms',
    ),
    lower(`doc100.p50_ms.${runtime}`, median(cards), 'ms'),
    lower(
      `cold.ms.${runtime}`,
      middle(({ coldMs }) => coldMs),
      'ms',
    ),
    lower(
      `rss.mib.${runtime}`,
      middle(({ rssMib }) => rssMib),
      'MiB',
    ),
    ...(runtime === 'node'
      ? [
          lower(
            'wasm.mib',
            middle(({ wasmMib }) => wasmMib),
            'MiB',
          ),
        ]
      : []),
  ];
}

/** Ours and the stock runtime in one process, by turns, so that both meet the same noise. */
async function measureBeside(): Promise<BenchResult[]> {
  const { queries, cards, stockColdMs, stockRssMib } = await probeBeside();
  const beside = (name: string, { ours, stock }: typeof queries): BenchResult[] => {
    const tfjs = median(ours) / median(stock);
    return [
      { ...lower(`beside.${name}.p50_ms`, median(ours), 'ms'), vs: { tfjs: round(tfjs) } },
      lower(`tfjs.${name}.p50_ms`, median(stock), 'ms'),
    ];
  };
  return [
    ...beside('query', queries),
    ...beside('doc100', cards),
    lower('tfjs.cold.ms', stockColdMs, 'ms'),
    lower('tfjs.rss.mib', stockRssMib, 'MiB'),
  ];
}

/** What a worker has to be given, gzipped: weights, vocabulary and module. */
function weightSizes(): BenchResult[] {
  const packed = (url: URL) => gzipSync(readFileSync(url), { level: 9 }).length;
  const module = new URL('../packages/discovery/wasm/use-lite.wasm', import.meta.url);
  const rest = packed(new URL('use-lite-vocabulary.json', ENCODER_FOLDER)) + packed(module);
  return ['w8', 'w4'].map((format) => {
    const bytes = packed(new URL(`use-lite-${format}.bin`, ENCODER_FOLDER)) + rest;
    return lower(`weights.${format}.gz_mib`, bytes / 2 ** 20, 'MiB');
  });
}

function lower(name: string, value: number, unit: string): BenchResult {
  return { name, value: round(value), unit, better: 'lower' };
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
