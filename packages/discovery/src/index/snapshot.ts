import { ANALYZER_ID } from '../lexical/analyzer.ts';
import { BM25_B, BM25_K1 } from '../lexical/bm25.ts';
import { Checksum } from './checksum.ts';
import {
  type Section,
  SectionReader,
  SectionWriter,
  SnapshotFault,
  type SnapshotFaultCode,
} from './sections.ts';
import type { Shard } from './shard.ts';

/** Bytes of a chunk, the unit in which snapshots are stored and streamed. */
export const CHUNK_BYTES = 1 << 20;

const MAGIC = 'ZSINDEX\n';
const FORMAT = 3;
const PREFIX_BYTES = 16;
const HEADER_BYTES_MAX = 65_536;
const SECTION_BYTES_MAX = 2 ** 30;

/** What a snapshot says of itself before its sections. */
export interface SnapshotHeader {
  readonly format: number;
  readonly embedder: string;
  readonly dims: number;
  readonly analyzer: string;
  readonly bm25: { readonly k1: number; readonly b: number };
  readonly engine: string;
  /** The directory revision whose cards it holds. */
  readonly rev: number;
  /** Slots, removed ones included, and cards. */
  readonly slots: number;
  readonly cards: number;
  /** Breadth of a graph search that reached the wanted recall on these very vectors. */
  readonly ef: number;
  /** Present when some cards have semantic vectors; their sections are the last. */
  readonly semantic?: SemanticHeader;
  readonly sections: readonly Section[];
}

/** Whose semantic vectors a snapshot holds, of how many cards, and how to search them. */
export interface SemanticHeader {
  readonly embedder: string;
  readonly dims: number;
  readonly engine: string;
  readonly ef: number;
  readonly cards: number;
}

/**
 * What both sides must agree on before a snapshot is of any use. Without agreement on `semantic`
 * the rest is used and the semantic vectors are left behind.
 */
export interface SnapshotIdentity {
  readonly embedder: string;
  readonly dims: number;
  readonly semantic?: { readonly embedder: string; readonly dims: number } | undefined;
}

/**
 * A shard as a stream of CHUNK_BYTES chunks: magic, header length and checksum (u32 each), a
 * header of JSON, then the sections. Chunks are made one at a time, so that writing a snapshot
 * needs one chunk of memory; the shard must not change until the last one was taken.
 */
export function* writeSnapshot(
  shard: Shard,
  identity: SnapshotIdentity,
  state: { rev: number; ef: number },
): Generator<Uint8Array> {
  const writer = new SectionWriter();
  shard.save(writer);
  const header: SnapshotHeader = {
    format: FORMAT,
    embedder: identity.embedder,
    dims: identity.dims,
    analyzer: ANALYZER_ID,
    bm25: { k1: BM25_K1, b: BM25_B },
    engine: shard.vectors.id,
    ...state,
    slots: shard.cards.slots,
    cards: shard.cards.size,
    ...semanticOf(shard, identity),
    sections: writer.sections,
  };
  yield* cut([...prologue(header), ...writer.parts]);
}

/** A snapshot read into a fresh shard, or why it cannot be. */
export type SnapshotReading =
  | { readonly ok: true; readonly shard: Shard; readonly header: SnapshotHeader }
  | { readonly ok: false; readonly code: SnapshotFaultCode; readonly detail: string };

/**
 * Streams chunks (of any size) straight into the memory of a new shard. Bytes that are not this
 * format, of another embedder, cut short or damaged are refused with a reason.
 */
export async function readSnapshot(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  identity: SnapshotIdentity,
  emptyShard: () => Shard,
): Promise<SnapshotReading> {
  const source = new ChunkSource(chunks);
  try {
    const header = await readHeader(source, identity);
    const shard = emptyShard();
    if (shard.vectors.id !== header.engine) {
      throw new SnapshotFault('other-version', `made by ${header.engine}`);
    }
    const reader = new SectionReader(header.sections, (target) => source.fill(target));
    await shard.load(reader, header);
    const { semantic, slots } = header;
    if (semantic !== undefined && fits(shard, semantic, identity)) {
      await shard.loadSemantic(reader, slots, semantic.ef);
    }
    return { ok: true, shard, header };
  } catch (error) {
    if (!(error instanceof SnapshotFault)) throw error;
    return { ok: false, code: error.code, detail: error.message };
  } finally {
    await source.close();
  }
}

function semanticOf(shard: Shard, { semantic }: SnapshotIdentity): { semantic?: SemanticHeader } {
  const held = shard.semanticHeader;
  return held === undefined || semantic === undefined ? {} : { semantic: { ...semantic, ...held } };
}

