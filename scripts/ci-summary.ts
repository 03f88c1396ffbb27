/**
 * Adds up vitest's JSON reports: what failed and why, a few lines each, and `N passed, N failed` as
 * the last line of a CI run, so that the end of a log is enough.
 */
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

interface VitestReport {
  numPassedTests: number;
  numFailedTests: number;
  numFailedTestSuites: number;
  testResults: {
    name: string;
    status: string;
    message: string;
    assertionResults: { fullName: string; status: string; failureMessages: string[] }[];
  }[];
}

const REASON_LINES = 12;

const reasonOf = (message: string) =>
  message
    .split('\n')
    .filter((line) => !/^\s+at .*node_modules/.test(line))
    .slice(0, REASON_LINES)
    .map((line) => `    ${line}`)
    .join('\n');

let passed = 0;
let failed = 0;
for (const path of process.argv.slice(2)) {
  const report: VitestReport = JSON.parse(readFileSync(path, 'utf8'));
  passed += report.numPassedTests;
  // A suite that could not be loaded has no failed test of its own.
  failed += Math.max(report.numFailedTests, report.numFailedTestSuites > 0 ? 1 : 0);
  for (const file of report.testResults.filter((result) => result.status === 'failed')) {
    const name = relative('.', file.name);
    const tests = file.assertionResults.filter((test) => test.status === 'failed');
    for (const test of tests)
      console.log(
        `failed: ${name} > ${test.fullName}\n${reasonOf(test.failureMessages.join('\n'))}`,
      );
    if (tests.length === 0) console.log(`failed: ${name}\n${reasonOf(file.message)}`);
  }
}
console.log(`${passed} passed, ${failed} failed`);
