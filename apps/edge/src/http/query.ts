/** Query parameters that several routes take. */
import { PAGE_MAX, WAIT_MS_MAX } from '@zerostate/shared';
import { z } from 'zod';

/** Seconds that the caller waits for a change; `undefined` answers at once. */
export const waitField = z
  .string()
  .regex(/^[0-9]{1,2}$/, 'whole seconds')
  .refine((text) => Number(text) * 1000 <= WAIT_MS_MAX, `at most ${WAIT_MS_MAX / 1000} seconds`)
  .optional();

export function waitMsOf(wait: string | undefined): number {
  return wait === undefined ? 0 : Number(wait) * 1000;
}

/** Rows of one page. */
export const limitField = z
  .string()
  .regex(/^[1-9][0-9]{0,2}$/, 'a whole number')
  .refine((text) => Number(text) <= PAGE_MAX, `at most ${PAGE_MAX}`)
  .optional();

export function limitOf(limit: string | undefined): number {
  return limit === undefined ? PAGE_MAX : Number(limit);
}

/** The number that the last page ended with. */
export const afterField = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,15})$/, 'a whole number')
  .optional();

export function afterOf(after: string | undefined): number {
  return after === undefined ? 0 : Number(after);
}