function fits(shard: Shard, header: SemanticHeader, { semantic }: SnapshotIdentity): boolean {
  return (
    header.embedder === semantic?.embedder &&
    header.dims === semantic.dims &&
    header.engine === shard.semantic?.engineId
  );
}

async function readHeader(
  source: ChunkSource,
  identity: SnapshotIdentity,
): Promise<SnapshotHeader> {
  const prefix = new Uint8Array(PREFIX_BYTES);
  await source.fill(prefix);
  if (new TextDecoder().decode(prefix.subarray(0, 8)) !== MAGIC) {
    throw new SnapshotFault('not-a-snapshot', 'magic bytes are missing');
  }
  const view = new DataView(prefix.buffer);
  const length = view.getUint32(8, true);
  if (length > HEADER_BYTES_MAX) throw new SnapshotFault('corrupt', 'header too long');
  const bytes = new Uint8Array(length);
  await source.fill(bytes);
  if (headerSum(bytes) !== view.getUint32(12, true)) {
    throw new SnapshotFault('corrupt', 'header fails its checksum');
  }
  const header = parseHeader(bytes);
  checkHeader(header, identity);
  return header;
}

/** The shape is what this version's writer makes; `checkHeader` looks at what it says. */
function parseHeader(bytes: Uint8Array): SnapshotHeader {
  try {
    const header = JSON.parse(new TextDecoder().decode(bytes)) as SnapshotHeader;
    if (Array.isArray(header.sections) && typeof header.bm25 === 'object') return header;
  } catch {
    // Not JSON: the same answer as for JSON of another shape.
  }
  throw new SnapshotFault('corrupt', 'header is not what a snapshot begins with');
}

function checkHeader(header: SnapshotHeader, identity: SnapshotIdentity): void {
  if (header.format !== FORMAT) {
    throw new SnapshotFault('other-version', `format ${header.format}`);
  }
  if (header.embedder !== identity.embedder || header.dims !== identity.dims) {
    throw new SnapshotFault('other-embedder', `${header.embedder}, ${header.dims} dims`);
  }
  const { k1, b } = header.bm25;
  if (header.analyzer !== ANALYZER_ID || k1 !== BM25_K1 || b !== BM25_B) {
    throw new SnapshotFault('other-version', `analyzer ${header.analyzer}, k1 ${k1}, b ${b}`);
  }
  const sane = ({ bytes }: Section) =>
    Number.isSafeInteger(bytes) && bytes >= 0 && bytes <= SECTION_BYTES_MAX;
  if (!header.sections.every(sane)) throw new SnapshotFault('corrupt', 'impossible section size');
}

function prologue(header: SnapshotHeader): Uint8Array[] {
  const bytes = new TextEncoder().encode(JSON.stringify(header));
  const prefix = new Uint8Array(PREFIX_BYTES);
  prefix.set(new TextEncoder().encode(MAGIC));
  const view = new DataView(prefix.buffer);
  view.setUint32(8, bytes.length, true);
  view.setUint32(12, headerSum(bytes), true);
  return [prefix, bytes];
}

function headerSum(bytes: Uint8Array): number {
  const checksum = new Checksum();
  checksum.update(bytes);
  return Number.parseInt(checksum.digest().slice(0, 8), 16);
}

/** The parts as chunks of CHUNK_BYTES, the last one shorter. */
function* cut(parts: readonly Uint8Array[]): Generator<Uint8Array> {
  let chunk = new Uint8Array(CHUNK_BYTES);
  let used = 0;
  for (const part of parts) {
    for (let at = 0; at < part.length; ) {
      const take = Math.min(part.length - at, CHUNK_BYTES - used);
      chunk.set(part.subarray(at, at + take), used);
      at += take;
      used += take;
      if (used < CHUNK_BYTES) continue;
      yield chunk;
      chunk = new Uint8Array(CHUNK_BYTES);
      used = 0;
    }
  }
  if (used > 0) yield chunk.subarray(0, used);
}

/** Hands out a stream of chunks byte by byte, copying each byte once. */
class ChunkSource {
  readonly #chunks: AsyncIterator<Uint8Array> | Iterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);
  #at = 0;

  constructor(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
    this.#chunks =
      Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
  }

  async fill(target: Uint8Array): Promise<void> {
    for (let done = 0; done < target.length; ) {
      if (this.#at === this.#chunk.length) await this.#advance();
      const take = Math.min(target.length - done, this.#chunk.length - this.#at);
      target.set(this.#chunk.subarray(this.#at, this.#at + take), done);
      this.#at += take;
      done += take;
    }
  }

  /** The stream may hold a file or a socket, also when it was not read to its end. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  async #advance(): Promise<void> {
    const step = await this.#chunks.next();
    if (step.done === true) throw new SnapshotFault('truncated', 'the stream ends too early');
    this.#chunk = step.value;
    this.#at = 0;
  }
}
