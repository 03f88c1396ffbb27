import { WASI_SIGNATURES } from '../wasi/signatures.ts';
import { Refusal } from './reader.ts';

/** Value types of WebAssembly 2.0 (core spec 5.3.1 to 5.3.4). */
export const ValueType = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
  funcref: 0x70,
  externref: 0x6f,
} as const;

/** Prefix of the exports that metering adds. */
export const RESERVED_PREFIX = '__zs_';

export function valueTypeAllowed(byte: number): boolean {
  return (byte >= ValueType.v128 && byte <= ValueType.i32) || byte === 0x70 || byte === 0x6f;
}

/** A type index, the empty type, or one value type as `s33` reads it (its byte minus 0x80). */
export function blockTypeAllowed(type: number): boolean {
  return type >= 0 || type === -64 || valueTypeAllowed(type + 0x80);
}

/** Value types, a byte each. */
export interface FunctionType {
  readonly params: Uint8Array;
  readonly results: Uint8Array;
}

/** Result and parameter types as letters: `ii:i` takes two i32 and gives one. */
export function signatureOf(type: FunctionType): string {
  return `${letters(type.params)}:${letters(type.results)}`;
}

const LETTERS = new Map<number, string>([
  [ValueType.i32, 'i'],
  [ValueType.i64, 'I'],
  [ValueType.f32, 'f'],
  [ValueType.f64, 'F'],
  [ValueType.v128, 'v'],
  [ValueType.funcref, 'r'],
  [ValueType.externref, 'x'],
]);

function letters(types: Uint8Array): string {
  return Array.from(types, (type) => LETTERS.get(type) ?? '?').join('');
}

/** AssemblyScript's assertion failure: message, file, line, column. Ends as `trap:abort`. */
export const ABORT_IMPORT = { module: 'env', name: 'abort', signature: 'iiii:' } as const;

/**
 * Only functions that the host knows, with the types that it expects: engines accept a JavaScript
 * function for any type, so a module could otherwise hand the host a float for a pointer.
 */
export function checkImport(module: string, name: string, type: FunctionType, at: number): void {
  const expected =
    module === 'wasi_snapshot_preview1'
      ? WASI_SIGNATURES.get(name)
      : module === ABORT_IMPORT.module && name === ABORT_IMPORT.name
        ? ABORT_IMPORT.signature
        : undefined;
  if (expected === undefined) {
    throw new Refusal('import', `${module}.${name} is not given by the host`, at);
  }
  if (signatureOf(type) !== expected) {
    throw new Refusal('import', `${module}.${name} has type ${signatureOf(type)}`, at);
  }
}
