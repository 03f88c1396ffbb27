import type { AdmitLimits } from '../limits.ts';
import { PROFILE } from '../limits.ts';
import { readConstantExpression, readElements } from './initializers.ts';
import { checkImport, type FunctionType, RESERVED_PREFIX, valueTypeAllowed } from './profile.ts';
import { Reader, Refusal } from './reader.ts';

export interface SizeRange {
  readonly min: number;
  readonly max: number | undefined;
}

export interface TableShape extends SizeRange {
  readonly type: number;
}

export const ExportKind = { function: 0, table: 1, memory: 2, global: 3 } as const;

export interface ExportShape {
  readonly name: string;
  readonly kind: number;
  readonly index: number;
}

/** A section's vector: its length, and its entries from `start` to `end` as they stand. */
export interface SectionRange {
  readonly count: number;
  readonly start: number;
  readonly end: number;
}

export const SectionId = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
} as const;

/** What metering must know about a module (core spec 5.5), without its instructions. */
export interface ModuleShape {
  readonly bytes: Uint8Array;
  readonly sections: Map<number, SectionRange>;
  readonly types: FunctionType[];
  readonly imports: { readonly module: string; readonly name: string; readonly type: number }[];
  /** Type index of every function, imported ones first. */
  readonly functionTypes: number[];
  readonly tables: TableShape[];
  memory: SizeRange | undefined;
  readonly exports: ExportShape[];
  start: number | undefined;
  /** Functions that something else than a direct call can reach: elements, references. */
  readonly escaping: Set<number>;
  /** Bodies of the defined functions: local declarations and instructions. */
  readonly bodies: SectionRange[];
  /** Entries of active element segments and bytes of the data section: work of instantiation. */
  elementEntries: number;
  dataBytes: number;
}

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/**
 * Reads all but the instructions. The engine's validation has passed, so this looks only for what
 * is valid and yet not admitted; the reader still never leaves its bytes.
 */
export function readSections(bytes: Uint8Array, limits: AdmitLimits): ModuleShape {
  HEADER.forEach((byte, at) => {
    if (bytes[at] !== byte) throw new Refusal('not-wasm', 'magic number or version', at);
  });
  const shape: ModuleShape = {
    bytes,
    sections: new Map(),
    types: [],
    imports: [],
    functionTypes: [],
    tables: [],
    memory: undefined,
    exports: [],
    start: undefined,
    escaping: new Set(),
    bodies: [],
    elementEntries: 0,
    dataBytes: 0,
  };
  const reader = new Reader(bytes, HEADER.length);
  while (reader.at < bytes.length) readSection(reader, shape, limits);
  if (shape.bodies.length !== shape.functionTypes.length - shape.imports.length) {
    throw new Refusal('invalid', 'functions without bodies', bytes.length);
  }
  return shape;
}

function readSection(outer: Reader, shape: ModuleShape, limits: AdmitLimits): void {
  const at = outer.at;
  const id = outer.byte();
  const length = outer.u32();
  const reader = new Reader(shape.bytes, outer.at, outer.at + length);
  outer.skip(length);
  if (id === SectionId.custom) return;
  if (id > SectionId.dataCount) throw new Refusal('feature', `section ${id}`, at);
  if (shape.sections.has(id)) throw new Refusal('invalid', `section ${id} twice`, at);
  if (id === SectionId.start) {
    shape.start = reader.u32();
    return;
  }
  const count = reader.u32();
  shape.sections.set(id, { count, start: reader.at, end: reader.end });
  if (id === SectionId.dataCount) return;
  const [max, what] = entriesMax(id, limits);
  if (count > max) throw new Refusal('limit', what, at);
  for (let entry = 0; entry < count; entry++) readEntry(reader, id, shape, limits);
  if (reader.at !== reader.end) throw new Refusal('invalid', 'section length', reader.at);
}

function entriesMax(id: number, limits: AdmitLimits): [number, string] {
  switch (id) {
    case SectionId.type:
      return [limits.typesMax, 'types'];
    case SectionId.import:
      return [limits.importsMax, 'imports'];
    case SectionId.table:
      return [limits.tablesMax, 'tables'];
    case SectionId.memory:
      return [1, 'memories'];
    case SectionId.global:
      return [limits.globalsMax, 'globals'];
    case SectionId.export:
      return [limits.exportsMax, 'exports'];
    case SectionId.element:
      return [limits.elementSegmentsMax, 'element segments'];
    case SectionId.data:
      return [limits.dataSegmentsMax, 'data segments'];
    default:
      return [limits.functionsMax, 'functions'];
  }
}

