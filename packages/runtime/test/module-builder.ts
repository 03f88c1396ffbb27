import { ExportKind, SectionId } from '../src/decode/sections.ts';
import { Writer } from '../src/meter/writer.ts';

export const I32 = 0x7f;
export const I64 = 0x7e;
export const F32 = 0x7d;
export const F64 = 0x7c;
export const FUNCREF = 0x70;

/** Instruction bytes: numbers are bytes as they stand, nested lists are joined. */
export type Code = readonly (number | Code)[];

export interface FunctionSource {
  params?: readonly number[];
  results?: readonly number[];
  /** Types of the locals beside the parameters. */
  locals?: readonly number[];
  code: Code | Uint8Array;
  export?: string;
}

export interface ModuleSource {
  imports?: readonly {
    module: string;
    name: string;
    params?: readonly number[];
    results?: readonly number[];
  }[];
  /** Bytes of import entries, for what is no function. */
  rawImports?: readonly Code[];
  functions?: readonly FunctionSource[];
  memory?: { min: number; max?: number; export?: string };
  tables?: readonly { type?: number; min: number; max?: number }[];
  /** Initial value as a constant expression without its end. */
  globals?: readonly { type: number; mutable?: boolean; init: Code; export?: string }[];
  start?: number;
  /** Function indices from offset 0 of table 0. */
  elements?: readonly number[];
  data?: readonly { offset: number; bytes: Uint8Array }[];
}

/** Signed LEB128. */
export function sleb(value: number | bigint): number[] {
  const out: number[] = [];
  let rest = BigInt(value);
  for (;;) {
    const low = Number(rest & 127n);
    rest >>= 7n;
    if ((rest === 0n && low < 64) || (rest === -1n && low >= 64)) return [...out, low];
    out.push(low | 128);
  }
}

/** Unsigned LEB128. */
export function uleb(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) out.push((rest & 127) | 128);
  return [...out, rest];
}

export const i32 = (value: number): Code => [0x41, sleb(value)];
export const i64 = (value: bigint): Code => [0x42, sleb(value)];
export const get = (local: number): Code => [0x20, uleb(local)];
export const set = (local: number): Code => [0x21, uleb(local)];
export const call = (index: number): Code => [0x10, uleb(index)];

export function f64(value: number): Code {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value, true);
  return [0x44, ...bytes];
}

/** Bytes of a module. Types are laid one a function: duplicates do no harm. */
export function buildModule(source: ModuleSource): Uint8Array<ArrayBuffer> {
  return new ModuleWriter(source).write();
}

class ModuleWriter {
  private readonly source: ModuleSource;
  private readonly out = new Writer();

  constructor(source: ModuleSource) {
    this.source = source;
  }

  write(): Uint8Array<ArrayBuffer> {
    const {
      imports = [],
      rawImports = [],
      functions = [],
      tables = [],
      globals = [],
    } = this.source;
    this.out.put(0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
    this.section(SectionId.type, imports.length + functions.length, (out) => {
      for (const { params = [], results = [] } of [...imports, ...functions]) {
        out.put(0x60, ...uleb(params.length), ...params, ...uleb(results.length), ...results);
      }
    });
    this.section(SectionId.import, imports.length + rawImports.length, (out) => {
      for (const [type, { module, name }] of imports.entries()) {
        out.name(module);
        out.name(name);
        out.put(0, ...uleb(type));
      }
      for (const raw of rawImports) writeCode(out, raw);
    });
    this.section(SectionId.function, functions.length, (out) => {
      for (const index of functions.keys()) out.u32(imports.length + index);
    });
    this.section(SectionId.table, tables.length, (out) => {
      for (const { type = FUNCREF, min, max } of tables) {
        out.byte(type);
        writeSizes(out, min, max);
      }
    });
    this.memory();
    this.section(SectionId.global, globals.length, (out) => {
      for (const { type, mutable = true, init } of globals) {
        out.put(type, mutable ? 1 : 0);
        writeCode(out, init);
        out.byte(0x0b);
      }
    });
    this.exports();
    this.rest();
    return this.out.bytes();
  }

  private section(id: number, count: number, write: (out: Writer) => void): void {
    if (count === 0) return;
    const section = new Writer();
    section.u32(count);
    write(section);
    this.out.byte(id);
    this.out.u32(section.length);
    this.out.append(section);
  }

  private memory(): void {
    const { memory } = this.source;
    if (memory === undefined) return;
    this.section(SectionId.memory, 1, (out) => writeSizes(out, memory.min, memory.max));
  }

  private exports(): void {
    const { imports = [], functions = [], globals = [], memory } = this.source;
    const entries: [name: string, kind: number, index: number][] = [];
    for (const [index, one] of functions.entries()) {
      if (one.export === undefined) continue;
      entries.push([one.export, ExportKind.function, imports.length + index]);
    }
    for (const [index, one] of globals.entries()) {
      if (one.export !== undefined) entries.push([one.export, ExportKind.global, index]);
    }
    if (memory?.export !== undefined) entries.push([memory.export, ExportKind.memory, 0]);
    this.section(SectionId.export, entries.length, (out) => {
      for (const [name, kind, index] of entries) {
        out.name(name);
        out.byte(kind);
        out.u32(index);
      }
    });
  }

  private rest(): void {
    const { functions = [], elements = [], data = [], start } = this.source;
    if (start !== undefined) {
      this.out.put(SectionId.start, uleb(start).length, ...uleb(start));
    }
    this.section(SectionId.element, elements.length > 0 ? 1 : 0, (out) => {
      out.put(0, 0x41, 0, 0x0b);
      out.u32(elements.length);
      for (const index of elements) out.u32(index);
    });
    this.section(SectionId.code, functions.length, (out) => {
      for (const one of functions) writeFunction(out, one);
    });
    this.section(SectionId.data, data.length, (out) => {
      for (const { offset, bytes } of data) {
        out.put(0, 0x41, ...sleb(offset), 0x0b);
        out.u32(bytes.length);
        out.copy(bytes, 0, bytes.length);
      }
    });
  }
}

function writeSizes(out: Writer, min: number, max: number | undefined): void {
  out.byte(max === undefined ? 0 : 1);
  out.u32(min);
  if (max !== undefined) out.u32(max);
}

function writeFunction(out: Writer, source: FunctionSource): void {
  const body = new Writer(1024);
  const { locals = [], code } = source;
  body.u32(locals.length);
  for (const type of locals) body.put(1, type);
  if (code instanceof Uint8Array) body.copy(code, 0, code.length);
  else writeCode(body, code);
  body.byte(0x0b);
  out.u32(body.length);
  out.append(body);
}

function writeCode(out: Writer, code: Code): void {
  for (const part of code) {
    if (typeof part === 'number') out.byte(part);
    else writeCode(out, part);
  }
}
