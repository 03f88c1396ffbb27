import { PROFILE } from '../src/limits.ts';
import { MeterExport } from '../src/meter/assemble.ts';
import { trapKind } from '../src/outcome.ts';
import { type PreparedModule, prepareModule } from '../src/prepare.ts';
import { BITS_SUFFIX, withBitExactExports } from '../test/bit-exact.ts';
import {
  argumentBits,
  matches,
  type WastAction,
  type WastCommand,
  type WastScript,
} from './wast.ts';

export interface ScriptReport {
  /** Assertions that passed metered. */
  passed: number;
  /** Assertions that the raw engine does not pass. */
  rawFailed: number;
  /** Assertions on modules that are not admitted. */
  refused: number;
  /** Modules that must not be admitted, and were not. */
  invalid: number;
  /** Why modules were not admitted. */
  reasons: Map<string, number>;
  failures: string[];
}

interface Pair {
  raw: WebAssembly.Instance | undefined;
  metered: WebAssembly.Instance | undefined;
}

const GAS = 1n << 60n;

/** Runs one script on raw and metered instances side by side. */
export function runScript(script: WastScript): ScriptReport {
  const report: ScriptReport = {
    passed: 0,
    rawFailed: 0,
    refused: 0,
    invalid: 0,
    reasons: new Map(),
    failures: [],
  };
  let current: Pair = { raw: undefined, metered: undefined };
  const named = new Map<string, Pair>();
  for (const command of script.commands) {
    if (command.type === 'module') {
      current = instantiate(script, command, report);
      if (command.name !== undefined) named.set(command.name, current);
    } else if (command.action !== undefined) {
      const pair = named.get(command.action.module ?? '') ?? current;
      check(pair, command, command.action, report);
    } else if (command.type === 'assert_invalid' || command.type === 'assert_malformed') {
      checkRefused(script, command, report);
    } else if (command.type === 'assert_uninstantiable' || command.type === 'assert_trap') {
      checkUninstantiable(script, command, report);
    }
  }
  return report;
}

function instantiate(script: WastScript, command: WastCommand, report: ScriptReport): Pair {
  const bytes = script.binary(command.filename ?? '');
  const none = { raw: undefined, metered: undefined };
  const admitted = prepareModule(bytes);
  if (!admitted.ok) {
    const reason = `${admitted.code}: ${reasonOf(admitted.detail)}`;
    report.reasons.set(reason, (report.reasons.get(reason) ?? 0) + 1);
    return none;
  }
  const wrapped = withBitExactExports(bytes);
  const prepared = prepareModule(wrapped);
  if (!prepared.ok) throw new Error(`line ${command.line}: ${prepared.detail}`);
  const raw = attempt(() => new WebAssembly.Instance(new WebAssembly.Module(wrapped)));
  const metered = attempt(() => startMetered(prepared.module));
  if (raw.ok && !metered.ok) report.failures.push(`line ${command.line}: ${metered.error}`);
  return { raw: raw.ok ? raw.value : undefined, metered: metered.ok ? metered.value : undefined };
}

/** Names in a reason differ from module to module; what is wrong does not. */
function reasonOf(detail: string): string {
  return detail.replace(/^.*(is not given by the host|is not a function|has type .*)$/, '$1');
}

function startMetered(module: PreparedModule): WebAssembly.Instance {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.instrumented));
  setGlobal(instance, MeterExport.pages, PROFILE.memoryPagesMax);
  refill(instance);
  const start = instance.exports[MeterExport.start];
  if (typeof start === 'function') start();
  return instance;
}

function setGlobal(instance: WebAssembly.Instance, name: string, value: number | bigint): void {
  const global = instance.exports[name];
  if (global instanceof WebAssembly.Global) global.value = value;
}

function refill(instance: WebAssembly.Instance): void {
  setGlobal(instance, MeterExport.gas, GAS);
  setGlobal(instance, MeterExport.depth, PROFILE.stackBytesMax);
}

type Attempt<T> = { ok: true; value: T } | { ok: false; error: unknown };

function attempt<T>(action: () => T): Attempt<T> {
  try {
    return { ok: true, value: action() };
  } catch (error) {
    return { ok: false, error };
  }
}

