/** Adds up vitest's JSON reports and prints `N passed, N failed` as the last line of a CI run. */
import { readFileSync } from 'node:fs';

interface VitestReport {
  numPassedTests: number;
  numFailedTests: number;
  numFailedTestSuites: number;
}

let passed = 0;
let failed = 0;
for (const path of process.argv.slice(2)) {
  const report: VitestReport = JSON.parse(readFileSync(path, 'utf8'));
  passed += report.numPassedTests;
  // A suite that could not be loaded has no failed test of its own.
  failed += Math.max(report.numFailedTests, report.numFailedTestSuites > 0 ? 1 : 0);
}
console.log(`${passed} passed, ${failed} failed`);
