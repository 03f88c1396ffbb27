import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runScript, type ScriptReport } from './script-runner.ts';
import { readWast } from './wast.ts';

const SUITE = resolve(import.meta.dirname, '../../../../shared/vectors/wasm-testsuite');

beforeAll(() => {
  if (existsSync(SUITE)) return;
  throw new Error(`no test suite at ${SUITE}: github.com/WebAssembly/testsuite, see README.md`);
});

const files = existsSync(SUITE) ? readdirSync(SUITE).filter((name) => name.endsWith('.wast')) : [];

const reports: ScriptReport[] = [];
const unread: string[] = [];

describe('every assertion that the raw engine passes and the profile admits passes metered', () => {
  test.each(files)('%s', (file) => {
    const wast = readWast(join(SUITE, file));
    if (wast.unread > 0) unread.push(`${file} (${wast.unread})`);
    const failures = wast.scripts.flatMap((script) => {
      const report = runScript(script);
      reports.push(report);
      return report.failures;
    });
    expect(failures).toEqual([]);
  });
});

test('most of the suite is run', () => {
  const passed = reports.reduce((sum, report) => sum + report.passed, 0);
  expect(passed).toBeGreaterThan(30_000);
});

afterAll(() => {
  const sum = (pick: (report: ScriptReport) => number): number =>
    reports.reduce((total, report) => total + pick(report), 0);
  console.log(`files ${files.length}; modules newer than wast2json: ${unread.join(' ')}`);
  console.log(`assertions passed metered ${sum((report) => report.passed)}`);
  console.log(`not passed by the raw engine ${sum((report) => report.rawFailed)}`);
  console.log(`of modules outside of the profile ${sum((report) => report.refused)}`);
  console.log(`modules refused, invalid or malformed ${sum((report) => report.invalid)}`);
  const reasons = new Map<string, number>();
  for (const report of reports) {
    for (const [reason, count] of report.reasons) {
      reasons.set(reason, (reasons.get(reason) ?? 0) + count);
    }
  }
  const listed = [...reasons].sort((a, b) => b[1] - a[1]);
  for (const [reason, count] of listed) console.log(`  ${count} modules: ${reason}`);
});
