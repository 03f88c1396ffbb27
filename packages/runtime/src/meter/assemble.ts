import { RESERVED_PREFIX } from '../decode/profile.ts';
import { ExportKind, type ExportShape, type ModuleShape, SectionId } from '../decode/sections.ts';
import { PROFILE } from '../limits.ts';
import type { AddedTypes } from './added-types.ts';
import type { MeterIndices } from './body-plan.ts';
import { helperCount } from './helpers.ts';
import type { Passing } from './passing.ts';
import { Writer } from './writer.ts';

/** Exports that metering adds; a module that has one of these names is not admitted. */
export const MeterExport = {
  gas: `${RESERVED_PREFIX}gas`,
  depth: `${RESERVED_PREFIX}depth`,
  stop: `${RESERVED_PREFIX}stop`,
  pages: `${RESERVED_PREFIX}pages`,
  memory: `${RESERVED_PREFIX}memory`,
  start: `${RESERVED_PREFIX}start`,
  /** Before the index of a function that the host enters through another. */
  function: `${RESERVED_PREFIX}function.`,
} as const;

/**
 * Puts the module together again (core spec 5.5.2). Nothing is renumbered: types, functions,
 * globals and exports are appended. Custom sections are left out: offsets in them would be wrong.
 * The start function becomes an export, because gas can be set only once the instance is there.
 */
export function assembleModule(
  shape: ModuleShape,
  types: AddedTypes,
  helperType: number,
  indices: MeterIndices,
  code: Writer,
  passing: Passing | undefined,
): Uint8Array<ArrayBuffer> {
  const out = new Writer(code.length + shape.bytes.length);
  out.copy(shape.bytes, 0, 8);
  const section = new Writer();
  const put = (id: number, count: number, entries: () => void): void => {
    if (count === 0) return;
    section.clear();
    section.u32(count);
    entries();
    out.byte(id);
    out.u32(section.length);
    out.append(section);
  };
  const write = (id: number, added: number, append: () => void): void => {
    const range = shape.sections.get(id);
    put(id, (range?.count ?? 0) + added, () => {
      if (range !== undefined) section.copy(shape.bytes, range.start, range.end);
      append();
    });
  };
  const nothing = (): void => {};
  const helpers = helperCount(shape);
  const entered = passing?.entered() ?? [];
  const firstEntry = shape.functionTypes.length + helpers;
  const entries = new Map(entered.map((index, place) => [index, firstEntry + place]));
  const functions = shape.functionTypes.slice(shape.imports.length).map((type, defined) => {
    return passing?.functionType(shape.imports.length + defined) ?? type;
  });
  for (let helper = 0; helper < helpers; helper++) functions.push(helperType);
  for (const index of entered) functions.push(shape.functionTypes[index] ?? 0);
  write(SectionId.type, types.count, () => section.append(types.entries));
  write(SectionId.import, 0, nothing);
  put(SectionId.function, functions.length, () => {
    for (const type of functions) section.u32(type);
  });
  writeTables(out, section, shape);
  write(SectionId.memory, 0, nothing);
  write(SectionId.global, 4, () => appendGlobals(section));
  const exported = exportsOf(shape, indices, entries);
  put(SectionId.export, exported.length, () => {
    for (const entry of exported) {
      section.name(entry.name);
      section.byte(entry.kind);
      section.u32(entry.index);
    }
  });
  write(SectionId.element, 0, nothing);
  writeDataCount(out, shape);
  writeCode(out, code, functions.length);
  write(SectionId.data, 0, nothing);
  return out.bytes();
}

/** Every table gets a maximum, so that an engine never holds more entries than the profile's. */
function writeTables(out: Writer, section: Writer, shape: ModuleShape): void {
  if (shape.tables.length === 0) return;
  section.clear();
  section.u32(shape.tables.length);
  for (const { type, min, max } of shape.tables) {
    section.put(type, 1);
    section.u32(min);
    section.u32(Math.min(max ?? PROFILE.tableEntriesMax, PROFILE.tableEntriesMax));
  }
  out.byte(SectionId.table);
  out.u32(section.length);
  out.append(section);
}

/** Gas and pages are set by the host before anything runs; the stack's limit is the same always. */
function appendGlobals(section: Writer): void {
  section.put(0x7e, 1, 0x42, 0, 0x0b);
  section.put(0x7f, 1, 0x41);
  section.integer(PROFILE.stackBytesMax);
  section.byte(0x0b);
  section.put(0x7f, 1, 0x41, 0, 0x0b);
  section.put(0x7f, 1, 0x41, 0, 0x0b);
}

function exportsOf(
  shape: ModuleShape,
  indices: MeterIndices,
  entries: ReadonlyMap<number, number>,
): ExportShape[] {
  const { global, function: code, memory } = ExportKind;
  const entryOf = (index: number): number => entries.get(index) ?? index;
  const exported: ExportShape[] = shape.exports.map((entry) =>
    entry.kind === code ? { ...entry, index: entryOf(entry.index) } : entry,
  );
  exported.push(
    { name: MeterExport.gas, kind: global, index: indices.gas },
    { name: MeterExport.depth, kind: global, index: indices.depth },
    { name: MeterExport.stop, kind: global, index: indices.stop },
    { name: MeterExport.pages, kind: global, index: indices.pages },
  );
  if (shape.memory !== undefined) {
    exported.push({ name: MeterExport.memory, kind: memory, index: 0 });
  }
  if (shape.start !== undefined) {
    exported.push({ name: MeterExport.start, kind: code, index: entryOf(shape.start) });
  }
  // `ref.func` takes only functions that stand in an export or an element (core spec 3.4.10), and
  // for these the author's export was all there may be.
  for (const index of entries.keys()) {
    exported.push({ name: `${MeterExport.function}${index}`, kind: code, index });
  }
  return exported;
}

function writeDataCount(out: Writer, shape: ModuleShape): void {
  const range = shape.sections.get(SectionId.dataCount);
  if (range === undefined) return;
  const section = new Writer(16);
  section.u32(range.count);
  out.byte(SectionId.dataCount);
  out.u32(section.length);
  out.append(section);
}

function writeCode(out: Writer, code: Writer, functions: number): void {
  const count = new Writer(16);
  count.u32(functions);
  out.byte(SectionId.code);
  out.u32(count.length + code.length);
  out.append(count);
  out.append(code);
}
