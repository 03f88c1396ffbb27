import {
  type Budget,
  type ChannelAnswer,
  claimEnded,
  claimFiled,
  dirOf,
  err,
  ok,
  openEnvelope,
  openTerms,
  paychOpenSchema,
  payerOf,
  type Result,
} from '@zerostate/shared';
import { type Statement, sql } from '../state/database.ts';
import type { WalletContext } from './context.ts';
import { insertChannel, type Mirror, newMirror, redeemedLane } from './mirror.ts';
import {
  closedInFull,
  dropOutput,
  isChannelKept,
  laneRedeemed,
  openerOf,
  saveClaim,
} from './store.ts';

/** How long after a claim is due to post the ledger is asked what became of it. */
const AFTER_POSTING_MS = 5_000;
/** A disputed claim waits for arbiters: it is looked at this often. */
const DISPUTE_POLL_MS = 300_000;

/**
 * A channel that was or may be in use. One that this node does not know, or only knows as half
 * open, is asked of the edge; its terms count only with both signatures on them.
 */
export async function currentMirror(
  wallet: WalletContext,
  ch: string,
): Promise<Result<Mirror, string>> {
  const known = wallet.book.get(ch);
  if (known !== null && known.budget.phase !== 'opening') return ok(known);
  return refreshChannel(wallet, ch);
}

/** Asks the edge how a channel stands and takes over what only the ledger decides. */
export async function refreshChannel(
  wallet: WalletContext,
  ch: string,
): Promise<Result<Mirror, string>> {
  const answer = await wallet.edge.channel(ch);
  if (!answer.ok) return err(answer.code, answer.detail);
  if (wallet.book.get(ch) === null) {
    const adopted = await adopt(wallet, ch, answer.value);
    if (!adopted.ok) return adopted;
  }
  const mirror = wallet.book.get(ch);
  if (mirror === null) return err('channel-unknown');
  const { budget, statements, redeemed } = followLedger(mirror, answer.value, wallet.clock.now());
  const own = ownSide(mirror, answer.value);
  if (own.fund !== mirror.own.fund) {
    statements.push(sql('UPDATE channel SET own_fund = ? WHERE ch = ?', own.fund, ch));
  }
  const changed = { ...mirror, redeemed, own };
  wallet.book.put(changed);
  const rows = wallet.book.change(changed, budget);
  if (mirror.isClosing && budget.phase === 'closed') {
    statements.push(closedInFull(ch, wallet.clock.now()));
  }
  await wallet.database.write([...rows, ...statements]);
  return ok(wallet.book.get(ch) ?? { ...changed, budget });
}

/** A channel opened without a proposal over this link, or before this database was made. */
async function adopt(
  wallet: WalletContext,
  ch: string,
  answer: ChannelAnswer,
): Promise<Result<void, string>> {
  const opened = await openEnvelope(
    wallet.pinned.network,
    answer.open,
    paychOpenSchema,
    'paych.open',
    wallet.verifier,
    { by: (body) => [body.a, body.b], maxSigs: 2 },
  );
  if (!opened.ok) return opened;
  if (opened.value.id !== ch) return err('channel-wrong');
  const isKept = await isChannelKept(wallet.database, ch);
  if (wallet.book.get(ch) !== null) return ok(undefined);
  // The answer was under way while the channel closed.
  if (isKept) return err('channel-closed');
  const { body, envelope } = opened.value;
  const { terms, fund } = openTerms(ch, body, openerOf(body, envelope.sigs));
  const own = dirOf(terms, wallet.pinned.did);
  if (own === null) return err('party-wrong');
  if (answer.state === 'closed') return err('channel-closed');
  const dir = own === 'a' ? 'b' : 'a';
  const mirror = newMirror(terms, dir, payerOf(terms, dir), fund, 'opening');
  wallet.book.put(mirror);
  await wallet.database.write([insertChannel(mirror, envelope, wallet.clock.now())]);
  return ok(undefined);
}

