import { type Reader, Refusal } from './reader.ts';

/**
 * Skips a constant expression of WebAssembly 2.0 (core spec 3.3.10) and notes the functions that it
 * references. `global.get` could only name an import, and globals are not imported here.
 */
export function readConstantExpression(reader: Reader, references: Set<number>): void {
  for (;;) {
    const at = reader.at;
    switch (reader.byte()) {
      case 0x0b:
        return;
      case 0x41:
      case 0x42:
        reader.skipInteger();
        break;
      case 0x43:
        reader.skip(4);
        break;
      case 0x44:
        reader.skip(8);
        break;
      case 0xd0:
        reader.skip(1);
        break;
      case 0xd2:
        references.add(reader.u32());
        break;
      case 0xfd:
        if (reader.u32() !== 12) throw new Refusal('feature', 'extended constants', at);
        reader.skip(16);
        break;
      default:
        throw new Refusal('feature', 'extended constants', at);
    }
  }
}

/** Reads one element segment (5.5.12); gives the number of its entries. */
export function readElements(reader: Reader, references: Set<number>): number {
  const at = reader.at;
  const flags = reader.u32();
  if (flags > 7) throw new Refusal('invalid', 'element segment', at);
  const passive = (flags & 1) !== 0;
  const explicit = (flags & 2) !== 0;
  const expressions = (flags & 4) !== 0;
  if (!passive) {
    if (explicit) reader.u32();
    readConstantExpression(reader, references);
  }
  // The element kind or reference type; left out for the two oldest forms.
  if (passive || explicit) readReferenceType(reader, expressions);
  const count = reader.u32();
  for (let entry = 0; entry < count; entry++) {
    if (expressions) readConstantExpression(reader, references);
    else references.add(reader.u32());
  }
  return count;
}

function readReferenceType(reader: Reader, expressions: boolean): void {
  const at = reader.at;
  const type = reader.byte();
  const allowed = expressions ? type === 0x70 || type === 0x6f : type === 0;
  if (!allowed) throw new Refusal('feature', 'reference type', at);
}
