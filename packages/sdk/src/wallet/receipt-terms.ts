import {
  type PaychCond,
  priceOf,
  type TaskManifest,
  type TaskObjection,
  type TaskReceipt,
} from '@zerostate/shared';

/** Why a receipt is not what its manifest and cond asked for, without running anything. */
export type TermsFault = {
  reason: Extract<TaskObjection['reason'], 'price-wrong' | 'terms-wrong'>;
  detail: string;
};

/** Checks a receipt, whose signature holds, against what was ordered. */
export function termsFault(
  task: string,
  manifest: TaskManifest,
  cond: PaychCond,
  receipt: TaskReceipt,
): TermsFault | null {
  const wrong = (detail: string): TermsFault => ({ reason: 'terms-wrong', detail });
  if (receipt.task !== task) return wrong('task');
  if (receipt.executor !== manifest.executor) return wrong('executor');
  if (receipt.ch !== cond.ch) return wrong('ch');
  if (receipt.lane !== cond.lane) return wrong('lane');
  if (BigInt(receipt.gas) > BigInt(manifest.gas_max)) return wrong('gas');
  if (BigInt(receipt.pages_peak) > BigInt(manifest.pages_max)) return wrong('pages_peak');
  if (BigInt(receipt.output_len) > BigInt(manifest.output_max)) return wrong('output_len');
  const due = priceDue(manifest, receipt);
  if (BigInt(receipt.price) === due) return null;
  return { reason: 'price-wrong', detail: `price ${receipt.price}, due ${due}` };
}

/** What the manifest's terms come to for the usage that a receipt states. */
export function priceDue(manifest: TaskManifest, usage: { gas: string; pages_peak: string }) {
  const terms = {
    base: BigInt(manifest.price_base),
    perMgas: BigInt(manifest.price_per_mgas),
    perPage: BigInt(manifest.price_per_page),
    max: BigInt(manifest.price_max),
  };
  return priceOf(terms, { gas: BigInt(usage.gas), pagesPeak: BigInt(usage.pages_peak) });
}
