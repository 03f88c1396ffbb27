/** What a command line may hold: each value is checked before a command begins. */
import { parseUnits } from '@zerostate/sdk';
import { hashField } from '@zerostate/shared';
import { InvalidArgumentError } from 'commander';
import { REDEEM_AGE_MS_MAX } from '../wallet/context.ts';
import { EARNINGS_MAX } from '../wallet/earnings.ts';

export function channelId(text: string): string {
  if (hashField.safeParse(text).success) return text;
  throw new InvalidArgumentError('Not a channel id.');
}

export function money(text: string): bigint {
  const micro = parseUnits(text);
  if (micro.ok && micro.value > 0n) return micro.value;
  throw new InvalidArgumentError('Not an amount above zero, such as 0.5.');
}

/** Longer than the edge's mailbox waits would only lose the evidence of the receipts. */
export function redeemAge(text: string): number {
  const seconds = wholeNumber(text);
  if (seconds * 1_000 <= REDEEM_AGE_MS_MAX) return seconds;
  throw new InvalidArgumentError(`At most ${REDEEM_AGE_MS_MAX / 1_000}.`);
}

export function percent(text: string): number {
  const number = wholeNumber(text);
  if (number < 100) return number;
  throw new InvalidArgumentError('A percentage below 100.');
}

export function earningsLimit(text: string): number {
  const limit = wholeNumber(text);
  if (limit >= 1 && limit <= EARNINGS_MAX) return limit;
  throw new InvalidArgumentError(`From 1 to ${EARNINGS_MAX}.`);
}

export function wholeNumber(text: string): number {
  if (!/^[0-9]{1,9}$/.test(text)) throw new InvalidArgumentError('Not a whole number.');
  return Number(text);
}

export function edgeUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new InvalidArgumentError('Not an http or https URL.');
  }
  if (url.pathname !== '/' || url.search !== '' || url.username !== '') {
    throw new InvalidArgumentError('An edge is an origin: scheme, host and port, nothing more.');
  }
  return url.origin;
}
