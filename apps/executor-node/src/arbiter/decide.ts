import type { Verdict } from '@zerostate/runtime';
import type { ClaimAnswer, DisputeVerdict, TaskReceipt } from '@zerostate/shared';

/** sha256 of no bytes: what a module that nobody can run has put out. */
const NO_OUTPUT = '47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU';

/**
 * What an arbiter says of a receipt after running the task again. Every arbiter that runs the same
 * task comes to the same words: the ledger counts equal ones together.
 *
 * * A true receipt stands, and the objection was wrong.
 * * A true measurement at too high a price is paid at the right one.
 * * A receipt that misstates what ran, or what it took, is worth nothing: evidence is made of it.
 */
export function wordsOf(
  claim: ClaimAnswer,
  receipt: TaskReceipt,
  rerun: Exclude<Verdict, { verdict: 'indeterminate' }>,
): DisputeVerdict {
  const { output, gas, price } = receipt;
  if (rerun.verdict === 'ok') return { claim: claim.id, verdict: 'posted', price, output, gas };
  const found = new Map(rerun.differs.map((difference) => [difference.field, difference.rerun]));
  const due = found.get('price');
  const isPriceAlone = found.size === 1 && due !== undefined;
  // At or above what the claim is paid, "the right price" would make the false receipt whole.
  if (isPriceAlone && BigInt(due) < BigInt(claim.price)) {
    return { claim: claim.id, verdict: 'posted', price: due, output, gas };
  }
  const didNotRun = found.get('status')?.startsWith('refused') === true;
  return {
    claim: claim.id,
    verdict: 'voided',
    price: '0',
    output: didNotRun ? NO_OUTPUT : (found.get('output') ?? output),
    gas: didNotRun ? '0' : (found.get('gas') ?? gas),
  };
}
