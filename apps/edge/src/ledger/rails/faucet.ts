import { err, ok } from '@zerostate/shared';
import type { LedgerPorts } from '../ports.ts';
import type { Rail } from './port.ts';

/** `key`: the request's idempotency key, which is the reference of play money: it pays once. */
export type FaucetWord = { did: string; amount: bigint; key: string };

/** Play money on a local network. It buys nothing outside, so nothing is paid out. */
export function faucetRail(ports: Pick<LedgerPorts, 'faucet'>): Rail<FaucetWord> {
  return {
    name: 'faucet',
    async deposit({ did, amount, key }) {
      if (!ports.faucet) return err('faucet-off');
      return ok({ reference: `${did}:${key}`, did, amount, order: null });
    },
    payout: null,
  };
}
