/** What executors send over their link that the ledger answers. */
import type { ExecutorMessage } from '@zerostate/shared';
import { err, ok } from '@zerostate/shared';
import type { LedgerResult } from './codes.ts';
import type { Ledger } from './store.ts';

/** The messages of the link that move money. */
export type LedgerMessageType =
  | 'channel.accept'
  | 'voucher.redeem'
  | 'claim.file'
  | 'dispute.verdict';

export type LedgerMessages = {
  [T in LedgerMessageType]: (
    did: string,
    body: ExecutorMessage<T>,
  ) => Promise<LedgerResult<unknown>>;
};

/**
 * A handler for each. All may be repeated: an executor's outbox delivers at least once. A
 * redemption fails with the code of its first refused row; the rows that are not named have moved.
 */
export function ledgerMessages(ledger: Ledger): LedgerMessages {
  return {
    async 'channel.accept'(did, { kind, envelope }) {
      const accepted =
        kind === 'open'
          ? await ledger.acceptChannel(envelope, null, { by: did })
          : await ledger.closeChannel(envelope, null, { by: did });
      // Delivered twice: it is as the sender wants it.
      const again = kind === 'open' ? 'channel-active' : 'channel-closed';
      return !accepted.ok && accepted.code === again ? ok(undefined) : accepted;
    },
    async 'voucher.redeem'(_did, { redemptions }) {
      const answer = await ledger.redeem(redemptions, null);
      if (!answer.ok) return answer;
      const { refused } = answer.value;
      if (refused[0] === undefined) return answer;
      return err(refused[0].code, `rows ${refused.map(({ index }) => index).join(', ')}`);
    },
    'claim.file': (did, filing) => ledger.fileClaim(filing, did, null),
    'dispute.verdict': (_did, { verdict }) => ledger.giveVerdict(verdict),
  };
}
