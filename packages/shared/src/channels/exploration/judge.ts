/** What must hold in every world, and what each honest party is owed when its channel is closed. */
import { claimedTotal, redeemedTotal } from '../state.ts';
import { OUTSIDE, PRICE, type Setting, type World } from './world.ts';

/** The broken promise, or null. */
export function faultOf(world: World, setting: Setting): string | null {
  const { channel, available, bonds } = world;
  const { escrow, fund } = channel;
  const total = available.a + available.b + bonds + escrow.a + escrow.b;
  if (total !== 2n * OUTSIDE + setting.fund) return 'money was made or lost';
  if (available.a < 0n || available.b < 0n || escrow.a < 0n) return 'an account is overdrawn';
  if (channel.phase !== 'closed') {
    if (fund.a !== escrow.a + redeemedTotal(channel, 'a')) return 'fund is not escrow + redeemed';
    return claimedTotal(channel, 'a') > escrow.a ? 'escrow does not cover the claims' : null;
  }
  if (bonds !== 0n) return 'a bond is left behind';
  const good = BigInt(world.tasks.filter((task) => task.good).length) * PRICE;
  const paid = OUTSIDE + setting.fund - available.a;
  const earned = available.b - OUTSIDE;
  if (setting.dishonest !== 'payer' && paid > good + world.wronged.a) {
    return `an honest payer paid ${paid} for ${good}`;
  }
  if (setting.dishonest !== 'payee' && earned < good - world.wronged.b) {
    return `an honest payee got ${earned} for ${good}`;
  }
  return null;
}