/** What the ledger says, put over what is held. Held totals never fall: vouchers are kept. */
function followLedger(
  mirror: Mirror,
  answer: ChannelAnswer,
  now: number,
): { budget: Budget; statements: Statement[]; redeemed: Mirror['redeemed'] } {
  const ch = answer.ch;
  const statements: Statement[] = [];
  const redeemed = { ...mirror.redeemed };
  let budget: Budget = {
    ...mirror.budget,
    phase: later(mirror.budget.phase, answer.state),
    closeAt: answer.close_at,
    fund: BigInt(mirror.budget.dir === 'a' ? answer.fund_a : answer.fund_b),
  };
  for (const claim of answer.claims) {
    if (claim.dir !== budget.dir) continue;
    const step = followClaim(budget, claim, now);
    budget = step.budget;
    statements.push(...step.statements);
  }
  for (const lane of answer.lanes) {
    const { cum, memo, memo_cum: memoCum = cum } = lane;
    const to = { cum: BigInt(cum), memo, memoCum: BigInt(memoCum) };
    if (lane.dir !== budget.dir || to.cum <= redeemedLane(mirror, lane.lane).cum) continue;
    redeemed[lane.lane] = to;
    statements.push(...laneRedeemed(ch, lane.lane, to, now));
  }
  return { budget, statements, redeemed };
}

/** What this node has put in on its own side, and the vouchers on it that the ledger has seen. */
function ownSide({ budget }: Mirror, answer: ChannelAnswer): Mirror['own'] {
  const dir = budget.dir === 'a' ? 'b' : 'a';
  const paid = new Map<number, bigint>();
  for (const row of [...answer.lanes, ...answer.mailbox]) {
    const cum = BigInt(row.cum);
    if (row.dir === dir && cum > (paid.get(row.lane) ?? 0n)) paid.set(row.lane, cum);
  }
  const fund = BigInt(dir === 'a' ? answer.fund_a : answer.fund_b);
  return { fund, paid: [...paid.values()].reduce((sum, cum) => sum + cum, 0n) };
}

function followClaim(
  budget: Budget,
  claim: ChannelAnswer['claims'][number],
  now: number,
): { budget: Budget; statements: Statement[] } {
  const lane = budget.lanes[claim.lane];
  // Not the cond that is open here: it was decided before.
  if (lane?.cond?.task !== claim.task) return { budget, statements: [] };
  const { id, task, state } = claim;
  if (state === 'pending' || state === 'disputed') {
    const nextAt =
      state === 'pending' ? Math.max(claim.post_at, now) + AFTER_POSTING_MS : now + DISPUTE_POLL_MS;
    const row = saveClaim({ task, id, state, amount: 0n, nextAt, code: '' }, now);
    return { budget: claimFiled(budget, claim.lane), statements: [row] };
  }
  const price = state === 'posted' ? BigInt(claim.price) : null;
  const ended = claimEnded(budget, claim.lane, price);
  const amount = (ended.lanes[claim.lane]?.cum ?? 0n) - lane.cum;
  const row = saveClaim({ task, id, state, amount, nextAt: now, code: claim.verdict ?? '' }, now);
  return { budget: ended, statements: [row, dropOutput(task)] };
}

const ORDER = ['opening', 'active', 'closing', 'closed'] as const;

/** A channel only moves forward: an answer that was under way may be older than what is known. */
function later(known: Budget['phase'], told: Budget['phase']): Budget['phase'] {
  return ORDER.indexOf(told) > ORDER.indexOf(known) ? told : known;
}

/**
 * `channel.changed`: asks the edge what else the ledger says. Where it does not answer, the state
 * that the message names is kept: it comes from the same ledger.
 */
export async function channelChanged(
  wallet: WalletContext,
  change: { ch: string; state: Budget['phase'] },
): Promise<void> {
  const refreshed = await refreshChannel(wallet, change.ch);
  const mirror = wallet.book.get(change.ch);
  wallet.log.info('channel changed', { ...change, known: refreshed.ok || mirror !== null });
  if (refreshed.ok || mirror === null) return;
  const phase = later(mirror.budget.phase, change.state);
  await wallet.database.write(wallet.book.change(mirror, { ...mirror.budget, phase }));
}
