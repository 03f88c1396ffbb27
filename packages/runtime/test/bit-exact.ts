import { type FunctionType, ValueType } from '../src/decode/profile.ts';
import { ExportKind, readSections, SectionId } from '../src/decode/sections.ts';
import { ADMIT_LIMITS } from '../src/limits.ts';
import { Writer } from '../src/meter/writer.ts';

/** Behind an export's name: the same function with integers for floats and vectors. */
export const BITS_SUFFIX = ' bits';

/**
 * Appends to a module, for each exported function of numbers, one that takes and gives their bits:
 * f32 as i32, f64 as i64, v128 as two i64. JavaScript cannot carry NaN payloads or vectors.
 */
export function withBitExactExports(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const shape = readSections(bytes, ADMIT_LIMITS);
  const wrapped = shape.exports.flatMap(({ name, kind, index }) => {
    const type = shape.types[shape.functionTypes[index] ?? -1];
    const numbers = kind === ExportKind.function && type !== undefined && hasOnlyNumbers(type);
    return numbers ? [{ name, index, type }] : [];
  });
  const out = new Writer();
  const section = new Writer();
  out.copy(bytes, 0, 8);
  const append = (id: number, added: number, entries: () => void): void => {
    const range = shape.sections.get(id);
    if ((range?.count ?? 0) + added === 0) return;
    section.clear();
    section.u32((range?.count ?? 0) + added);
    if (range !== undefined) section.copy(bytes, range.start, range.end);
    entries();
    out.byte(id);
    out.u32(section.length);
    out.append(section);
  };
  append(SectionId.type, wrapped.length, () => {
    for (const { type } of wrapped) {
      section.byte(0x60);
      for (const side of [type.params, type.results]) {
        const types = [...side].flatMap(asIntegers);
        section.u32(types.length);
        section.put(...types);
      }
    }
  });
  append(SectionId.import, 0, nothing);
  append(SectionId.function, wrapped.length, () => {
    for (const index of wrapped.keys()) section.u32(shape.types.length + index);
  });
  append(SectionId.table, 0, nothing);
  append(SectionId.memory, 0, nothing);
  append(SectionId.global, 0, nothing);
  append(SectionId.export, wrapped.length, () => {
    for (const [position, { name }] of wrapped.entries()) {
      section.name(name + BITS_SUFFIX);
      section.byte(ExportKind.function);
      section.u32(shape.functionTypes.length + position);
    }
  });
  if (shape.start !== undefined) {
    section.clear();
    section.u32(shape.start);
    out.put(SectionId.start);
    out.u32(section.length);
    out.append(section);
  }
  append(SectionId.element, 0, nothing);
  const dataCount = shape.sections.get(SectionId.dataCount);
  if (dataCount !== undefined) append(SectionId.dataCount, 0, nothing);
  append(SectionId.code, wrapped.length, () => {
    for (const { index, type } of wrapped) writeWrapper(section, index, type);
  });
  append(SectionId.data, 0, nothing);
  return out.bytes();
}

function nothing(): void {}

function hasOnlyNumbers(type: FunctionType): boolean {
  return [...type.params, ...type.results].every((one) => one >= ValueType.v128);
}

function asIntegers(type: number): number[] {
  switch (type) {
    case ValueType.f32:
      return [ValueType.i32];
    case ValueType.f64:
      return [ValueType.i64];
    case ValueType.v128:
      return [ValueType.i64, ValueType.i64];
    default:
      return [type];
  }
}

function writeWrapper(code: Writer, index: number, type: FunctionType): void {
  const body = new Writer(256);
  const params = [...type.params].flatMap(asIntegers).length;
  // Results are taken from the stack into locals first: a vector is read twice.
  body.u32(type.results.length);
  for (const result of type.results) body.put(1, result);
  let local = 0;
  for (const param of type.params) {
    body.put(0x20, local++);
    if (param === ValueType.f32) body.put(0xbe);
    else if (param === ValueType.f64) body.put(0xbf);
    else if (param === ValueType.v128) body.put(0xfd, 0x12, 0x20, local++, 0xfd, 0x1e, 1);
  }
  body.byte(0x10);
  body.u32(index);
  for (let i = type.results.length - 1; i >= 0; i--) {
    body.byte(0x21);
    body.u32(params + i);
  }
  for (const [i, result] of type.results.entries()) {
    body.byte(0x20);
    body.u32(params + i);
    if (result === ValueType.f32) body.put(0xbc);
    else if (result === ValueType.f64) body.put(0xbd);
    else if (result === ValueType.v128) {
      body.put(0xfd, 0x1d, 0, 0x20);
      body.u32(params + i);
      body.put(0xfd, 0x1d, 1);
    }
  }
  body.byte(0x0b);
  code.u32(body.length);
  code.append(body);
}
