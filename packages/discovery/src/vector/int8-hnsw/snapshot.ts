import {
  type RunningSum,
  type SectionReader,
  type SectionWriter,
  SnapshotFault,
} from '../../index/sections.ts';
import type { EngineExports } from './exports.ts';

/** What an engine was configured with; a snapshot of another shape does not fit its arena. */
export interface ArenaShape {
  readonly dims: number;
  readonly fan: number;
  readonly capacity: number;
}

const SEGMENT_SLOTS = 1024;
/** Copied and added up at a time; part of the format. */
const PART_BYTES = 262_144;
const FAULTS = ['', 'figures', 'entry', 'tower', 'list length', 'link target'];

/**
 * The arena as sections: figures, removed slots, upper lists, segments. They are views of wasm
 * memory, so they must be written out before the engine changes.
 */
export function saveArena(wasm: EngineExports, shape: ArenaShape, writer: SectionWriter): void {
  writer.numbers('hnsw.figures', [
    shape.dims,
    shape.fan,
    wasm.count(),
    wasm.linked(),
    wasm.entry(),
    wasm.topLevel(),
    wasm.upperUsed(),
  ]);
  for (const [name, parts] of arenaSections(wasm)) writer.add(name, parts, new ArenaSum(wasm));
}

/** Copies the sections to where they came from and looks at every link before any walk does. */
export async function restoreArena(
  wasm: EngineExports,
  shape: ArenaShape,
  reader: SectionReader,
): Promise<void> {
  const figures = await reader.numbers('hnsw.figures', 7);
  const [dims, fan, count = 0, linked = 0, entry = 0, topLevel = -1, upperUsed = 0] = figures;
  if (dims !== shape.dims || fan !== shape.fan || count > shape.capacity) {
    throw new SnapshotFault('other-shape', `${count} × ${dims}, fan ${fan}`);
  }
  if (wasm.restore(count, linked, entry, topLevel, upperUsed) === 0) {
    throw new SnapshotFault('other-shape', 'the arena has no room for it');
  }
  for (const [name, parts] of arenaSections(wasm)) {
    await reader.into(name, parts, new ArenaSum(wasm));
  }
  const fault = wasm.fault();
  if (fault !== 0) throw new SnapshotFault('corrupt', `graph: ${FAULTS[fault] ?? fault}`);
}

function arenaSections(wasm: EngineExports): [string, Uint8Array[]][] {
  const segments = Math.ceil(wasm.count() / SEGMENT_SLOTS);
  const parts = (address: number, bytes: number) =>
    Array.from({ length: Math.ceil(bytes / PART_BYTES) }, (_, i) => {
      const at = i * PART_BYTES;
      const length = Math.min(PART_BYTES, bytes - at);
      return new Uint8Array(wasm.memory.buffer, address + at, length);
    });
  return [
    ['hnsw.removed', parts(wasm.removedAddress(), ((wasm.count() + 63) >>> 6) << 3)],
    ['hnsw.upper', parts(wasm.upperAddress(), wasm.upperUsed() * wasm.upperListBytes())],
    ['hnsw.segments', parts(wasm.segmentsAddress(), segments * wasm.segmentBytes())],
  ];
}

/** The engine's own sum over views of its memory, each part seeded with the one before. */
class ArenaSum implements RunningSum {
  readonly #wasm: EngineExports;
  #sum = 0n;

  constructor(wasm: EngineExports) {
    this.#wasm = wasm;
  }

  update({ byteOffset, length }: Uint8Array): void {
    this.#sum = this.#wasm.checksum(byteOffset, length, this.#sum);
  }

  digest(): string {
    return BigInt.asUintN(64, this.#sum).toString(16);
  }
}
