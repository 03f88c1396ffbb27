import { CLAIM_AFTER_RESULT_MS, envelopeField } from '@zerostate/shared';
import { refreshChannel } from './channels.ts';
import type { WalletContext } from './context.ts';
import { channelsWithClaims, claimable, saveClaim, type Unpaid } from './store.ts';

/** A claim that could not be filed is tried again after this, doubled up to RETRY_MS_MAX. */
const RETRY_MS_MIN = 5_000;
const RETRY_MS_MAX = 300_000;
/** So long before the end of a cond it is claimed although the caller may not have the result. */
const LAST_CALL_MS = 120_000;

/**
 * Files a claim for every receipt that no voucher paid CLAIM_AFTER_RESULT_MS after its result was
 * delivered, and tries until the cond's not_after. With `ch`, for that channel and at once:
 * a closing channel pays claims only while its window lasts.
 */
export async function fileClaims(wallet: WalletContext, ch?: string): Promise<void> {
  const now = wallet.clock.now();
  const due = await claimable(wallet.database, {
    now,
    deliveredBy: ch === undefined ? now - CLAIM_AFTER_RESULT_MS : now,
    notAfterBy: ch === undefined ? now + LAST_CALL_MS : Number.MAX_SAFE_INTEGER,
    ...(ch === undefined ? {} : { ch }),
  });
  for (const unpaid of due) await fileClaim(wallet, unpaid);
}

/** Asks the ledger about claims that should have posted, or wait for arbiters. */
export async function followClaims(wallet: WalletContext): Promise<void> {
  const channels = await channelsWithClaims(wallet.database, wallet.clock.now());
  for (const ch of channels) await refreshChannel(wallet, ch);
}

async function fileClaim(wallet: WalletContext, unpaid: Unpaid): Promise<void> {
  const { book, clock, database, edge, log } = wallet;
  const { task, ch, lane } = unpaid.receipt;
  const now = clock.now();
  if (now > unpaid.cond.notAfter) {
    await database.write([refusedClaim(task, 'cond-expired', now)]);
    log.warn('receipt never paid', { task, ch, lane, code: 'cond-expired' });
    return;
  }
  const cond = envelopeField.parse(JSON.parse(unpaid.signedCond));
  const receipt = envelopeField.parse(JSON.parse(unpaid.receipt.receipt));
  const answer = await edge.claim(cond, receipt);
  // The channel says the same and more: whether it was paid meanwhile, or claimed before a crash.
  const current = await refreshChannel(wallet, ch);
  const open = book.get(ch)?.budget.lanes[lane]?.cond ?? null;
  const isSettled = current.ok && (open === null || open.task !== task || open.claimed);
  if (isSettled) {
    log.info('claim filed', { task, ch, lane });
    return;
  }
  const tries = unpaid.claim?.tries ?? 0;
  const waitMs = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(tries, 10));
  const code = answer.ok ? 'claim-not-seen' : answer.code;
  log.warn('claim not filed', { task, ch, lane, code, retryMs: waitMs });
  const nextAt = clock.now() + waitMs;
  await database.write([
    saveClaim({ task, id: '', state: 'due', amount: 0n, nextAt, code }, clock.now()),
  ]);
}

function refusedClaim(task: string, code: string, now: number) {
  return saveClaim({ task, id: '', state: 'refused', amount: 0n, nextAt: now, code }, now);
}
