import { AMOUNT_MAX, err, ok, type Result } from '@zerostate/shared';

/** Micro-units in one unit. */
const MICRO = 1_000_000n;
const UNITS = /^(0|[1-9][0-9]{0,9})(?:\.([0-9]{1,6}))?$/;

/** Reads an amount in units, such as `1` or `0.000001`, exactly into micro-units. */
export function parseUnits(text: string): Result<bigint, 'amount-invalid'> {
  const [, whole, decimals = ''] = UNITS.exec(text) ?? [];
  if (whole === undefined) {
    return err('amount-invalid', `${text}: an amount in units has at most 6 decimals, as in 0.25`);
  }
  const micro = BigInt(whole) * MICRO + BigInt(decimals.padEnd(6, '0'));
  return micro > AMOUNT_MAX
    ? err('amount-invalid', `${text}: over 2^53 - 1 micro-units`)
    : ok(micro);
}

/** Micro-units in units, without zeros at the end: the inverse of `parseUnits`. */
export function formatUnits(micro: bigint): string {
  const sign = micro < 0n ? '-' : '';
  const size = micro < 0n ? -micro : micro;
  const decimals = String(size % MICRO)
    .padStart(6, '0')
    .replace(/0+$/, '');
  const whole = `${sign}${size / MICRO}`;
  return decimals === '' ? whole : `${whole}.${decimals}`;
}
