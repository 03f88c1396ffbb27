/** Wallets for tests: on memory or on a file, with a channel that is open. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock, Rng } from '../ports.ts';
import type { WalletChannel } from '../wallet/model.ts';
import type { WalletStore } from '../wallet/store.ts';
import { createWallet, type SpendingLimits, type Wallet } from '../wallet/wallet.ts';
import {
  channelAnswerOf,
  countingRng,
  HOUR,
  handClock,
  NETWORK,
  START,
  signerOf,
  unwrap,
} from './parties.ts';

export const caller = await signerOf('caller');
export const executor = await signerOf('executor');

export async function walletOn(
  store: WalletStore,
  options: { clock?: Clock; rng?: Rng; limits?: SpendingLimits } = {},
): Promise<Wallet> {
  const { clock = handClock(), rng = countingRng('wallet'), limits } = options;
  return unwrap(
    await createWallet({ store, signer: caller, network: NETWORK, clock, rng, limits }),
  );
}

export async function withChannel(wallet: Wallet, fund = 10_000n): Promise<WalletChannel> {
  const channel = unwrap(
    await wallet.openChannel({
      peer: executor.did,
      fund,
      openBy: START + HOUR,
      expiresAt: START + 100 * HOUR,
      windowMs: HOUR,
      claimMs: HOUR,
      asset: 'play',
    }),
  );
  return unwrap(await wallet.syncChannel(channelAnswerOf(channel)));
}

/** A store whose commits can be followed, or cut off right after they are on disk. */
export function watchedStore(store: WalletStore): WalletStore & { crashNext: boolean } {
  const watched: WalletStore & { crashNext: boolean } = {
    ...store,
    crashNext: false,
    async commit(...args) {
      const done = await store.commit(...args);
      if (!watched.crashNext) return done;
      watched.crashNext = false;
      throw new Error('crashed after the commit');
    },
  };
  return watched;
}

export async function temporaryFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'zs-sdk-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
