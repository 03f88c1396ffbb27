/** Forwards that nobody answered in time: what that says about their gateways. */
import { type OutboxDatabase, type PeerOutcome, SWEEP_ROWS_MAX } from '@zerostate/shared';
import type { Database } from '../ports.ts';
import { learnOf } from './choice.ts';
import { FORWARD_LATE_MS } from './limits.ts';
import { type Forward, forwardEnd, readAcked, silentForwards } from './store.ts';

/**
 * A gateway is blamed when its executor has not been heard of by its own link either. A voucher has
 * no answer, and what was acknowledged meanwhile needs none.
 */
export async function judgeSilent(
  databases: Record<OutboxDatabase, Database>,
  now: number,
): Promise<void> {
  const { directory, ledger } = databases;
  const silent = await silentForwards(directory, now - FORWARD_LATE_MS, SWEEP_ROWS_MAX);
  if (silent.length === 0) return;
  const targets = [...new Set(silent.map(({ target }) => target))];
  const acked = {
    directory: await readAcked(directory, targets),
    ledger: await readAcked(ledger, targets),
  };
  const isExcused = ({ about, db, target, seq }: Forward) =>
    about === '' || seq <= (acked[db].get(target) ?? 0);
  const blamed = new Map<string, PeerOutcome[]>();
  for (const forward of silent) {
    if (isExcused(forward)) continue;
    const { gateway, at } = forward;
    const late = { ms: now - at, ahead: 1, good: false, at: now };
    blamed.set(gateway, [...(blamed.get(gateway) ?? []), late]);
  }
  await directory.batch(
    silent.map((forward) => forwardEnd(forward, isExcused(forward) ? 'answered' : 'late')),
  );
  for (const [gateway, outcomes] of blamed) await learnOf(directory, gateway, outcomes);
}
