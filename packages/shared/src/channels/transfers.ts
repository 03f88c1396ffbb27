import type { Did } from '../identity/did-key.ts';
import type { Dir } from '../messages/fields.ts';
import { type ChannelTerms, type ClaimState, payeeOf, payerOf } from './state.ts';

/** Why money moved: the `code` column of the ledger's transfers. */
export type TransferCode = 'hold' | 'redeem' | 'topup' | 'roll' | 'coop' | 'refund' | 'bond';

/** One movement of money, with the natural key that makes a repetition impossible. */
export type LedgerTransfer = {
  id: string;
  debit: string;
  credit: string;
  /** Micro-units, above zero. */
  amount: bigint;
  code: TransferCode;
  ref: string;
};

/** A party's money that is free to use. */
export function availableAccount(did: Did): string {
  return `avl:${did}`;
}

/** The money one direction of a channel can pay. */
export function escrowAccount(ch: string, dir: Dir): string {
  return `esc:${ch}:${dir}`;
}

/** What a creator put down against a claim. */
export function bondAccount(claim: string): string {
  return `bnd:${claim}`;
}

/** A party that signed the opening puts its fund into escrow. */
export function holdFund(terms: ChannelTerms, dir: Dir, amount: bigint): LedgerTransfer[] {
  const debit = availableAccount(payerOf(terms, dir));
  const credit = escrowAccount(terms.id, dir);
  return some({
    id: `hold:${terms.id}:${dir}`,
    debit,
    credit,
    amount,
    code: 'hold',
    ref: terms.id,
  });
}

/** A lane rises: the difference goes to the payee. */
export function payLane(
  terms: ChannelTerms,
  lane: { dir: Dir; lane: number; cum: bigint; via: string },
  amount: bigint,
): LedgerTransfer[] {
  return some({
    id: `redeem:${terms.id}:${lane.dir}:${lane.lane}:${lane.cum}`,
    debit: escrowAccount(terms.id, lane.dir),
    credit: availableAccount(payeeOf(terms, lane.dir)),
    amount,
    code: 'redeem',
    ref: lane.via,
  });
}

/** More money for a direction, from its payer's account. */
export function addFund(
  terms: ChannelTerms,
  dir: Dir,
  amount: bigint,
  source: { code: 'topup' | 'roll'; id: string },
): LedgerTransfer[] {
  const debit = availableAccount(payerOf(terms, dir));
  const credit = escrowAccount(terms.id, dir);
  return some({ id: source.id, debit, credit, amount, code: source.code, ref: terms.id });
}

/** At the close: what the final total adds to what was redeemed goes to the payee. */
export function payFinal(terms: ChannelTerms, dir: Dir, amount: bigint): LedgerTransfer[] {
  const debit = escrowAccount(terms.id, dir);
  const credit = availableAccount(payeeOf(terms, dir));
  return some({
    id: `coop:${terms.id}:${dir}`,
    debit,
    credit,
    amount,
    code: 'coop',
    ref: terms.id,
  });
}

/** At the close: what is left in escrow returns to its payer. */
export function refundEscrow(terms: ChannelTerms, dir: Dir, amount: bigint): LedgerTransfer[] {
  const debit = escrowAccount(terms.id, dir);
  const credit = availableAccount(payerOf(terms, dir));
  const id = `refund:${terms.id}:${dir}`;
  return some({ id, debit, credit, amount, code: 'refund', ref: terms.id });
}

/** The creator's bond against a claim. */
export function holdBond(terms: ChannelTerms, claim: ClaimState, amount: bigint): LedgerTransfer[] {
  const debit = availableAccount(payerOf(terms, claim.dir));
  const credit = bondAccount(claim.id);
  return some({ id: `bond:${claim.id}`, debit, credit, amount, code: 'bond', ref: claim.id });
}

/** The bond goes back to the creator, or to the executor it accused. */
export function releaseBond(
  terms: ChannelTerms,
  claim: ClaimState,
  to: 'creator' | 'executor',
): LedgerTransfer[] {
  const did = to === 'creator' ? payerOf(terms, claim.dir) : payeeOf(terms, claim.dir);
  return some({
    id: `bond:${claim.id}:end`,
    debit: bondAccount(claim.id),
    credit: availableAccount(did),
    amount: claim.bond,
    code: 'bond',
    ref: claim.id,
  });
}

/** The ledger holds no transfer of nothing. */
function some(transfer: LedgerTransfer): LedgerTransfer[] {
  return transfer.amount > 0n ? [transfer] : [];
}
