/** An index, and how far it has followed the directory. */
import { type CardChange, CardIndex } from '@zerostate/discovery';
import { type CardRow, toDocument } from '../cards/model.ts';
import { cardsSince } from '../cards/store.ts';
import type { Clock, Database, Log } from '../ports.ts';
import { type SearchPorts, type SemanticEmbedder, semanticFor } from './ports.ts';
import type { SnapshotInfo } from './snapshot-store.ts';

/** Rows of one read: at most 64 KiB of card each. */
const PAGE = 250;

export type HeldIndex = {
  readonly index: CardIndex;
  /** What it was loaded from; null when it was made of the cards alone. */
  readonly snapshot: SnapshotInfo | null;
  /** Whose second vectors it can hold. */
  readonly semantic: SemanticEmbedder | undefined;
  /** The last revision it has taken in. */
  rev: number;
  /** Cards taken in since the snapshot. */
  changes: number;
};

export type IndexDeps = {
  directory: Database;
  clock: Clock;
  log: Log;
  search: SearchPorts;
};

function emptyIndex(
  { embedder, engine }: SearchPorts,
  semantic: SemanticEmbedder | undefined,
): CardIndex {
  return new CardIndex({
    embedder,
    ...(semantic === undefined ? {} : { semantic }),
    ...(engine === undefined ? {} : { engine }),
  });
}

/**
 * The newest snapshot that can be used, or an empty index at rev 0. Each that is refused is named
 * with its reason, and the next older one is tried.
 */
export async function restoreNewest(
  deps: IndexDeps,
  on: {
    chosen?: (snapshot: SnapshotInfo) => Promise<void>;
    chunk?: () => void;
    /** Cards to expect where there is no snapshot. */
    cards?: number;
  } = {},
): Promise<HeldIndex> {
  const { search, log } = deps;
  for (const snapshot of await search.snapshots.list(search.embedder.id)) {
    await on.chosen?.(snapshot);
    const semantic = semanticFor(search, Math.max(snapshot.cards, on.cards ?? 0));
    const index = emptyIndex(search, semantic);
    const shards = snapshot.shards.map((_, i) =>
      watched(search.snapshots.read(snapshot, i), on.chunk),
    );
    const restored = await index.restore(shards);
    if (restored.ok) return { index, snapshot, semantic, rev: restored.rev, changes: 0 };
    log.warn('index snapshot refused', {
      id: snapshot.id,
      code: restored.code,
      detail: restored.detail,
    });
  }
  return emptyHeld(search, on.cards);
}

export function emptyHeld(search: SearchPorts, cards = 0): HeldIndex {
  const semantic = semanticFor(search, cards);
  return { index: emptyIndex(search, semantic), snapshot: null, semantic, rev: 0, changes: 0 };
}

async function* watched(
  chunks: AsyncIterable<Uint8Array>,
  seen: (() => void) | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    seen?.();
    yield chunk;
  }
}

export type CatchUp = {
  /** Cards at most; the rest is for the next time. */
  limit?: number;
  /** Told of each page of rows. */
  seen?: (rows: readonly CardRow[]) => void;
};

/** Takes in what was published after the index's rev, in its order. */
export async function catchUp(
  { directory, clock }: IndexDeps,
  held: HeldIndex,
  { limit = Number.POSITIVE_INFINITY, seen }: CatchUp = {},
): Promise<void> {
  for (let taken = 0; taken < limit; ) {
    const page = Math.min(PAGE, limit - taken);
    const rows = await cardsSince(directory, held.rev, page);
    const now = clock.now();
    const changes = rows.map((row) => toChange(row, now));
    if (changes.length > 0) await held.index.apply(changes);
    seen?.(rows);
    held.rev = Math.max(rows.at(-1)?.rev ?? 0, held.rev);
    held.changes += rows.length;
    taken += rows.length;
    if (rows.length < page) return;
  }
}

function toChange(row: CardRow, now: number): CardChange {
  const { rev, did, agent } = row;
  const isGone = row.revoked || row.expiresAt <= now;
  return isGone ? { rev, removed: `${did}#${agent}` } : { rev, card: toDocument(row) };
}
