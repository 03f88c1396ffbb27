import {
  acceptCoopClose,
  acceptProposal,
  type Budget,
  cosign,
  DEFAULT_POLICY,
  dirOf,
  type EdgeMessage,
  type Envelope,
  openEnvelope,
  openTerms,
  type PaychClose,
  paychCloseSchema,
  paychOpenSchema,
  payerOf,
} from '@zerostate/shared';
import { z } from 'zod';
import { outboxInsert } from '../state/store.ts';
import { currentMirror } from './channels.ts';
import { type Refusal, refusal, type WalletContext } from './context.ts';
import { insertChannel, type Mirror, newMirror } from './mirror.ts';
import type { Redeemer } from './redeem.ts';
import { isChannelKept, openerOf, pendingCloses, saveClose } from './store.ts';

/**
 * Co-signs a proposed channel by the node's policy (money.md 3). The channel and the signature
 * are on disk before the signature is sent.
 */
export async function answerOpen(
  wallet: WalletContext,
  message: EdgeMessage<'channel.proposal'>,
): Promise<Refusal | null> {
  const { pinned, verifier, signer, clock, database, book } = wallet;
  const opened = await openEnvelope(
    pinned.network,
    message.envelope,
    paychOpenSchema,
    'paych.open',
    verifier,
    { among: (body) => [body.a, body.b], maxSigs: 2 },
  );
  if (!opened.ok) return refusal(opened);
  const { id: ch, body, envelope } = opened.value;
  const proposal = openTerms(ch, body, openerOf(body, envelope.sigs));
  if (book.get(ch) === null) {
    if (body.asset !== pinned.asset) return { code: 'asset-wrong', detail: body.asset };
    const policy = { ...DEFAULT_POLICY, did: pinned.did, payerFundMin: wallet.cheapestBase() };
    const accepted = acceptProposal(proposal, policy, clock.now());
    if (!accepted.ok) return refusal(accepted);
  }
  const signed = await cosign(pinned.network, envelope, signer);
  const isKept = await isChannelKept(database, ch);
  if (isKept && book.get(ch) === null) return { code: 'channel-closed' };
  const now = clock.now();
  const statements = outboxInsert(
    { type: 'channel.accept', ref: ch, body: { kind: 'open', envelope: signed } },
    now,
  );
  if (book.get(ch) === null) {
    const { terms, fund } = proposal;
    const dir = dirOf(terms, pinned.did) === 'a' ? 'b' : 'a';
    const mirror = newMirror(terms, dir, payerOf(terms, dir), fund, 'opening');
    book.put(mirror);
    statements.unshift(insertChannel(mirror, signed, now));
  }
  await database.write(statements);
  wallet.kick();
  return null;
}

/**
 * Agrees to a cooperative close, or says why not. What is agreed to is on disk when this
 * resolves; `Closer` redeems and then signs it.
 */
export async function answerClose(
  wallet: WalletContext,
  message: EdgeMessage<'channel.proposal'>,
): Promise<{ refusal: Refusal | null; ch: string }> {
  const { pinned, verifier, clock, database, book } = wallet;
  const ch = typeof message.envelope.body.ch === 'string' ? message.envelope.body.ch : '';
  const known = await currentMirror(wallet, ch);
  if (!known.ok) return { refusal: refusal(known), ch };
  const opened = await openEnvelope(
    pinned.network,
    message.envelope,
    paychCloseSchema,
    'paych.close',
    verifier,
    { by: [known.value.payer], among: [pinned.did], maxSigs: 2 },
  );
  if (!opened.ok) return { refusal: refusal(opened), ch };
  const mirror = book.get(ch);
  if (mirror === null) return { refusal: { code: 'channel-unknown' }, ch };
  const fault = closeFault(mirror, opened.value.body, clock.now());
  if (fault !== null) return { refusal: fault, ch };
  // From now on no task is taken on this channel: the totals stand.
  book.put({ ...mirror, isClosing: true });
  await database.write([saveClose(ch, opened.value.envelope)]);
  return { refusal: null, ch };
}

/** Why this node does not sign these totals; null when it does. */
export function closeFault(mirror: Mirror, close: PaychClose, now: number): Refusal | null {
  const outgoing: Budget = {
    ...mirror.budget,
    dir: mirror.budget.dir === 'a' ? 'b' : 'a',
    fund: 0n,
    lanes: {},
  };
  const accepted = acceptCoopClose(
    { incoming: mirror.budget, outgoing },
    {
      cum: { a: BigInt(close.cum_a), b: BigInt(close.cum_b) },
      notAfter: Number(close.not_after),
    },
    now,
  );
  return accepted.ok ? null : refusal(accepted);
}

const storedClose = z.object({
  type: z.literal('paych.close'),
  body: paychCloseSchema,
  sigs: z.array(z.object({ by: z.string(), sig: z.string() })),
});

/** Redeems before it signs: receipts count as evidence only while the channel is open. */
export class Closer {
  readonly #wallet: WalletContext;
  readonly #redeemer: Redeemer;
  readonly #running = new Set<string>();
  readonly #sent = new Set<string>();

  constructor(wallet: WalletContext, redeemer: Redeemer) {
    this.#wallet = wallet;
    this.#redeemer = redeemer;
  }

  /** Signs what was agreed to, where everything is redeemed; the rest waits for the next call. */
  async signPending(): Promise<void> {
    for (const { ch, close } of await pendingCloses(this.#wallet.database)) {
      if (this.#running.has(ch)) continue;
      this.#running.add(ch);
      try {
        await this.#sign(ch, storedClose.parse(JSON.parse(close)));
      } finally {
        this.#running.delete(ch);
      }
    }
  }

  /** The edge did not take the signature, or the close lapsed: the channel goes on. */
  async giveUp(ch: string, code: string): Promise<void> {
    const { book, database, log } = this.#wallet;
    const mirror = book.get(ch);
    if (mirror !== null) book.put({ ...mirror, isClosing: false });
    this.#sent.delete(ch);
    log.warn('cooperative close given up', { ch, code });
    await database.write([saveClose(ch, null)]);
  }

  async #sign(ch: string, close: Envelope<PaychClose>): Promise<void> {
    const { book, clock, database, pinned, signer } = this.#wallet;
    if (clock.now() > Number(close.body.not_after)) return this.giveUp(ch, 'close-expired');
    // One signature a life is enough: the outbox repeats it until it is acknowledged.
    if (this.#sent.has(ch) || !(await this.#redeemer.redeem(ch))) return;
    const mirror = book.get(ch);
    if (mirror === null) return;
    const fault = closeFault(mirror, close.body, clock.now());
    if (fault !== null) return this.giveUp(ch, fault.code);
    const signed = await cosign(pinned.network, close, signer);
    this.#sent.add(ch);
    await database.write(
      outboxInsert(
        { type: 'channel.accept', ref: ch, body: { kind: 'close', envelope: signed } },
        clock.now(),
      ),
    );
    this.#wallet.kick();
  }
}
