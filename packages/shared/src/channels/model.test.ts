/** Invariants I1 to I15 of money.md 7 on random histories of the lifecycle. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ChannelEvent, ChannelEventType } from './events.ts';
import { advanceChannel } from './lifecycle.ts';
import {
  ALICE,
  ARBITER,
  accepting,
  BOB,
  claiming,
  court,
  MALLORY,
  opening,
  redeeming,
  SampleLedger,
  TERMS,
} from './sample.ts';
import {
  type ChannelState,
  claimedTotal,
  DISPUTE_MS_MAX,
  isLiveClaim,
  redeemedTotal,
} from './state.ts';
import { availableAccount, bondAccount } from './transfers.ts';

const HISTORIES = process.env.ZS_SOAK === '1' ? 10_000 : 1_000;
const LENGTH = 100;
const DEPOSIT = 2_000n;

/** One random step: what happens, with small numbers that collide often. */
const operation = fc.record({
  type: fc.constantFrom<ChannelEventType | 'wait'>(
    'open',
    'accept',
    'cancel',
    'redeem',
    'redeem',
    'redeem',
    'topup',
    'roll',
    'claim',
    'claim',
    'claim.post',
    'claim.equivocation',
    'dispute.open',
    'dispute.verdict',
    'dispute.deadline',
    'close1',
    'expire',
    'coopClose',
    'finalize',
    'wait',
    'wait',
  ),
  by: fc.constantFrom(ALICE, BOB, BOB, MALLORY),
  dir: fc.constantFrom<'a' | 'b'>('a', 'a', 'b'),
  lane: fc.nat(3),
  amount: fc.bigInt({ min: 0n, max: 300n }),
  other: fc.bigInt({ min: 0n, max: 300n }),
  id: fc.nat(9),
  flag: fc.boolean(),
  ms: fc.constantFrom(1_000, 30_000, 70_000, 250_000, 5_000_000, DISPUTE_MS_MAX),
});
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

function eventOf(op: Operation, ledger: SampleLedger): ChannelEvent | null {
  const { dir, lane, by } = op;
  const available = ledger.available(by);
  const claim = `k${op.id}`;
  const amount = op.amount;
  switch (op.type) {
    case 'wait':
      return null;
    case 'open':
      return {
        ...opening({ a: 1000n, b: 100n }),
        available: ledger.available(ALICE),
      } as ChannelEvent;
    case 'accept':
      return { ...accepting, by, available } as ChannelEvent;
    case 'cancel':
      return { type: 'cancel', by: op.flag ? by : null };
    case 'redeem':
      return redeeming(amount, lane, dir);
    case 'topup':
      return { type: 'topup', dir, amount, nonce: String(op.id), by, available };
    case 'roll':
      return {
        type: 'roll',
        dir,
        amount,
        nonce: String(op.id),
        by,
        available,
        from: { ch: 'D', dir },
      };
    case 'claim':
      return claiming(
        claim,
        {
          dir,
          lane,
          base: op.other,
          cap: amount + 1n,
          price: amount,
          task: `t${op.lane}${op.id}`,
          receipt: `r${op.id}`,
        },
        { objected: op.flag, available: ledger.available(dir === 'a' ? ALICE : BOB) },
      );
    case 'claim.post':
    case 'dispute.deadline':
      return { type: op.type, claim };
    case 'claim.equivocation':
      return { type: op.type, claim, otherReceipt: `r${op.lane}` };
    case 'dispute.open':
      return { type: op.type, claim, by, available };
    case 'dispute.verdict':
      return {
        type: op.type,
        claim,
        id: 'v',
        verdict: op.flag ? 'posted' : 'voided',
        price: amount,
        signers: [ARBITER],
        court,
      };
    case 'close1':
      return { type: 'close1', by };
    case 'expire':
    case 'finalize':
      return { type: op.type };
    case 'coopClose':
      return {
        type: 'coopClose',
        cum: { a: 3n * amount, b: op.other },
        notAfter: op.ms,
        by: op.flag ? [ALICE, BOB] : [by],
      };
  }
}

/** A history under way: the real lifecycle, a ledger, and what the invariants remember. */
class History {
  readonly ledger = new SampleLedger({ [ALICE]: DEPOSIT, [BOB]: DEPOSIT, [MALLORY]: DEPOSIT });
  state: ChannelState | null = null;
  now = 1_000;
  /** Highest total signed for each lane: what vouchers and conds were shown to the machine. */
  readonly signed = new Map<string, bigint>();
  readonly paidReceipts = new Set<string>();

  apply(event: ChannelEvent): void {
    const before = freeze(this.state);
    const step = advanceChannel(before, event, this.now);
    // I15: a refusal leaves everything as it was; the frozen state proves that nothing was written.
    if (!step.ok) return;
    this.remember(event);
    this.ledger.apply(step.value.effects);
    this.checkStep(before, step.value.next);
    this.state = step.value.next;
    this.checkState(this.state);
    // I10: the same request again moves nothing.
    expect(advanceChannel(this.state, event, this.now).ok).toBe(false);
  }

  private remember(event: ChannelEvent): void {
    if (event.type === 'redeem') this.sign(event.dir, event.lane, event.cum);
    if (event.type !== 'claim') return;
    const { dir, lane, base, cap, receipt, task } = event.filing;
    this.sign(dir, lane, base + cap);
    // I11: one receipt and one task pay at most once.
    expect(this.paidReceipts.has(receipt) || this.paidReceipts.has(task)).toBe(false);
    this.paidReceipts.add(receipt).add(task);
  }

