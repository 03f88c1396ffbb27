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
  for (const [runtime, probe] of Object.entries(RUNTIMES)) {
    note(`the encoder on ${runtime}`);
    try {
      results.push(...figuresOf(runtime, await probe()));
    } catch (error) {
      const [why] = String(error instanceof Error ? error.message : error).split('\n');
      missing.push(`${runtime}: ${why}`);
    }
  }
  const quality = await measureEncoderQuality(full, note);
  results.push(...quality.results);
  return { suite: 'encoder', machine: '', results, missing: [...missing, ...quality.missing] };
}

function figuresOf(runtime: string, probed: Probed): BenchResult[] {
  return [
    lower(`query.p50_ms.${runtime}`, median(probed.queryMs), 'ms'),
    lower(`query.p99_ms.${runtime}`, quantile(probed.queryMs, 0.99), 'ms'),
    lower(`query.cpu_ms.${runtime}`, probed.queryCpuMs, 'ms'),
    lower(`doc100.p50_ms.${runtime}`, median(probed.cardMs), 'ms'),
    lower(`cold.ms.${runtime}`, probed.coldMs, 'ms'),
    lower(`rss.mib.${runtime}`, probed.rssMib, 'MiB'),
    ...(runtime === 'node' ? [lower('wasm.mib', probed.wasmMib, 'MiB')] : []),
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
