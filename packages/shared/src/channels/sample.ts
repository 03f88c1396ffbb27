/** A channel, a ledger and shorthand for the tests of this folder. */
import type { ChannelEvent, ClaimFiling } from './events.ts';
import { advanceChannel } from './lifecycle.ts';
import type { ChannelState, ChannelTerms, PerDir } from './state.ts';
import { availableAccount, type LedgerTransfer } from './transfers.ts';

export const ALICE = 'did:key:z6MkALICE';
export const BOB = 'did:key:z6MkBOB';
export const MALLORY = 'did:key:z6MkMALLORY';
export const ARBITER = 'did:key:z6MkARBITER';

export const TERMS: ChannelTerms = {
  id: 'C',
  a: ALICE,
  b: BOB,
  openedBy: 'a',
  openBy: 5_000,
  expiresAt: 9_000_000,
  windowMs: 200_000,
  claimMs: 60_000,
};

/** Both sides funded by a rail; refuses what the schema of the real ledger refuses. */
export class SampleLedger {
  readonly balances = new Map<string, bigint>();
  readonly transfers: LedgerTransfer[] = [];

  constructor(deposits: Readonly<Record<string, bigint>>) {
    for (const [did, amount] of Object.entries(deposits)) {
      this.balances.set(availableAccount(did), amount);
      this.balances.set('ral:faucet', this.balance('ral:faucet') - amount);
    }
  }

  balance(account: string): bigint {
    return this.balances.get(account) ?? 0n;
  }

  available(did: string): bigint {
    return this.balance(availableAccount(did));
  }

  /** Applies a batch; throws where the database would abort it. */
  apply(batch: readonly LedgerTransfer[]): void {
    for (const transfer of batch) {
      const { id, debit, credit, amount } = transfer;
      if (amount <= 0n) throw new Error(`${id}: a transfer of nothing`);
      if (debit === credit) throw new Error(`${id}: a transfer to itself`);
      if (this.transfers.some((earlier) => earlier.id === id)) throw new Error(`${id}: twice`);
      if (this.balance(debit) < amount) throw new Error(`${id}: ${debit} is overdrawn`);
      this.balances.set(debit, this.balance(debit) - amount);
      this.balances.set(credit, this.balance(credit) + amount);
      this.transfers.push(transfer);
    }
  }

  /** Credits minus debits over all accounts. */
  conservation(): bigint {
    return [...this.balances.values()].reduce((sum, balance) => sum + balance, 0n);
  }
}

/** Runs events one after the other, each at its time, with the ledger's balances filled in. */
export function run(
  ledger: SampleLedger,
  ...steps: readonly (readonly [now: number, event: ChannelEvent])[]
): ChannelState {
  let state: ChannelState | null = null;
  for (const [now, event] of steps) {
    const step = advanceChannel(state, event, now);
    if (!step.ok) throw new Error(`${event.type}: ${step.code} ${step.detail ?? ''}`);
    ledger.apply(step.value.effects);
    state = step.value.next;
  }
  if (state === null) throw new Error('nothing happened');
  return state;
}

const RICH = 1_000_000_000_000n;

export const opening = (fund: PerDir<bigint> = { a: 1000n, b: 100n }): ChannelEvent => ({
  type: 'open',
  terms: TERMS,
  fund,
  by: ALICE,
  available: RICH,
});
export const accepting: ChannelEvent = { type: 'accept', by: BOB, available: RICH };

export const redeeming = (cum: bigint, lane = 0, dir: 'a' | 'b' = 'a'): ChannelEvent => ({
  type: 'redeem',
  dir,
  lane,
  cum,
  memo: '',
  via: `v:${dir}:${lane}:${cum}`,
});

export const filing = (id: string, changes: Partial<ClaimFiling> = {}): ClaimFiling => ({
  id,
  dir: 'a',
  lane: 1,
  base: 0n,
  cap: 60n,
  price: 40n,
  task: `task ${id}`,
  receipt: `receipt ${id}`,
  notAfter: 800_000,
  ...changes,
});

export const claiming = (
  id: string,
  changes: Partial<ClaimFiling> = {},
  facts: Partial<Extract<ChannelEvent, { type: 'claim' }>> = {},
): ChannelEvent => ({
  type: 'claim',
  filing: filing(id, changes),
  by: changes.dir === 'b' ? ALICE : BOB,
  elsewhere: { task: false, receipt: false },
  objected: false,
  available: RICH,
  ...facts,
});

export const court = { arbiters: [ARBITER], quorum: 1 };

export const verdict = (
  claim: string,
  decided: 'posted' | 'voided',
  price = 0n,
): Extract<ChannelEvent, { type: 'dispute.verdict' }> => ({
  type: 'dispute.verdict',
  claim,
  id: `verdict on ${claim}`,
  verdict: decided,
  price,
  signers: [ARBITER],
  court,
});

export const closingBoth = (a: bigint, b: bigint): ChannelEvent => ({
  type: 'coopClose',
  cum: { a, b },
  notAfter: 10_000_000,
  by: [ALICE, BOB],
});

export type At = readonly [now: number, event: ChannelEvent];

/** The channel after events that must all succeed, active since 1 000 ms. */
export function played(...events: readonly At[]): { state: ChannelState; ledger: SampleLedger } {
  const ledger = new SampleLedger({ [ALICE]: 10_000n, [BOB]: 10_000n });
  const state = run(ledger, [1_000, opening()], [1_000, accepting], ...events);
  if (ledger.conservation() !== 0n) throw new Error('money was made or lost');
  return { state, ledger };
}

/** The code of a refusal, or the phase that an event leads to. */
export function code(state: ChannelState | null, event: ChannelEvent, now: number): string {
  const step = advanceChannel(state, event, now);
  return step.ok ? `taken: ${step.value.next.phase}` : step.code;
}
