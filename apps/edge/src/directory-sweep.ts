/** What time does to the directory. Each part is small, bounded and safe to repeat. */
import { OUTBOX_KEEP_MS, SWEEP_ROWS_MAX } from '@zerostate/shared';
import { expiredOwners, ownerDelete } from './blobs/store.ts';
import { forgetHistory } from './cards/history.ts';
import { forgetCards } from './cards/store.ts';
import { forgetForwards, forgetGateways } from './gateways/store.ts';
import { forgetNonces } from './http/nonce-store.ts';
import { outboxForget } from './hub/outbox.ts';
import type { BlobStore, Database } from './ports.ts';
import { forgetMeanings } from './search/meanings.ts';
import { untilDone } from './sweep/retention.ts';
import { forgetTasks } from './tasks/store.ts';

export type DirectorySweepDeps = { directory: Database; blobs: BlobStore };

export async function sweepDirectory(deps: DirectorySweepDeps, now: number): Promise<void> {
  const parts = [
    [forgetNonces(now, SWEEP_ROWS_MAX)],
    forgetCards(now, SWEEP_ROWS_MAX),
    [forgetHistory(now, SWEEP_ROWS_MAX)],
    [forgetMeanings(now, SWEEP_ROWS_MAX)],
    [forgetTasks(now, SWEEP_ROWS_MAX)],
    [forgetForwards(now, SWEEP_ROWS_MAX)],
    [forgetGateways(now, SWEEP_ROWS_MAX)],
    outboxForget(now - OUTBOX_KEEP_MS, SWEEP_ROWS_MAX),
  ];
  for (const part of parts) await untilDone(deps.directory, part);
  await forgetBlobs(deps, now);
}

async function forgetBlobs(deps: DirectorySweepDeps, now: number): Promise<void> {
  const { directory } = deps;
  const expired = await expiredOwners(directory, now, SWEEP_ROWS_MAX);
  if (expired.length === 0) return;
  await directory.batch(expired.map(({ hash, did }) => ownerDelete(hash, did, now)));
  const hashes = [...new Set(expired.map(({ hash }) => hash))];
  const rows = await directory.read({
    sql: 'SELECT hash FROM blob WHERE hash IN (SELECT value FROM json_each(?1))',
    args: [JSON.stringify(hashes)],
  });
  const kept = new Set(rows.map((row) => row.hash));
  // Rows first: bytes that outlive their rows are only garbage, the reverse would be a lie.
  for (const hash of hashes) if (!kept.has(hash)) await deps.blobs.delete(hash);
}
