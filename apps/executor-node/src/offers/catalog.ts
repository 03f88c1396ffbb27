import type { ExecutorParams, ExecutorTerms } from '@zerostate/shared';

/** One agent that this node runs now: the terms of its live card. */
export interface OfferedAgent {
  agent: string;
  params: ExecutorParams;
}

/** What offers are measured against; filled from the cards. */
export interface Catalog {
  /** null for an agent without a live card. */
  agent(name: string): OfferedAgent | null;
  /** Bytes of a module that a card here names. */
  module(sha256: string): Promise<Uint8Array | null>;
}

/** A card's terms as acceptance counts them. */
export function executorTerms(
  params: ExecutorParams,
  now: { gasPerMs: bigint; queueMs: number },
): ExecutorTerms {
  const { price, limits } = params;
  return {
    meter: params.meter,
    price: {
      base: BigInt(price.base),
      perMgas: BigInt(price.per_mgas),
      perPage: BigInt(price.per_page),
    },
    limits: {
      gasMax: BigInt(limits.gas_max),
      pagesMax: BigInt(limits.pages_max),
      wallMsMax: Number(limits.wall_ms_max),
      inputMax: BigInt(limits.input_max),
      outputMax: BigInt(limits.output_max),
    },
    ...now,
  };
}
