import { AMOUNT_MAX, type ExecutorParams, err, ok, type Result } from '@zerostate/shared';

/** What a task may use and cost, within the card's terms and the caller's budget. */
export interface TaskPlan {
  gasMax: bigint;
  pagesMax: bigint;
  wallMsMax: bigint;
  outputMax: bigint;
  priceMax: bigint;
}

/** Limits that a caller asks for; the card's own where it asks for none. */
export interface LimitsAsked {
  gasMax?: bigint | undefined;
  pagesMax?: bigint | undefined;
  wallMsMax?: bigint | undefined;
  outputMax?: bigint | undefined;
}

export type PlanCode = 'budget-too-small' | 'input-too-large' | 'limit-exceeds-card';

const GAS_PER_MGAS = 1_000_000n;

/**
 * Limits whose price at the card's terms fits the budget, so that a run which uses all of them is
 * paid in full. Where the card allows more than the budget pays for, memory gets at most half of
 * what is left after the base price, and gas the rest.
 */
export function planTask(
  params: Pick<ExecutorParams, 'price' | 'limits'>,
  order: { budget: bigint; inputBytes: number; asked?: LimitsAsked | undefined },
): Result<TaskPlan, PlanCode> {
  const card = cardNumbers(params);
  const asked = order.asked ?? {};
  if (BigInt(order.inputBytes) > card.inputMax) {
    return err('input-too-large', `${order.inputBytes} > ${card.inputMax} bytes`);
  }
  const over = (['gasMax', 'pagesMax', 'wallMsMax', 'outputMax'] as const).find(
    (name) => (asked[name] ?? 0n) > card[name],
  );
  if (over !== undefined) return err('limit-exceeds-card', `${over} ${card[over]}`);
  const most = lesser(order.budget, AMOUNT_MAX);
  if (most < 1n || most < card.base) return err('budget-too-small', `base price ${card.base}`);
  const room = most - card.base;
  const gasAsked = asked.gasMax ?? card.gasMax;
  const pagesAsked = asked.pagesMax ?? card.pagesMax;
  const forGas = gasCost(gasAsked, card.perMgas);
  const half = room / 2n;
  const pagesRoom = room - forGas > half ? room - forGas : half;
  const pagesMax = affordable(pagesAsked, card.perPage, pagesRoom);
  const left = room - pagesMax * card.perPage;
  const gasMax =
    card.perMgas === 0n ? gasAsked : lesser(gasAsked, (left * GAS_PER_MGAS) / card.perMgas);
  if (gasMax === 0n || pagesMax === 0n) {
    return err('budget-too-small', `${most} pays for ${gasMax} gas and ${pagesMax} pages`);
  }
  const due = card.base + gasCost(gasMax, card.perMgas) + pagesMax * card.perPage;
  const { wallMsMax = card.wallMsMax, outputMax = card.outputMax } = asked;
  // A cap of zero is no condition: free tasks are capped at one micro-unit.
  return ok({ gasMax, pagesMax, wallMsMax, outputMax, priceMax: due > 0n ? due : 1n });
}

function cardNumbers({ price, limits }: Pick<ExecutorParams, 'price' | 'limits'>) {
  return {
    base: BigInt(price.base),
    perMgas: BigInt(price.per_mgas),
    perPage: BigInt(price.per_page),
    gasMax: BigInt(limits.gas_max),
    pagesMax: BigInt(limits.pages_max),
    wallMsMax: BigInt(limits.wall_ms_max),
    inputMax: BigInt(limits.input_max),
    outputMax: BigInt(limits.output_max),
  };
}

function gasCost(gas: bigint, perMgas: bigint): bigint {
  return (gas * perMgas + GAS_PER_MGAS - 1n) / GAS_PER_MGAS;
}

function affordable(asked: bigint, price: bigint, room: bigint): bigint {
  return price === 0n ? asked : lesser(asked, room / price);
}

function lesser(x: bigint, y: bigint): bigint {
  return x < y ? x : y;
}