  private sign(dir: string, lane: number, cum: bigint): void {
    const key = `${dir}:${lane}`;
    const highest = this.signed.get(key) ?? 0n;
    if (cum > highest) this.signed.set(key, cum);
  }

  private checkStep(before: ChannelState | null, next: ChannelState): void {
    if (before === null) return;
    // I8: closed is final.
    expect(before.phase).not.toBe('closed');
    for (const dir of ['a', 'b'] as const) {
      for (const [lane, { cum }] of Object.entries(before.lanes[dir])) {
        // I3: a lane never falls.
        expect(next.lanes[dir][Number(lane)]?.cum ?? 0n).toBeGreaterThanOrEqual(cum);
      }
    }
  }

  private checkState(state: ChannelState): void {
    // I1, I2: nothing made, nothing lost, nobody overdrawn (the ledger throws on an overdraft).
    expect(this.ledger.conservation()).toBe(0n);
    for (const dir of ['a', 'b'] as const) {
      const escrow = state.escrow[dir];
      expect(this.ledger.balance(`esc:${TERMS.id}:${dir}`)).toBe(escrow);
      // I4: what a lane paid was signed for.
      for (const [lane, { cum }] of Object.entries(state.lanes[dir])) {
        expect(cum).toBeLessThanOrEqual(this.signed.get(`${dir}:${lane}`) ?? -1n);
      }
      if (state.phase === 'active' || state.phase === 'closing') {
        // I5 and I14: what was put in is in escrow or was paid. I13: claims are covered.
        expect(escrow + redeemedTotal(state, dir)).toBe(state.fund[dir]);
        expect(claimedTotal(state, dir)).toBeLessThanOrEqual(escrow);
      }
      if (state.phase === 'closed') expect(escrow).toBe(0n);
    }
    for (const claim of Object.values(state.claims)) {
      expect(this.ledger.balance(bondAccount(claim.id))).toBe(claim.bond);
      if (claim.phase !== 'disputed') expect(claim.bond).toBe(0n);
    }
  }

  /** I12: what the sweep does as time passes ends every history. */
  drain(): void {
    for (
      let round = 0;
      round < 50 && this.state !== null && this.state.phase !== 'closed';
      round++
    ) {
      this.now += DISPUTE_MS_MAX;
      this.apply({ type: 'cancel', by: null });
      this.apply({ type: 'expire' });
      for (const claim of Object.values(this.state.claims).filter(isLiveClaim)) {
        this.apply({ type: 'claim.post', claim: claim.id });
        this.apply({ type: 'dispute.deadline', claim: claim.id });
      }
      this.apply({ type: 'finalize' });
    }
    if (this.state !== null) expect(this.state.phase).toBe('closed');
    const settled = [ALICE, BOB, MALLORY].map((did) => this.ledger.balance(availableAccount(did)));
    expect(settled.reduce((sum, balance) => sum + balance, 0n)).toBe(3n * DEPOSIT);
  }
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) freeze(member);
  }
  return value;
}

describe('any history of a channel', () => {
  test(`conserves money, pays what was signed and ends closed (${HISTORIES} x ${LENGTH})`, {
    timeout: 600_000,
  }, () => {
    const reached = new Set<string>();
    fc.assert(
      fc.property(
        fc.array(operation, { minLength: 1, maxLength: LENGTH, size: 'max' }),
        fc.boolean(),
        (operations, opened) => {
          const history = new History();
          if (opened) {
            history.apply({ ...opening(), available: DEPOSIT } as ChannelEvent);
            history.apply(accepting);
          }
          for (const op of operations) {
            if (op.type === 'wait') history.now += op.ms;
            const event = eventOf(op, history.ledger);
            if (event === null) continue;
            const before = history.state;
            history.apply(event);
            if (history.state !== before) reached.add(event.type);
          }
          history.drain();
        },
      ),
      { numRuns: HISTORIES },
    );
    // The generator is worth something only if it gets everywhere.
    expect(reached.size).toBe(16);
  });

  test('does not depend on the order or number of times vouchers arrive', () => {
    const vouchers = fc.array(
      fc.record({ lane: fc.nat(3), cum: fc.bigInt({ min: 1n, max: 250n }) }),
      { maxLength: 12 },
    );
    const shuffled = vouchers.chain((list) =>
      fc.tuple(
        fc.constant(list),
        fc.shuffledSubarray([...list, ...list], { minLength: 2 * list.length }),
      ),
    );
    fc.assert(
      fc.property(shuffled, ([list, again]) => {
        const outcome = (order: readonly { lane: number; cum: bigint }[]) => {
          const history = new History();
          history.apply({ ...opening(), available: DEPOSIT } as ChannelEvent);
          history.apply(accepting);
          for (const { lane, cum } of order) history.apply(redeeming(cum, lane));
          const lanes = Object.entries(history.state?.lanes.a ?? {}).map(
            ([lane, { cum }]) => `${lane}:${cum}`,
          );
          return [...lanes, `bob: ${history.ledger.available(BOB)}`];
        };
        expect(outcome(again)).toEqual(outcome(list));
      }),
    );
  });
});
