import { type SectionReader, type SectionWriter, SnapshotFault } from '../../index/sections.ts';
import type { EngineExports } from './exports.ts';

/** What an engine was configured with; a snapshot of another shape does not fit its arena. */
export interface ArenaShape {
  readonly dims: number;
  readonly fan: number;
  readonly capacity: number;
}

const SEGMENT_SLOTS = 1024;
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
  for (const [name, view] of arenaSections(wasm)) writer.add(name, [view], arenaSum(wasm, view));
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
  for (const [name, view] of arenaSections(wasm)) {
    await reader.into(name, [view], () => arenaSum(wasm, view));
  }
  const fault = wasm.fault();
  if (fault !== 0) throw new SnapshotFault('corrupt', `graph: ${FAULTS[fault] ?? fault}`);
}

function arenaSections(wasm: EngineExports): [string, Uint8Array][] {
  const segments = Math.ceil(wasm.count() / SEGMENT_SLOTS);
  const view = (address: number, bytes: number) =>
    new Uint8Array(wasm.memory.buffer, address, bytes);
  return [
    ['hnsw.removed', view(wasm.removedAddress(), ((wasm.count() + 63) >>> 6) << 3)],
    ['hnsw.upper', view(wasm.upperAddress(), wasm.upperUsed() * wasm.upperListBytes())],
    ['hnsw.segments', view(wasm.segmentsAddress(), segments * wasm.segmentBytes())],
  ];
}

function arenaSum(wasm: EngineExports, { byteOffset, length }: Uint8Array): string {
  return BigInt.asUintN(64, wasm.checksum(byteOffset, length, 0n)).toString(16);
}
