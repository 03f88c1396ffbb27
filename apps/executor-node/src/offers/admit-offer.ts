import {
  acceptTask,
  type Budget,
  type EdgeMessage,
  err,
  type Result,
  sealEnvelope,
  type TaskReject,
} from '@zerostate/shared';
import { currentMirror } from '../wallet/channels.ts';
import { type Refusal, refusal } from '../wallet/context.ts';
import type { Mirror } from '../wallet/mirror.ts';
import { executorTerms, type OfferedAgent } from './catalog.ts';
import type { OffersContext } from './context.ts';
import { type Origin, waiterOf } from './origin.ts';
import { checkProgram, type Offer, readInput, readOffer } from './read-offer.ts';
import { sandboxTask } from './sandbox-task.ts';
import {
  answersTo,
  insertAccepted,
  insertRejected,
  readTask,
  type TaskRow,
  waitsToo,
} from './store.ts';

/** How long to wait for a voucher that may be under way in the edge's other outbox. */
const LANE_WAIT_MS = 1_000;

/** What became of an offer. `kept`: its task is on disk, now or since an earlier time. */
export type Taken =
  | { kind: 'kept'; task: string }
  | { kind: 'rejected'; reject: TaskReject }
  /** The message itself is not in order. */
  | { kind: 'refused'; refusal: Refusal };

/**
 * Takes an offered task or says why not. When this resolves, the offer and its answer are on
 * disk: then the message is acknowledged. Reading and fetching come first; the decision itself is
 * made in one step, so that two offers never both count on the same money.
 */
export async function takeOffer(
  offers: OffersContext,
  message: EdgeMessage<'task.offer'>,
  origin: Origin,
): Promise<Taken> {
  const { wallet } = offers;
  const read = await readOffer(message, wallet.pinned, wallet.verifier);
  if (!read.ok) return { kind: 'refused', refusal: refusal(read) };
  const offer = read.value;
  const known = await readTask(wallet.database, offer.task.id);
  if (known !== null) return answerAgain(offers, known, offer, origin);
  const ready = await prepare(offers, offer, message.input, origin);
  if (!ready.ok) return reject(offers, offer, ready, origin);
  await laneIsFree(offers, offer);
  const rejected = await decide(offers, offer, ready.value, origin);
  if (rejected !== null) return reject(offers, offer, rejected, origin);
  return { kind: 'kept', task: offer.task.id };
}

/** Offered again: who asks has not heard the answer, has lost it, or asks for the result. */
async function answerAgain(
  { wallet, largeResults }: OffersContext,
  known: TaskRow,
  offer: Offer,
  origin: Origin,
): Promise<Taken> {
  const { database, clock } = wallet;
  // Said first: a result that is made in the meantime then goes to the edge by itself.
  await database.write(waitsToo(known, waiterOf(offer, origin), clock.now()));
  if (origin.by === 'link') {
    await database.write(await answersTo(database, known, clock.now()));
    wallet.kick();
    if (known.atEdge === 0) largeResults.send();
  }
  return { kind: 'kept', task: known.task };
}

/** The channel, the program and the input: everything that may have to be fetched. */
async function prepare(
  offers: OffersContext,
  offer: Offer,
  inline: string | undefined,
  origin: Origin,
): Promise<Result<{ agent: OfferedAgent; input: Uint8Array }, string>> {
  const { wallet, catalog } = offers;
  const program = checkProgram(offer.manifest, catalog.agent(offer.manifest.agent));
  if (!program.ok) return program;
  const mirror = await currentMirror(wallet, offer.cond.ch);
  if (!mirror.ok) return mirror;
  if (mirror.value.payer !== offer.manifest.creator) return err('payer-wrong');
  const { input_len } = offer.manifest;
  if (BigInt(input_len) > BigInt(program.value.params.limits.input_max)) {
    return err('limit-exceeds-card', 'input_len');
  }
  const input = await readInput(inline, offer.manifest, async (hash) => {
    if (origin.by === 'mesh' && origin.bytes.length > 0) return { ok: true, value: origin.bytes };
    const blob = await wallet.edge.getBlob(hash);
    return blob.ok ? blob : err(blob.code, blob.detail);
  });
  if (!input.ok) return input;
  const fits = await checkCall(offers, offer, input.value);
  if (!fits.ok) return fits;
  return { ok: true, value: { agent: program.value, input: input.value } };
}

/** A call that its module does not take would be work that ends without a receipt. */
async function checkCall(
  offers: OffersContext,
  offer: Offer,
  input: Uint8Array,
): Promise<Result<void, string>> {
  const { catalog, sandbox } = offers;
  const wasm = await catalog.module(offer.manifest.module);
  if (wasm === null) return err('module-unavailable', offer.manifest.module);
  const fits = await sandbox.check(sandboxTask(wasm, offer, input));
  return fits.ok ? { ok: true, value: undefined } : err(fits.code, fits.detail);
}

