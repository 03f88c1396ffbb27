import { priceOf } from '@zerostate/shared';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { planTask } from './plan.ts';

const limits = {
  gas_max: '1000000000',
  pages_max: '256',
  wall_ms_max: '10000',
  input_max: '1048576',
  output_max: '1048576',
};
const price = { base: '1000', per_mgas: '10', per_page: '5' };
const params = { price, limits };

test('a budget that covers the whole card gets its limits, and no more is promised than they cost', () => {
  const plan = planTask(params, { budget: 1_000_000n, inputBytes: 10 });
  expect(plan).toEqual({
    ok: true,
    value: {
      gasMax: 1_000_000_000n,
      pagesMax: 256n,
      wallMsMax: 10_000n,
      outputMax: 1_048_576n,
      priceMax: 1_000n + 10_000n + 1_280n,
    },
  });
});

test('a small budget buys less gas and memory instead of an unpaid rest', () => {
  const plan = planTask(params, { budget: 2_000n, inputBytes: 10 });
  expect(plan).toMatchObject({ ok: true, value: { pagesMax: 100n, gasMax: 50_000_000n } });
});

test('a budget under the base price is refused with the price', () => {
  const plan = planTask(params, { budget: 999n, inputBytes: 10 });
  expect(plan).toEqual({ ok: false, code: 'budget-too-small', detail: 'base price 1000' });
});

test('an input or a limit over the card is refused before anything is signed', () => {
  const order = { budget: 1_000_000n, inputBytes: 1_048_577 };
  expect(planTask(params, order)).toMatchObject({ code: 'input-too-large' });
  const asked = { budget: 1_000_000n, inputBytes: 0, asked: { gasMax: 1_000_000_001n } };
  expect(planTask(params, asked)).toMatchObject({ code: 'limit-exceeds-card' });
});

const amount = fc.bigInt({ min: 0n, max: 1_000_000n });
const count = fc.bigInt({ min: 1n, max: 10_000_000_000n });

test('whatever the card asks, using all of the plan costs its price_max and never over the budget', () => {
  fc.assert(
    fc.property(
      amount,
      amount,
      amount,
      count,
      count,
      amount,
      (base, mgas, page, gas, pages, budget) => {
        const plan = planTask(
          {
            price: { base: `${base}`, per_mgas: `${mgas}`, per_page: `${page}` },
            limits: { ...limits, gas_max: `${gas}`, pages_max: `${pages}` },
          },
          { budget, inputBytes: 0 },
        );
        if (!plan.ok) return;
        const { gasMax, pagesMax, priceMax } = plan.value;
        expect(priceMax).toBeLessThanOrEqual(budget);
        expect(gasMax).toBeLessThanOrEqual(gas);
        expect(pagesMax).toBeLessThanOrEqual(pages);
        const terms = { base, perMgas: mgas, perPage: page, max: budget };
        const due = priceOf(terms, { gas: gasMax, pagesPeak: pagesMax });
        expect(priceMax).toBe(due > 0n ? due : 1n);
      },
    ),
  );
});