function readEntry(reader: Reader, id: number, shape: ModuleShape, limits: AdmitLimits): void {
  switch (id) {
    case SectionId.type:
      shape.types.push(readFunctionType(reader, limits));
      break;
    case SectionId.import:
      readImport(reader, shape);
      break;
    case SectionId.function:
      shape.functionTypes.push(reader.u32());
      break;
    case SectionId.table:
      readTable(reader, shape);
      break;
    case SectionId.memory:
      shape.memory = readSizeRange(reader);
      break;
    case SectionId.global:
      readValueType(reader);
      reader.byte();
      readConstantExpression(reader, shape.escaping);
      break;
    case SectionId.export:
      readExport(reader, shape);
      break;
    case SectionId.element:
      shape.elementEntries += readElements(reader, shape.escaping);
      if (shape.elementEntries > limits.elementsMax) {
        throw new Refusal('limit', 'elements', reader.at);
      }
      break;
    case SectionId.code:
      readBody(reader, shape, limits);
      break;
    case SectionId.data:
      readData(reader, shape);
      break;
  }
}

function readValueType(reader: Reader): number {
  const at = reader.at;
  const type = reader.byte();
  if (!valueTypeAllowed(type)) throw new Refusal('feature', 'value type', at);
  return type;
}

function readFunctionType(reader: Reader, limits: AdmitLimits): FunctionType {
  const at = reader.at;
  if (reader.byte() !== 0x60) throw new Refusal('feature', 'garbage collection', at);
  return { params: readValueTypes(reader, limits), results: readValueTypes(reader, limits) };
}

function readValueTypes(reader: Reader, limits: AdmitLimits): Uint8Array {
  const count = reader.u32();
  if (count > limits.aritiesMax) throw new Refusal('limit', 'parameters or results', reader.at);
  return Uint8Array.from({ length: count }, () => readValueType(reader));
}

function readImport(reader: Reader, shape: ModuleShape): void {
  const at = reader.at;
  const module = reader.name();
  const name = reader.name();
  if (reader.byte() !== ExportKind.function) {
    throw new Refusal('import', `${module}.${name} is not a function`, at);
  }
  const type = reader.u32();
  const functionType = shape.types[type];
  if (functionType === undefined) throw new Refusal('invalid', 'type index', at);
  checkImport(module, name, functionType, at);
  shape.imports.push({ module, name, type });
  shape.functionTypes.push(type);
}

function readSizeRange(reader: Reader): SizeRange {
  const at = reader.at;
  const flags = reader.byte();
  if (flags > 1) throw new Refusal('feature', 'shared or 64-bit memory', at);
  return { min: reader.u32(), max: flags === 1 ? reader.u32() : undefined };
}

function readTable(reader: Reader, shape: ModuleShape): void {
  const at = reader.at;
  const type = readValueType(reader);
  shape.tables.push({ type, ...readSizeRange(reader) });
  const entries = shape.tables.reduce((sum, table) => sum + table.min, 0);
  if (entries > PROFILE.tableEntriesMax) throw new Refusal('limit', 'table entries', at);
}

function readExport(reader: Reader, shape: ModuleShape): void {
  const at = reader.at;
  const name = reader.name();
  if (name.startsWith(RESERVED_PREFIX)) throw new Refusal('reserved', name, at);
  shape.exports.push({ name, kind: reader.byte(), index: reader.u32() });
}

function readBody(reader: Reader, shape: ModuleShape, limits: AdmitLimits): void {
  const length = reader.u32();
  if (length > limits.bodyBytesMax) throw new Refusal('limit', 'function body', reader.at);
  shape.bodies.push({ count: 0, start: reader.at, end: reader.at + length });
  reader.skip(length);
}

function readData(reader: Reader, shape: ModuleShape): void {
  const kind = reader.u32();
  if (kind === 2 && reader.u32() !== 0) throw new Refusal('feature', 'memories', reader.at);
  if (kind !== 1) readConstantExpression(reader, shape.escaping);
  const length = reader.u32();
  reader.skip(length);
  shape.dataBytes += length;
}
