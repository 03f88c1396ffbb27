import { CardIndex, Int8Hnsw, ngramHash384, type SearchQuery } from '@zerostate/discovery';
import { loadInt8Hnsw } from '@zerostate/discovery/load';
import { type BenchResult, quantile } from './report.ts';
import { syntheticCards } from './search-data.ts';
import { cached, round } from './search-engines.ts';

const QUERIES = 500;
const CHUNK = 1 << 20;
const SIGNALS = Object.assign(() => ({ online: true, score: 0.5, tasks: 3 }), { version: 1 });

/** A whole request in process: embed, both indexes, filter, fuse, serialise. */
export async function measureRequests(
  size: number,
  label: string,
  note: (line: string) => void,
): Promise<BenchResult[]> {
  const { cards, queries } = syntheticCards(size, QUERIES);
  const module = await loadInt8Hnsw();
  const engine = (dims: number, capacity: number) => new Int8Hnsw({ module, dims, capacity });
  const fresh = () => new CardIndex({ embedder: ngramHash384, engine });
  const bytes = await cached(`cards-${size}.v1.bin`, async () => {
    note(`request ${label}: building`);
    const index = fresh();
    await index.upsertAll(cards, 1);
    index.link(size);
    index.calibrate();
    return Buffer.concat(index.snapshots().flatMap((chunks) => [...chunks]));
  });
  note(`request ${label}: loading and asking`);
  const loads: number[] = [];
  let index = fresh();
  for (let i = 0; i < 5; i++) {
    index = fresh();
    const before = process.cpuUsage();
    const answer = await index.restore([chunksOf(bytes)]);
    if (!answer.ok) throw new Error(`${answer.code}: ${answer.detail}`);
    loads.push(process.cpuUsage(before).user / 1_000);
  }
  const plain = await timeRequests(index, queries, {});
  const filtered = await timeRequests(index, queries, { filters: { region: 'eu', online: true } });
  const ms = { unit: 'ms', better: 'lower' } as const;
  return [
    { name: `snapshot.${label}.load_cpu_ms`, value: round(quantile(loads, 0.5)), ...ms },
    {
      name: `snapshot.${label}.mib`,
      value: round(bytes.length / 2 ** 20),
      unit: 'MiB',
      better: 'lower',
    },
    { name: `request.${label}.p50_ms`, value: round(quantile(plain.ms, 0.5)), ...ms },
    { name: `request.${label}.p99_ms`, value: round(quantile(plain.ms, 0.99)), ...ms },
    { name: `request.${label}.cpu_ms`, value: round(plain.cpuMs), ...ms },
    { name: `request.${label}.filtered.p50_ms`, value: round(quantile(filtered.ms, 0.5)), ...ms },
    { name: `request.${label}.filtered.cpu_ms`, value: round(filtered.cpuMs), ...ms },
  ];
}

async function timeRequests(
  index: CardIndex,
  queries: readonly string[],
  more: Partial<SearchQuery>,
): Promise<{ ms: number[]; cpuMs: number }> {
  const ask = async (text: string) => {
    const answer = await index.search({ text, now: 1, ...more }, SIGNALS);
    return JSON.stringify(answer, (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    );
  };
  for (const text of queries) await ask(text);
  const ms: number[] = [];
  const before = process.cpuUsage();
  for (const text of queries) {
    const start = performance.now();
    await ask(text);
    ms.push(performance.now() - start);
  }
  return { ms, cpuMs: process.cpuUsage(before).user / 1_000 / queries.length };
}

function* chunksOf(bytes: Buffer): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CHUNK) yield bytes.subarray(at, at + CHUNK);
}
