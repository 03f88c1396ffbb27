/** `npm run bench -- SUITE [--full] [--json]`: runs one suite and prints its figures. */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import type { BenchReport, BenchSuite } from './report.ts';

const SUITES: Record<string, () => Promise<{ run: BenchSuite }>> = {
  edge: () => import('./edge.ts'),
  meter: () => import('./meter.ts'),
  ledger: () => import('./ledger.ts'),
  search: () => import('./search.ts'),
  encoder: () => import('./encoder.ts'),
  mesh: () => import('./mesh.ts'),
  routing: () => import('./routing.ts'),
  link: () => import('./link.ts'),
};

const USAGE = `Usage: npm run bench -- SUITE [--full] [--json]

Suites: ${Object.keys(SUITES).join(', ')}
  --full   the long runs too
  --json   one JSON object on stdout and nothing else there
  --links N, --runtime node|bun   suite link: how many, and on one runtime alone

Example: npm run bench -- edge --json`;

function print(report: BenchReport): void {
  console.log(`${report.suite} on ${report.machine}`);
  for (const { name, value, unit, vs } of report.results) {
    const peers = Object.entries(vs ?? {}).map(([peer, ratio]) => `${ratio.toFixed(3)} of ${peer}`);
    console.log(`  ${name.padEnd(44)} ${String(value).padStart(12)} ${unit}  ${peers.join(', ')}`);
  }
  for (const name of report.missing ?? []) console.log(`  missing: ${name}`);
}

/** null when they make no sense. */
function readArguments(args: readonly string[]) {
  const flag = { type: 'boolean', default: false } as const;
  const options = { help: flag, full: flag, json: flag } as const;
  const words = { links: { type: 'string' }, runtime: { type: 'string' } } as const;
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { ...options, ...words },
    });
    const { links, runtime, ...flags } = values;
    if (links !== undefined && !/^[1-9][0-9]{0,5}$/.test(links)) return null;
    return {
      ...flags,
      suite: positionals[0] ?? '',
      chosen: {
        ...(links === undefined ? {} : { links: Number(links) }),
        ...(runtime === undefined ? {} : { runtime }),
      },
    };
  } catch {
    return null;
  }
}

async function main(args: readonly string[]): Promise<number> {
  const read = readArguments(args);
  if (read?.help) {
    console.log(USAGE);
    return 0;
  }
  const load = read === null ? undefined : SUITES[read.suite];
  if (!read || !load) {
    console.error(USAGE);
    return 2;
  }
  const { run } = await load();
  const note = (line: string) => console.error(line);
  const report = await run({ full: read.full, note, ...read.chosen });
  const machine = `${cpus().length} cores, Node ${process.versions.node}`;
  if (read.json) console.log(JSON.stringify({ ...report, machine }));
  else print({ ...report, machine });
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
