/** `npm run bench -- SUITE [--full] [--json]`: runs one suite and prints its figures. */
import { cpus } from 'node:os';
import type { BenchReport, BenchSuite } from './report.ts';

const SUITES: Record<string, () => Promise<{ run: BenchSuite }>> = {
  edge: () => import('./edge.ts'),
  meter: () => import('./meter.ts'),
  ledger: () => import('./ledger.ts'),
  search: () => import('./search.ts'),
  encoder: () => import('./encoder.ts'),
  mesh: () => import('./mesh.ts'),
  routing: () => import('./routing.ts'),
};

const USAGE = `Usage: npm run bench -- SUITE [--full] [--json]

Suites: ${Object.keys(SUITES).join(', ')}
  --full   the long runs too
  --json   one JSON object on stdout and nothing else there

Example: npm run bench -- edge --json`;

function print(report: BenchReport): void {
  console.log(`${report.suite} on ${report.machine}`);
  for (const { name, value, unit, vs } of report.results) {
    const peers = Object.entries(vs ?? {}).map(([peer, ratio]) => `${ratio.toFixed(3)} of ${peer}`);
    console.log(`  ${name.padEnd(44)} ${String(value).padStart(12)} ${unit}  ${peers.join(', ')}`);
  }
  for (const name of report.missing ?? []) console.log(`  missing: ${name}`);
}

async function main(args: readonly string[]): Promise<number> {
  const suite = args.find((arg) => !arg.startsWith('-'));
  if (args.includes('--help')) {
    console.log(USAGE);
    return 0;
  }
  const load = suite === undefined ? undefined : SUITES[suite];
  if (!load) {
    console.error(USAGE);
    return 2;
  }
  const { run } = await load();
  const report = await run({
    full: args.includes('--full'),
    note: (line) => console.error(line),
  });
  const machine = `${cpus().length} cores, Node ${process.versions.node}`;
  if (args.includes('--json')) console.log(JSON.stringify({ ...report, machine }));
  else print({ ...report, machine });
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
