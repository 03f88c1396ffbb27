/** Price terms in micro-units; per_mgas is for 10^6 gas, per_page for a page of 64 KiB. */
export type PriceTerms = { base: bigint; perMgas: bigint; perPage: bigint; max: bigint };

/** What a run consumed: deterministic, so that anyone can check it by running again. */
export type Usage = { gas: bigint; pagesPeak: bigint };

const GAS_PER_MGAS = 1_000_000n;

/**
 * Price of a run in micro-units: min(max, base + ceil(gas * per_mgas / 10^6) + pages * per_page).
 * Gas rounds up once, in the executor's favour, by less than one micro-unit.
 */
export function priceOf(terms: PriceTerms, usage: Usage): bigint {
  for (const value of [terms.base, terms.perMgas, terms.perPage, terms.max]) {
    if (value < 0n) throw new RangeError('price terms are not negative');
  }
  if (usage.gas < 0n || usage.pagesPeak < 0n) throw new RangeError('usage is not negative');
  const forGas = (usage.gas * terms.perMgas + GAS_PER_MGAS - 1n) / GAS_PER_MGAS;
  const price = terms.base + forGas + usage.pagesPeak * terms.perPage;
  return price < terms.max ? price : terms.max;
}