/** Waits a moment where the lane's last task is done and only its voucher is missing. */
async function laneIsFree(offers: OffersContext, offer: Offer): Promise<void> {
  const { wallet, timers } = offers;
  const isBusy = (): boolean => {
    const lane = wallet.book.get(offer.cond.ch)?.budget.lanes[offer.cond.lane];
    return lane?.cond?.price != null && !lane.cond.claimed;
  };
  if (!isBusy()) return;
  await new Promise<void>((resolve) => {
    const stop = wallet.book.watch(() => {
      if (!isBusy()) end();
    });
    const cancel = timers.after(LANE_WAIT_MS, () => end());
    function end(): void {
      stop();
      cancel();
      resolve();
    }
  });
}

/**
 * The decision, and its record. null when the task was taken. Between the budget that was decided
 * on and the write nothing else may change it: rows are written in the order of the book's changes.
 */
async function decide(
  offers: OffersContext,
  offer: Offer,
  { agent, input }: { agent: OfferedAgent; input: Uint8Array },
  origin: Origin,
): Promise<Rejection | null> {
  const { wallet, queue } = offers;
  const { book, clock, database, pinned, signer } = wallet;
  for (;;) {
    const decided = consider(offers, offer, agent);
    if (!decided.ok) return decided.why;
    const { mirror, budget, deadline } = decided;
    const { ch, lane } = offer.cond;
    const body = { task: offer.task.id, ch, lane: String(lane), deadline: String(deadline) };
    const accept = await sealEnvelope(pinned.network, 'task.accept', body, signer);
    // While it was signed, a voucher or another offer may have come: then it is decided anew.
    if (book.get(ch) !== mirror || queue.isFull || offers.isDraining()) continue;
    // The cond's row names the task's, so the task comes first.
    const waiter = waiterOf(offer, origin);
    const accepted = insertAccepted(offer, input, { accept, waiter }, clock.now());
    const kept = database.write([...accepted, ...book.change(mirror, budget)]);
    queue.put({
      task: offer.task.id,
      wallMsMax: offer.task.wallMsMax,
      terms: offer.task,
      manifest: offer.manifest,
      cond: offer.cond,
      input,
      kept,
      tries: 0,
    });
    await kept;
    wallet.kick();
    return null;
  }
}

type Considered =
  | { ok: true; mirror: Mirror; budget: Budget; deadline: number }
  | { ok: false; why: Rejection };

/** Whether the task fits the channel, the agent's terms and the time that is left, as things are now. */
function consider(offers: OffersContext, offer: Offer, agent: OfferedAgent): Considered {
  const { wallet, queue, gasRate } = offers;
  const no = (why: Rejection): Considered => ({ ok: false, why });
  const now = wallet.clock.now();
  if (offers.isDraining()) return no({ code: 'busy', detail: 'stopping', retry_ms: 10_000 });
  if (queue.isFull) return no({ code: 'busy', detail: 'queue full', retry_ms: queue.waitMs });
  const mirror = wallet.book.get(offer.cond.ch);
  if (mirror === null) return no({ code: 'channel-unknown' });
  if (mirror.isClosing) return no({ code: 'channel-not-active', detail: 'closing' });
  const terms = (queueMs: number) =>
    executorTerms(agent.params, { gasPerMs: BigInt(gasRate.gasPerMs), queueMs });
  const accepted = acceptTask(mirror.budget, offer, terms(queue.waitMs), now);
  if (!accepted.ok) {
    // It would fit if nothing were before it: then time is what is missing, not better terms.
    const isLate = acceptTask(mirror.budget, offer, terms(0), now).ok;
    return no(isLate ? { code: 'busy', retry_ms: queue.waitMs } : refusal(accepted));
  }
  return { ok: true, mirror, ...accepted.value };
}

type Rejection = { code: string; detail?: string; retry_ms?: number };

/** Nothing was decided: the same offer may come again. */
const UNDECIDED = new Set(['busy', 'edge-unreachable', 'edge-timeout', 'storage-unavailable']);

/** Over the mesh an input may be brought the next time, or an edge be there to give it. */
function isUndecided(code: string, { by }: Origin): boolean {
  return UNDECIDED.has(code) || (by === 'mesh' && code === 'input-unavailable');
}

/** Tells the caller why; the message itself was in order, so it is no refusal of it. */
async function reject(
  offers: OffersContext,
  offer: Offer,
  why: Rejection,
  origin: Origin,
): Promise<Taken> {
  const { wallet } = offers;
  const { code, detail, retry_ms } = why;
  const answer: TaskReject = {
    task: offer.task.id,
    code,
    ...(detail === undefined ? {} : { detail }),
    ...(retry_ms === undefined ? {} : { retry_ms: Math.min(86_400_000, retry_ms) }),
  };
  const isFinal = !isUndecided(code, origin);
  const waiter = waiterOf(offer, origin);
  const taken: Taken = { kind: 'rejected', reject: answer };
  // A gateway brings no rejections: what is not final is asked again by the link.
  if (waiter.role === 'gateway' && !isFinal) return taken;
  // Strangers write nothing on this disk; a payer's offer that was turned down stays so.
  const isPayer = wallet.book.get(offer.cond.ch)?.payer === offer.manifest.creator;
  if (origin.by === 'mesh' && !isPayer) return taken;
  wallet.log.info('task rejected', answer);
  await wallet.database.write(
    insertRejected(offer, { reject: answer, waiter, isFinal }, wallet.clock.now()),
  );
  wallet.kick();
  return taken;
}
