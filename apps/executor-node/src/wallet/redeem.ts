import {
  foldMemo,
  REDEEM_RECEIPTS_MAX,
  type RedeemAnswer,
  type Redemption,
  redemptionSchema,
} from '@zerostate/shared';
import type { Statement } from '../state/database.ts';
import { refreshChannel } from './channels.ts';
import type { WalletContext } from './context.ts';
import { type Redeemed, redeemedLane, unredeemed } from './mirror.ts';
import {
  channelsUnredeemedSince,
  laneRedeemed,
  receiptsBetween,
  unredeemedVouchers,
  type VoucherRow,
} from './store.ts';

/** Lanes in one request: the edge takes 256, and a request of at most REDEEM_BYTES_MAX. */
const LANES_PER_REQUEST = 64;

/** A lane's newest voucher with the receipts that prove it, or without. */
type Row = { voucher: VoucherRow; redemption: Redemption };

/** Turns held vouchers into money on the account. One run a channel at a time. */
export class Redeemer {
  readonly #wallet: WalletContext;
  readonly #running = new Map<string, Promise<boolean>>();

  constructor(wallet: WalletContext) {
    this.#wallet = wallet;
  }

  /** Redeems all that is held on a channel. Whether nothing is left to redeem. */
  redeem(ch: string): Promise<boolean> {
    const running = this.#running.get(ch);
    if (running !== undefined) return running;
    const run = this.#redeemAll(ch).finally(() => this.#running.delete(ch));
    this.#running.set(ch, run);
    return run;
  }

  /** Redeems a channel and says what that brought to the account, micro-units. */
  async collect(ch: string): Promise<bigint> {
    const before = this.#unredeemed(ch);
    await this.redeem(ch);
    return before - this.#unredeemed(ch);
  }

  #unredeemed(ch: string): bigint {
    const mirror = this.#wallet.book.get(ch);
    return mirror === null ? 0n : unredeemed(mirror);
  }

  /** The exposure rule's second half: vouchers that have waited too long. */
  async redeemAged(): Promise<void> {
    const { clock, database, exposure } = this.#wallet;
    const before = clock.now() - exposure.ageMsMax;
    for (const ch of await channelsUnredeemedSince(database, before)) await this.redeem(ch);
  }

  async #redeemAll(ch: string): Promise<boolean> {
    const vouchers = await unredeemedVouchers(this.#wallet.database, ch);
    let complete = true;
    for (let at = 0; at < vouchers.length; ) {
      const rows = await this.#nextRequest(vouchers.slice(at));
      complete = (await this.#send(ch, rows)) && complete;
      at += rows.length;
    }
    return complete;
  }

  /** As many lanes as one request takes, counted in lanes and in receipts. */
  async #nextRequest(vouchers: readonly VoucherRow[]): Promise<Row[]> {
    const rows: Row[] = [];
    let receipts = 0;
    for (const voucher of vouchers.slice(0, LANES_PER_REQUEST)) {
      const proof = await this.#proof(voucher);
      if (rows.length > 0 && receipts + proof.length > REDEEM_RECEIPTS_MAX) break;
      receipts += proof.length;
      rows.push({ voucher, redemption: redemptionOf(voucher, proof) });
    }
    return rows;
  }

  /** The receipts since the redeemed memo, if they fold to the voucher's; else none. */
  async #proof(voucher: VoucherRow): Promise<string[]> {
    const { ch, lane, cum, memo } = voucher;
    const mirror = this.#wallet.book.get(ch);
    if (mirror === null) return [];
    const from = redeemedLane(mirror, lane);
    const receipts = await receiptsBetween(this.#wallet.database, { ch, lane }, from.memoCum, cum);
    let folded = from.memo;
    let paid = from.memoCum;
    for (const { id, price } of receipts) {
      folded = foldMemo(folded, id, price);
      paid += price;
    }
    // Money does not wait for evidence: a voucher with another memo is redeemed without receipts.
    if (folded !== memo || paid !== cum || receipts.length > REDEEM_RECEIPTS_MAX) return [];
    return receipts.map(({ receipt }) => receipt);
  }

  async #send(ch: string, rows: readonly Row[]): Promise<boolean> {
    const { edge, log } = this.#wallet;
    const answer = await edge.redeem(
      ch,
      rows.map(({ redemption }) => redemption),
    );
    if (!answer.ok) {
      log.warn('redemption failed', { ch, code: answer.code, detail: answer.detail });
      return false;
    }
    await this.#settle(ch, rows, answer.value);
    if (answer.value.refused.length === 0) return true;
    log.warn('redemption refused', { ch, refused: answer.value.refused });
    return this.#again(ch, rows, answer.value);
  }

  /** What the ledger has paid, as it says. */
  async #settle(ch: string, rows: readonly Row[], answer: RedeemAnswer): Promise<void> {
    const { book, clock, database, log } = this.#wallet;
    const now = clock.now();
    const statements: Statement[] = [];
    for (const { lane, cum, moved } of answer.redeemed) {
      const voucher = rows.find((row) => row.voucher.lane === lane)?.voucher;
      const mirror = book.get(ch);
      if (voucher === undefined || mirror === null) continue;
      const to = paidTo(voucher, BigInt(cum), redeemedLane(mirror, lane));
      if (to.cum > redeemedLane(mirror, lane).cum) {
        book.put({ ...mirror, redeemed: { ...mirror.redeemed, [lane]: to } });
      }
      statements.push(...laneRedeemed(ch, lane, to, now));
      log.info('redeemed', { ch, lane, cum, moved });
    }
    await database.write(statements);
  }

  /**
   * Rows that were refused: once more without their receipts, which may be what the edge does not
   * take, unless the ledger turns out to have paid them already.
   */
  async #again(ch: string, rows: readonly Row[], answer: RedeemAnswer): Promise<boolean> {
    await refreshChannel(this.#wallet, ch);
    const mirror = this.#wallet.book.get(ch);
    if (mirror === null) return true;
    const refused = answer.refused.flatMap(({ index }) => rows[index] ?? []);
    const due = refused.filter(
      ({ voucher }) => redeemedLane(mirror, voucher.lane).cum < voucher.cum,
    );
    const bare = due.filter(({ redemption }) => redemption.receipts !== undefined);
    if (bare.length === 0) return due.length === 0;
    const rest = bare.map(({ voucher }) => ({ voucher, redemption: redemptionOf(voucher, []) }));
    return (await this.#send(ch, rest)) && bare.length === due.length;
  }
}

/**
 * Where a lane stands after a payment. A part of a voucher leaves the memo: that commits to
 * receipts in full, and the rest is proved from it when there is room in the escrow again.
 */
function paidTo(voucher: VoucherRow, cum: bigint, before: Redeemed): Redeemed {
  if (cum === voucher.cum) return { cum, memo: voucher.memo, memoCum: cum };
  return cum > before.cum && cum < voucher.cum ? { ...before, cum } : before;
}

function redemptionOf(voucher: VoucherRow, receipts: readonly string[]): Redemption {
  const signed: unknown = JSON.parse(voucher.voucher);
  if (receipts.length === 0) return redemptionSchema.parse({ voucher: signed });
  const proof = receipts.map((text): unknown => JSON.parse(text));
  return redemptionSchema.parse({ voucher: signed, receipts: proof });
}
