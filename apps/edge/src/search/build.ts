/**
 * Building snapshots. In a worker: the last snapshot, and what was published since, a bounded
 * number of cards a run; never a rebuild. As a command: everything.
 */
import { DELTA_MAX } from '@zerostate/discovery';
import type { Rng } from '../ports.ts';
import { LEASE_MS, returnLease, takeLease } from '../sweep/lease.ts';
import { catchUp, emptyHeld, type HeldIndex, type IndexDeps, restoreNewest } from './held-index.ts';
import { Meanings } from './meanings.ts';
import { type SnapshotInfo, snapshotId } from './snapshot-store.ts';

export type BuildDeps = IndexDeps & { rng: Rng };

/** The whole and the one before it: a worker may be reading that one just now. */
const SNAPSHOTS_KEPT = 2;
/** A new version of the edge arrives everywhere within this. */
const OTHERS_MS = 86_400_000;
/** Fewer changes than a delta are written down when the snapshot is as old as this. */
const AGE_MS = 600_000;
/** Cards put into the graph before others may run. */
const LINK_SLICE = 32;
const LEASE = 'index';
/** Slots of replaced cards from which they are given back, when they are more than those in use. */
const SPENT_MIN = 2_000;

export type BuildProgress = {
  step: 'load' | 'read' | 'embed' | 'link' | 'write';
  /** Cards read, embedded or linked, chunks loaded or written so far. */
  done: number;
};

export type BuildOptions = {
  /** From the first card on, whatever there is; all cards instead of DELTA_MAX of them. */
  full?: boolean;
  progress?: (progress: BuildProgress) => void;
  /** There is something to do, and nobody else does it. */
  starting?: () => void;
};

export type Built =
  | { outcome: 'written'; snapshot: SnapshotInfo; held: HeldIndex }
  /** Too little has changed. */
  | { outcome: 'current' }
  /** Another worker builds. */
  | { outcome: 'busy' };

/** Another builder has taken over: what this one began stays unlisted. */
class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
}

/** One run. Cut short anywhere, it leaves the snapshots that were there in use. */
export async function buildSnapshot(deps: BuildDeps, options: BuildOptions = {}): Promise<Built> {
  if (options.full !== true && !(await isDue(deps))) return { outcome: 'current' };
  const lease = await openLease(deps);
  if (lease === null) return { outcome: 'busy' };
  try {
    options.starting?.();
    return await build(deps, lease, options);
  } catch (error) {
    if (error instanceof LeaseLost) return { outcome: 'busy' };
    throw error;
  } finally {
    await lease.end();
  }
}

/** Whether there is as much to do as a snapshot costs. */
async function isDue({ directory, clock, search }: BuildDeps): Promise<boolean> {
  const [[head], [newest]] = await Promise.all([
    directory.read({ sql: 'SELECT rev FROM card_rev', args: [] }),
    search.snapshots.list(search.embedder.id),
  ]);
  const changes = Number(head?.rev ?? 0) - (newest?.rev ?? 0);
  if (changes >= search.delta) return true;
  const builtAt = newest?.builtAt ?? 0;
  return changes > 0 && clock.now() - builtAt >= AGE_MS;
}

async function build(deps: BuildDeps, lease: Lease, options: BuildOptions): Promise<Built> {
  const { search, clock, rng } = deps;
  const report = options.progress ?? (() => {});
  const full = options.full === true;
  const builtAt = clock.now();
  const held = full ? emptyHeld(search) : await restored(deps, lease, report);
  held.index.dropExpired(builtAt);
  let read = 0;
  await catchUp(deps, held, {
    limit: full ? Number.POSITIVE_INFINITY : DELTA_MAX,
    seen: (rows) => {
      read += rows.length;
      report({ step: 'read', done: read });
    },
  });
  // Vectors that the workers have made; a full build makes the others as well.
  const made = (done: number) => report({ step: 'embed', done });
  await new Meanings(deps).fill(held.index, full ? { made } : undefined);
  if (held.index.spent > Math.max(SPENT_MIN, held.index.size)) await held.index.compact();
  await link(deps, lease, held, { limit: full ? Number.POSITIVE_INFINITY : DELTA_MAX, report });
  held.index.calibrate();
  const { rev } = held;
  const random = [...rng.bytes(4)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const draft = {
    id: snapshotId({ rev, builtAt, random }),
    embedder: search.embedder.id,
    rev,
    cards: held.index.size,
    builtAt,
  };
  const written = counter((done) => report({ step: 'write', done }));
  const shards = held.index.snapshots().map((chunks) => leased(chunks, lease, written));
  const snapshot = await search.snapshots.write(draft, shards);
  await prune(deps);
  return { outcome: 'written', snapshot, held: { ...held, snapshot, changes: 0 } };
}

function restored(
  deps: BuildDeps,
  lease: Lease,
  report: (progress: BuildProgress) => void,
): Promise<HeldIndex> {
  const loaded = counter((done) => report({ step: 'load', done }));
  return restoreNewest(deps, {
    chosen: () => lease.keep(),
    chunk: loaded,
  });
}

async function link(
  { search }: BuildDeps,
  lease: Lease,
  { index }: HeldIndex,
  about: { limit: number; report: (progress: BuildProgress) => void },
): Promise<void> {
  for (let done = 0; done < about.limit; ) {
    const linked = index.link(Math.min(LINK_SLICE, about.limit - done));
    if (linked === 0) return;
    done += linked;
    about.report({ step: 'link', done });
    await lease.keep();
    // Requests come first: this worker answers some while it builds.
    await new Promise<void>((resolve) => {
      search.timers.after(0, resolve);
    });
  }
}

async function* leased(
  chunks: Iterable<Uint8Array>,
  lease: Lease,
  written: () => void,
): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) {
    await lease.keep();
    yield chunk;
    written();
  }
  // The snapshot is listed after the last chunk: only by whoever still holds the lease.
  await lease.renew();
}

async function prune({ search, clock }: BuildDeps): Promise<void> {
  const embedder = search.embedder.id;
  const newest = (await search.snapshots.list(embedder)).slice(0, SNAPSHOTS_KEPT);
  const keep = newest.map(({ id }) => id);
  await search.snapshots.prune({ embedder, keep, othersBefore: clock.now() - OTHERS_MS });
}

type Lease = {
  /** Renews it when a third of its time is over. */
  keep(): Promise<void>;
  renew(): Promise<void>;
  end(): Promise<void>;
};

/** Null while another worker builds. */
async function openLease({ directory, clock, rng }: BuildDeps): Promise<Lease | null> {
  const holder = [...rng.bytes(16)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  if (!(await takeLease(directory, LEASE, holder))) return null;
  let renewedAt = clock.now();
  const renew = async () => {
    if (!(await takeLease(directory, LEASE, holder))) throw new LeaseLost();
    renewedAt = clock.now();
  };
  return {
    renew,
    async keep() {
      if (clock.now() - renewedAt >= LEASE_MS / 3) await renew();
    },
    end: () => returnLease(directory, LEASE, holder),
  };
}

function counter(report: (count: number) => void): () => void {
  let count = 0;
  return () => report(++count);
}
