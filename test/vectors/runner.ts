/** Prints the suite's report as one line of JSON; for Node, Bun and Deno. */
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { runVectorSuite } from './suite.ts';

const forgeries = Number(process.argv[2] ?? 100);
const report = await runVectorSuite(
  (name) => readFile(new URL(name, import.meta.url), 'utf8'),
  { forgeries },
);
console.log(JSON.stringify(report));
process.exitCode = report.failed.length === 0 ? 0 : 1;
