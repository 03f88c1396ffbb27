import {
  encodeBase64url,
  err,
  heldTotal,
  ok,
  type PaychClose,
  type Result,
  sealEnvelope,
} from '@zerostate/shared';
import type { Rng } from '../ports.ts';
import { currentMirror, refreshChannel } from './channels.ts';
import { fileClaims } from './claims.ts';
import type { WalletContext } from './context.ts';
import { type Mirror, unredeemed } from './mirror.ts';
import { type Closer, closeFault } from './proposals.ts';
import { rollInto } from './rebalance.ts';
import type { Redeemer } from './redeem.ts';
import { saveClose } from './store.ts';

/** The other party has this long to sign a proposed close; until then no task is taken. */
const CLOSE_OPEN_MS = 3_600_000;

/** A channel as the operator sees it; amounts are micro-units. */
export interface ChannelView {
  ch: string;
  peer: string;
  state: string;
  /** What the other party put in, and what of that is held and redeemed here. */
  fund: string;
  held: string;
  unredeemed: string;
  /** The node's own side. */
  own_fund: string;
  own_spendable: string;
  expires_at: number;
  close_at: number | null;
  /** A cooperative close is proposed or agreed to. */
  closing: boolean;
}

/** What an operator may do with the node's channels. Nothing here gives money to anybody else. */
export class Desk {
  readonly #wallet: WalletContext;
  readonly #redeemer: Redeemer;
  readonly #closer: Closer;
  readonly #rng: Rng;

  constructor(wallet: WalletContext, parts: { redeemer: Redeemer; closer: Closer; rng: Rng }) {
    this.#wallet = wallet;
    this.#redeemer = parts.redeemer;
    this.#closer = parts.closer;
    this.#rng = parts.rng;
  }

  list(): ChannelView[] {
    return this.#wallet.book
      .all()
      .map(viewOf)
      .sort((x, y) => x.expires_at - y.expires_at);
  }

  /** Adds free money of the account to the node's own side. */
  async topup(ch: string, amount: bigint): Promise<Result<ChannelView, string>> {
    const { edge, pinned, signer } = this.#wallet;
    const known = await this.#known(ch);
    if (!known.ok) return known;
    const dir = known.value.budget.dir === 'a' ? 'b' : 'a';
    const body = { ch, dir, amount: String(amount), nonce: this.#nonce() };
    const signed = await sealEnvelope(pinned.network, 'paych.topup', body, signer);
    const answer = await edge.topup(ch, signed);
    return answer.ok ? this.#after(ch) : err(answer.code, answer.detail);
  }

  /**
   * Redeems what `from` holds and puts it into the node's own side of `to`; with an amount, so
   * much of the account.
   */
  async roll(
    from: string,
    to: string,
    amount: bigint | null,
  ): Promise<Result<ChannelView, string>> {
    if (from === to) return err('channel-wrong', 'from and to are the same channel');
    for (const ch of [from, to]) {
      const known = await this.#known(ch);
      if (!known.ok) return known;
    }
    const income = await this.#redeemer.collect(from);
    const rolled = amount ?? income;
    if (rolled === 0n) return err('nothing-to-roll', `${from} holds no income: give an --amount`);
    const answer = await rollInto(this.#wallet, this.#rng, { from, to, amount: rolled });
    return answer.ok ? this.#after(to) : err(answer.code, answer.detail);
  }

  /**
   * Proposes a close on all that is held. What the other party signs is what this node signed, so
   * that from here on it takes no task on the channel; a proposal that nobody signs lapses.
   */
  async close(ch: string): Promise<Result<ChannelView, string>> {
    const { book, clock, database, pinned, signer } = this.#wallet;
    const known = await this.#known(ch);
    if (!known.ok) return known;
    if (known.value.isClosing) return ok(viewOf(known.value));
    const { dir } = known.value.budget;
    const held = String(heldTotal(known.value.budget));
    const body: PaychClose = {
      ch,
      cum_a: dir === 'a' ? held : '0',
      cum_b: dir === 'b' ? held : '0',
      not_after: String(clock.now() + CLOSE_OPEN_MS),
    };
    const fault = closeFault(known.value, body, clock.now());
    if (fault !== null) return err(fault.code, fault.detail);
    const signed = await sealEnvelope(pinned.network, 'paych.close', body, signer);
    // Nothing was awaited since but the signature: a voucher that came meanwhile is in neither.
    const mirror = book.get(ch);
    if (mirror === null) return err('channel-unknown');
    const late = closeFault(mirror, body, clock.now());
    if (late !== null) return err(late.code, late.detail);
    book.put({ ...mirror, isClosing: true });
    await database.write([saveClose(ch, signed)]);
    await this.#closer.signPending();
    return this.#after(ch);
  }

  /** Redeems and claims what is due, then starts the closing window without the other party. */
  async close1(ch: string): Promise<Result<ChannelView, string>> {
    const { edge, pinned, signer } = this.#wallet;
    const known = await this.#known(ch);
    if (!known.ok) return known;
    if (known.value.budget.phase === 'closing') return ok(viewOf(known.value));
    await this.#redeemer.redeem(ch);
    await fileClaims(this.#wallet, ch);
    const body = { ch, nonce: this.#nonce() };
    const signed = await sealEnvelope(pinned.network, 'paych.close1', body, signer);
    const answer = await edge.close1(ch, signed);
    return answer.ok ? this.#after(ch) : err(answer.code, answer.detail);
  }

  /** A channel as the ledger has it now. */
  async #known(ch: string): Promise<Result<Mirror, string>> {
    const refreshed = await refreshChannel(this.#wallet, ch);
    if (!refreshed.ok) return refreshed;
    return refreshed.value.budget.phase === 'closed' ? err('channel-closed', ch) : refreshed;
  }

  async #after(ch: string): Promise<Result<ChannelView, string>> {
    const mirror = await currentMirror(this.#wallet, ch);
    if (!mirror.ok) return mirror;
    const refreshed = await refreshChannel(this.#wallet, ch);
    return ok(viewOf(refreshed.ok ? refreshed.value : mirror.value));
  }

  #nonce(): string {
    return encodeBase64url(this.#rng.bytes(16));
  }
}

function viewOf(mirror: Mirror): ChannelView {
  const { budget, payer, own, isClosing } = mirror;
  return {
    ch: budget.terms.id,
    peer: payer,
    state: budget.phase,
    fund: String(budget.fund),
    held: String(heldTotal(budget)),
    unredeemed: String(unredeemed(mirror)),
    own_fund: String(own.fund),
    own_spendable: String(own.fund - own.paid),
    expires_at: budget.terms.expiresAt,
    close_at: budget.closeAt,
    closing: isClosing,
  };
}
