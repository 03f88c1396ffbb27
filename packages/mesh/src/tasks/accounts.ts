import { type Did, err, ok, type Result } from '@zerostate/shared';
import {
  ACCOUNTS_MAX,
  PEER_BYTES_BURST,
  PEER_BYTES_PER_S,
  PEER_MESSAGES_BURST,
  PEER_MESSAGES_PER_S,
} from '../limits.ts';
import type { Clock } from '../ports.ts';
import { Bucket } from './bucket.ts';
import type { QosClass } from './message.ts';

export interface PeerAccount {
  did: Did;
  messagesIn: number;
  messagesOut: number;
  bytesIn: { [qos in QosClass]: number };
  bytesOut: { [qos in QosClass]: number };
  refused: number;
}

interface Entry extends PeerAccount {
  messages: Bucket;
  bytes: Bucket;
}

/** What one peer may send: messages and bytes a second, and at once. */
export interface PeerRates {
  perS: number;
  burst: number;
  bytesPerS: number;
  bytesBurst: number;
}

const TASK_RATES: PeerRates = {
  perS: PEER_MESSAGES_PER_S,
  burst: PEER_MESSAGES_BURST,
  bytesPerS: PEER_BYTES_PER_S,
  bytesBurst: PEER_BYTES_BURST,
};

export type RateCode = 'over-message-rate' | 'over-byte-rate';

/** What each peer sent and was sent, and whether it may send more. */
export class PeerAccounts {
  readonly #clock: Clock;
  readonly #rates: PeerRates;
  readonly #accounts = new Map<Did, Entry>();

  constructor(clock: Clock, rates: PeerRates = TASK_RATES) {
    this.#clock = clock;
    this.#rates = rates;
  }

  /** Takes a message with its bytes; refused, `detail` says in how many ms to come again. */
  admit(did: Did, qos: QosClass, bytes: number): Result<void, RateCode> {
    const account = this.#of(did);
    if (!account.messages.has(1)) {
      account.refused += 1;
      return err('over-message-rate', String(account.messages.waitMs(1)));
    }
    if (!account.bytes.take(bytes)) {
      account.refused += 1;
      return err('over-byte-rate', String(account.bytes.waitMs(bytes)));
    }
    account.messages.take(1);
    account.messagesIn += 1;
    account.bytesIn[qos] += bytes;
    return ok(undefined);
  }

  sent(did: Did, qos: QosClass, bytes: number): void {
    const account = this.#of(did);
    account.messagesOut += 1;
    account.bytesOut[qos] += bytes;
  }

  /** Accounts that moved most bytes, at most `max`. */
  top(max: number): PeerAccount[] {
    const volume = ({ bytesIn, bytesOut }: PeerAccount): number =>
      bytesIn.control + bytesIn.bulk + bytesOut.control + bytesOut.bulk;
    return [...this.#accounts.values()]
      .sort((x, y) => volume(y) - volume(x))
      .slice(0, max)
      .map(({ messages: _, bytes: __, ...account }) => account);
  }

  #of(did: Did): Entry {
    const known = this.#accounts.get(did);
    if (known !== undefined) {
      // Kept in the order of their last use: the first one is forgotten first.
      this.#accounts.delete(did);
      this.#accounts.set(did, known);
      return known;
    }
    if (this.#accounts.size >= ACCOUNTS_MAX) {
      const oldest = this.#accounts.keys().next();
      if (!oldest.done) this.#accounts.delete(oldest.value);
    }
    const { perS, burst, bytesPerS, bytesBurst } = this.#rates;
    const entry: Entry = {
      did,
      messagesIn: 0,
      messagesOut: 0,
      bytesIn: { control: 0, bulk: 0 },
      bytesOut: { control: 0, bulk: 0 },
      refused: 0,
      messages: new Bucket(this.#clock, perS, burst),
      bytes: new Bucket(this.#clock, bytesPerS, bytesBurst),
    };
    this.#accounts.set(did, entry);
    return entry;
  }
}
