/** Where snapshots of the search index lie: rows of the directory, files, or a bucket. */

/** One whole snapshot. */
export type SnapshotInfo = {
  /** Names it for good: ids sort by rev, then by the time of building. */
  readonly id: string;
  /** What its vectors were made with: snapshots of other embedders are of no use. */
  readonly embedder: string;
  /** The directory's revision that it holds. */
  readonly rev: number;
  readonly cards: number;
  /** Milliseconds since 1970. */
  readonly builtAt: number;
  /** Pieces of each shard, as this store cut them. */
  readonly shards: readonly number[];
};

/** What is known before the first byte is written. */
export type SnapshotDraft = Omit<SnapshotInfo, 'shards'>;

/** A stream of chunks of at most 1 MiB. */
export type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/**
 * Snapshots are written once and never changed. One that is not written to its end is not listed,
 * and one that is listed may still be damaged: whoever reads it checks it.
 */
export interface SnapshotStore {
  /** Whole snapshots of an embedder, newest first. */
  list(embedder: string): Promise<SnapshotInfo[]>;
  /** The bytes of one shard in order; they end early where something is missing. */
  read(snapshot: SnapshotInfo, shard: number): AsyncIterable<Uint8Array>;
  /** Takes the chunks one at a time, and lists the snapshot when all of them are kept. */
  write(draft: SnapshotDraft, shards: readonly Chunks[]): Promise<SnapshotInfo>;
  /**
   * Forgets the embedder's snapshots that are not kept, those of other embedders that are older
   * than a new version takes to arrive everywhere, and what unfinished writes left behind. For
   * whoever holds the builder's lease: nobody else writes then.
   */
  prune(about: Pruning): Promise<void>;
}

export type Pruning = {
  readonly embedder: string;
  readonly keep: readonly string[];
  /** Snapshots of other embedders that were built before this go. */
  readonly othersBefore: number;
};

/** A name that sorts by rev and age; `random` tells apart what was built in one millisecond. */
export function snapshotId(about: { rev: number; builtAt: number; random: string }): string {
  const rev = about.rev.toString(36).padStart(11, '0');
  return `${rev}-${about.builtAt.toString(36).padStart(9, '0')}-${about.random}`;
}

/** Newest first. */
export function byNewest(snapshots: readonly SnapshotInfo[]): SnapshotInfo[] {
  return [...snapshots].sort((a, b) => b.rev - a.rev || b.builtAt - a.builtAt);
}

/**
 * Reads one piece ahead, so that the next is under way while this one is taken in. No more:
 * a piece is a mebibyte of an isolate that has 128.
 */
export async function* readAhead(
  pieces: number,
  read: (i: number) => Promise<Uint8Array | null>,
): AsyncGenerator<Uint8Array> {
  let next = pieces > 0 ? read(0) : null;
  for (let i = 1; next !== null; i++) {
    const piece = await next;
    if (piece === null) return;
    next = i < pieces ? read(i) : null;
    // An abandoned read must not become an unhandled rejection.
    next?.catch(() => undefined);
    yield piece;
  }
}

/**
 * Two stores as one: written to the first, read from both. A bucket stands before the rows, so
 * that a snapshot which a command wrote into the directory is found by workers that use a bucket.
 */
export function eitherStore(first: SnapshotStore, second: SnapshotStore): SnapshotStore {
  const from = new Map<string, SnapshotStore>();
  return {
    async list(embedder) {
      const lists = await Promise.all([first, second].map((store) => store.list(embedder)));
      from.clear();
      for (const { id } of lists[0] ?? []) from.set(id, first);
      return byNewest(lists.flat());
    },
    read: (snapshot, shard) => (from.get(snapshot.id) ?? second).read(snapshot, shard),
    async write(draft, shards) {
      const written = await first.write(draft, shards);
      from.set(written.id, first);
      return written;
    },
    async prune(about) {
      await Promise.all([first.prune(about), second.prune(about)]);
    },
  };
}

/** What `prune` lets go of these. */
export function outdated(
  snapshots: readonly SnapshotInfo[],
  { embedder, keep, othersBefore }: Pruning,
): SnapshotInfo[] {
  return snapshots.filter((snapshot) =>
    snapshot.embedder === embedder ? !keep.includes(snapshot.id) : snapshot.builtAt < othersBefore,
  );
}
