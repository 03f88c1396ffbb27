import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A value in wast2json's output: vectors have one text a lane. */
export interface WastValue {
  type: string;
  value?: string | string[];
  lane_type?: string;
}

export interface WastAction {
  type: 'invoke' | 'get';
  module?: string;
  field: string;
  args?: WastValue[];
}

export interface WastCommand {
  type: string;
  line: number;
  name?: string;
  filename?: string;
  module_type?: string;
  action?: WastAction;
  expected?: WastValue[];
  text?: string;
}

export interface WastScript {
  commands: WastCommand[];
  binary(filename: string): Uint8Array<ArrayBuffer>;
}

/** A file of the suite, and how many of its modules wabt could not read. */
export interface WastFile {
  scripts: WastScript[];
  unread: number;
}

/**
 * Translates a test file with wabt's wast2json. Some files mix in syntax that is newer than wabt;
 * those are translated module by module, so that the rest of them is run.
 */
export function readWast(path: string): WastFile {
  const source = readFileSync(path, 'utf8');
  const whole = translate(source);
  if (whole !== undefined) return { scripts: [whole], unread: 0 };
  const parts = splitByModule(source).map(translate);
  const scripts = parts.filter((script) => script !== undefined);
  return { scripts, unread: parts.length - scripts.length };
}

function translate(source: string): WastScript | undefined {
  return translateWith([], source) ?? translateWith(['--enable-all'], source);
}

function translateWith(flags: string[], source: string): WastScript | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'wast-'));
  const text = join(folder, 'script.wast');
  const json = join(folder, 'script.json');
  try {
    writeFileSync(text, source);
    execFileSync('wast2json', [...flags, text, '-o', json], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return loadScript(folder, json);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new Error('wast2json is missing: apt-get install -y wabt');
    }
    return undefined;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function loadScript(folder: string, json: string): WastScript {
  const commands = JSON.parse(readFileSync(json, 'utf8')).commands as WastCommand[];
  const binaries = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const { filename, module_type } of commands) {
    if (filename === undefined || module_type === 'text') continue;
    binaries.set(filename, new Uint8Array(readFileSync(join(folder, filename))));
  }
  return {
    commands,
    binary: (filename) => {
      const bytes = binaries.get(filename);
      if (bytes === undefined) throw new Error(`no binary ${filename}`);
      return bytes;
    },
  };
}

/** A module and the commands up to the next one, for each module of the source. */
function splitByModule(source: string): string[] {
  const parts: string[] = [];
  for (const form of topLevelForms(source)) {
    const last = parts.length - 1;
    if (last < 0 || /^\(\s*(module|assert_invalid|assert_malformed)/.test(form)) parts.push(form);
    else parts[last] += `\n${form}`;
  }
  return parts;
}

/** The parenthesised forms of a source; strings and comments may hold parentheses too. */
function* topLevelForms(source: string): Generator<string> {
  const token = /"(?:\\.|[^"\\])*"|;;[^\n]*|\(;|;\)|[()]/gs;
  let depth = 0;
  let comments = 0;
  let start = 0;
  for (const { 0: text, index } of source.matchAll(token)) {
    if (text === '(;') comments++;
    else if (text === ';)') comments--;
    else if (comments > 0) continue;
    else if (text === '(' && depth++ === 0) start = index;
    else if (text === ')' && --depth === 0) yield source.slice(start, index + 1);
  }
}

const LANE_BITS: Readonly<Record<string, number>> = {
  i8: 8,
  i16: 16,
  i32: 32,
  f32: 32,
  i64: 64,
  f64: 64,
};

/** Lanes of a value as texts, with their width. */
export function lanesOf(value: WastValue): { bits: number; float: boolean; texts: string[] } {
  const type = value.lane_type ?? value.type;
  const texts = Array.isArray(value.value) ? value.value : [value.value ?? ''];
  return { bits: LANE_BITS[type] ?? 0, float: type.startsWith('f'), texts };
}

/** The integers that a bit-exact export takes for an argument. */
export function argumentBits(value: WastValue): (number | bigint)[] {
  const { bits, texts } = lanesOf(value);
  if (value.type !== 'v128') {
    const text = texts[0] ?? '0';
    return bits === 32 ? [Number(text) | 0] : [BigInt.asIntN(64, BigInt(text))];
  }
  let vector = 0n;
  texts.forEach((text, lane) => {
    vector |= BigInt.asUintN(bits, BigInt(text)) << BigInt(lane * bits);
  });
  return [BigInt.asIntN(64, vector), BigInt.asIntN(64, vector >> 64n)];
}

/** Whether the bits that came out are what the script expects. */
export function matches(expected: WastValue, integers: readonly (number | bigint)[]): boolean {
  const { bits, float, texts } = lanesOf(expected);
  let value = 0n;
  integers.forEach((integer, index) => {
    value |= BigInt.asUintN(64, BigInt(integer)) << BigInt(64 * index);
  });
  return texts.every((text, lane) => {
    const actual = BigInt.asUintN(bits, value >> BigInt(lane * bits));
    return float ? floatMatches(text, actual, bits) : actual === BigInt.asUintN(bits, BigInt(text));
  });
}

/** Canonical: quiet bit alone. Arithmetic: quiet bit and whatever. The sign is free in both. */
function floatMatches(text: string, actual: bigint, bits: number): boolean {
  const quiet = bits === 32 ? 0x7fc00000n : 0x7ff8000000000000n;
  const magnitude = BigInt.asUintN(bits - 1, actual);
  if (text === 'nan:canonical') return magnitude === quiet;
  if (text === 'nan:arithmetic') return (magnitude & quiet) === quiet;
  return actual === BigInt.asUintN(bits, BigInt(text));
}
