import { encodeBase64url, sealEnvelope } from '@zerostate/shared';
import type { Rng } from '../ports.ts';
import { refreshChannel } from './channels.ts';
import type { WalletContext } from './context.ts';
import { type Mirror, unredeemed } from './mirror.ts';
import type { Redeemer } from './redeem.ts';

/** The node's own side of a channel, micro-units. */
export interface OwnBudget {
  ch: string;
  /** All that was ever put in. */
  fund: bigint;
  /** What of it is not promised yet. */
  spendable: bigint;
}

/** Income that a channel holds for the node and that can be redeemed, micro-units. */
export interface Income {
  ch: string;
  amount: bigint;
}

export interface Roll {
  from: string;
  to: string;
  amount: bigint;
}

/**
 * Which income goes to which budget (money.md 6): each budget is to have `percent` of its fund
 * spendable, the largest deficit is filled from the largest surplus of another channel, and so on
 * until one of them is used up. Moves nothing but income, and never more than is missing.
 */
export function planRolls(
  budgets: readonly OwnBudget[],
  incomes: readonly Income[],
  percent: bigint,
): Roll[] {
  const deficits = new Map(budgets.map((budget) => [budget.ch, deficitOf(budget, percent)]));
  const surplus = new Map(incomes.map(({ ch, amount }) => [ch, amount]));
  const rolls: Roll[] = [];
  for (;;) {
    const next = largestPair(deficits, surplus);
    if (next === null) return rolls;
    const { to, from, amount } = next;
    deficits.set(to, (deficits.get(to) ?? 0n) - amount);
    surplus.set(from, (surplus.get(from) ?? 0n) - amount);
    rolls.push({ from, to, amount });
  }
}

/**
 * What has to be put in so that (spendable + x) / (fund + x) reaches the percentage: what comes in
 * raises the fund as well.
 */
function deficitOf({ fund, spendable }: OwnBudget, percent: bigint): bigint {
  const missing = fund * percent - spendable * 100n;
  if (fund <= 0n || missing <= 0n) return 0n;
  const per = 100n - percent;
  return (missing + per - 1n) / per;
}

function largestPair(
  deficits: ReadonlyMap<string, bigint>,
  surplus: ReadonlyMap<string, bigint>,
): Roll | null {
  for (const [to, missing] of descending(deficits)) {
    for (const [from, there] of descending(surplus)) {
      if (from !== to) return { from, to, amount: least(there, missing) };
    }
  }
  return null;
}

function least(x: bigint, y: bigint): bigint {
  if (x < y) return x;
  return y;
}

/** Entries above zero, largest first; equal ones by their channel, so that a plan repeats. */
function descending(amounts: ReadonlyMap<string, bigint>): [string, bigint][] {
  return [...amounts]
    .filter(([, amount]) => amount > 0n)
    .sort(([x, a], [y, b]) => (a === b ? (x < y ? -1 : 1) : a > b ? -1 : 1));
}

/** Keeps the node's own budgets spendable out of what it earns elsewhere. */
export class Rebalancer {
  readonly #wallet: WalletContext;
  readonly #redeemer: Redeemer;
  readonly #rng: Rng;

  constructor(wallet: WalletContext, redeemer: Redeemer, rng: Rng) {
    this.#wallet = wallet;
    this.#redeemer = redeemer;
    this.#rng = rng;
  }

  /** One round; nothing happens while no budget is short. */
  async run(): Promise<void> {
    const { book, exposure } = this.#wallet;
    const { spendablePercent = 0n } = exposure;
    const funded = book.all().filter(({ own, budget }) => own.fund > 0n && isActive(budget));
    if (spendablePercent === 0n || funded.length === 0) return;
    // Only the ledger knows what was spent: the payer may be another program with the same key.
    for (const { budget } of funded) await refreshChannel(this.#wallet, budget.terms.id);
    const mirrors = book.all().filter(({ isClosing }) => !isClosing);
    const budgets = mirrors.filter(({ budget }) => isActive(budget)).map(ownBudget);
    const incomes = mirrors.map((mirror) => ({
      ch: mirror.budget.terms.id,
      amount: unredeemed(mirror),
    }));
    const planned = planRolls(budgets, incomes, spendablePercent);
    for (const [from, rolls] of Map.groupBy(planned, (roll) => roll.from)) {
      await this.#carryOut(from, rolls);
    }
  }

  /**
   * Redeems, then rolls what that brought. A crash in between leaves the income on the account. The
   * next round plans by what the ledger says then, so that a lost answer is not rolled twice.
   */
  async #carryOut(from: string, rolls: readonly Roll[]): Promise<void> {
    let left = await this.#redeemer.collect(from);
    for (const { to, amount } of rolls) {
      const part = least(amount, left);
      if (part === 0n) return;
      left -= part;
      const rolled = await rollInto(this.#wallet, this.#rng, { from, to, amount: part });
      if (!rolled.ok) return;
    }
  }
}

function isActive({ phase }: Mirror['budget']): boolean {
  return phase === 'active';
}

function ownBudget({ budget, own }: Mirror): OwnBudget {
  return { ch: budget.terms.id, fund: own.fund, spendable: own.fund - own.paid };
}

/** Signs and sends one roll of money that is on the account. */
export async function rollInto(wallet: WalletContext, rng: Rng, roll: Roll) {
  const { book, edge, log, pinned, signer } = wallet;
  const { from, to, amount } = roll;
  const target = book.get(to)?.budget.dir === 'a' ? 'b' : 'a';
  const body = {
    ch: from,
    dir: book.get(from)?.budget.dir ?? 'a',
    amount: String(amount),
    to_ch: to,
    to_dir: target,
    nonce: encodeBase64url(rng.bytes(16)),
  };
  const signed = await sealEnvelope(pinned.network, 'paych.roll', body, signer);
  const answer = await edge.roll(to, signed);
  if (answer.ok) log.info('rolled', { from, to, amount: body.amount });
  else log.warn('not rolled', { from, to, amount: body.amount, code: answer.code });
  await refreshChannel(wallet, to);
  return answer;
}