function check(pair: Pair, command: WastCommand, action: WastAction, report: ScriptReport): void {
  const { raw, metered } = pair;
  if (raw === undefined || metered === undefined) {
    report.refused++;
    return;
  }
  const rawResult = attempt(() => perform(raw, action));
  refill(metered);
  const meteredResult = attempt(() => perform(metered, action));
  if (!command.type.startsWith('assert_')) return;
  if (!satisfies(command, rawResult)) report.rawFailed++;
  else if (satisfies(command, meteredResult)) report.passed++;
  else
    report.failures.push(`line ${command.line}: ${JSON.stringify(action)} ${show(meteredResult)}`);
}

function show(result: Attempt<unknown>): string {
  return result.ok ? String(result.value) : `threw ${result.error}`;
}

function perform(instance: WebAssembly.Instance, action: WastAction): unknown[] {
  const { exports } = instance;
  if (action.type === 'get') {
    const global = exports[action.field];
    if (!(global instanceof WebAssembly.Global)) throw new Error(`no global ${action.field}`);
    return [global.value];
  }
  const exact = exports[action.field + BITS_SUFFIX];
  const plain = exports[action.field];
  const args = action.args ?? [];
  if (typeof exact === 'function') return results(exact(...args.flatMap(argumentBits)));
  if (typeof plain !== 'function') throw new Error(`no function ${action.field}`);
  return results(plain(...args.map(reference)));
}

function results(value: unknown): unknown[] {
  return Array.isArray(value) ? value : value === undefined ? [] : [value];
}

/** Arguments of functions that take references: `ref.extern n` is the text of n. */
function reference(value: { type: string; value?: string | string[] }): unknown {
  if (value.type === 'i32') return Number(value.value) | 0;
  return value.value === 'null' ? null : `extern ${value.value}`;
}

function satisfies(command: WastCommand, result: Attempt<unknown[]>): boolean {
  const { type, expected = [], text = '' } = command;
  if (type === 'assert_return') return result.ok && returns(expected, result.value);
  if (result.ok) return false;
  if (type === 'assert_exhaustion') return true;
  const { error } = result;
  if (!(error instanceof WebAssembly.RuntimeError)) return false;
  return trapKind(error.message) === TRAPS.find(([pattern]) => pattern.test(text))?.[1];
}

/** The suite's words for traps. */
const TRAPS: readonly (readonly [RegExp, string])[] = [
  [/out of bounds memory/, 'memory-out-of-bounds'],
  [/out of bounds table|undefined element|undefined$/, 'table-out-of-bounds'],
  [/uninitialized element|indirect call type mismatch/, 'indirect-call'],
  [/divide by zero/, 'divide-by-zero'],
  [/integer overflow/, 'integer-overflow'],
  [/invalid conversion/, 'invalid-conversion'],
  [/unreachable/, 'unreachable'],
];

function returns(expected: NonNullable<WastCommand['expected']>, values: unknown[]): boolean {
  let at = 0;
  return expected.every((value) => {
    if (value.type === 'externref' || value.type === 'funcref') {
      const actual = values[at++];
      if (value.value === 'null') return actual === null;
      return value.type === 'funcref' ? actual !== null : actual === `extern ${value.value}`;
    }
    const width = value.type === 'v128' ? 2 : 1;
    const integers = values.slice(at, at + width);
    at += width;
    const numbers = integers.filter((one) => typeof one === 'number' || typeof one === 'bigint');
    return numbers.length === width && matches(value, floatsToBits(value.type, numbers));
  });
}

/** Exported globals come as numbers even where they are floats. */
function floatsToBits(type: string, values: (number | bigint)[]): (number | bigint)[] {
  const [only] = values;
  if (typeof only !== 'number' || type !== 'f64') return values;
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, only);
  return [view.getBigUint64(0)];
}

function checkRefused(script: WastScript, command: WastCommand, report: ScriptReport): void {
  if (command.module_type === 'text' || command.filename === undefined) return;
  if (prepareModule(script.binary(command.filename)).ok) {
    report.failures.push(`line ${command.line}: admitted, though ${command.text}`);
  } else report.invalid++;
}

function checkUninstantiable(script: WastScript, command: WastCommand, report: ScriptReport): void {
  if (command.filename === undefined) return;
  const prepared = prepareModule(script.binary(command.filename));
  if (!prepared.ok) {
    report.refused++;
    return;
  }
  const result = attempt(() => startMetered(prepared.module));
  if (result.ok) report.failures.push(`line ${command.line}: instantiated`);
  else report.passed++;
}
