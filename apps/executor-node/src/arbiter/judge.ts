import { verify } from '@zerostate/runtime';
import {
  type DisputeVerdict,
  err,
  ok,
  type Result,
  type Signer,
  sealEnvelope,
} from '@zerostate/shared';
import type { Clock, Log } from '../ports.ts';
import type { Database } from '../state/database.ts';
import { wordsOf } from './decide.ts';
import { collect, type Evidence, type EvidenceContext, readBlob } from './evidence.ts';
import type { Reruns } from './ports.ts';
import {
  type DisputeRow,
  declineDispute,
  dueDisputes,
  endDispute,
  insertDispute,
  isVerdictWaiting,
  leaveUndecided,
  lookAgain,
  readDispute,
  sendVerdict,
  signDispute,
} from './store.ts';

/** What cannot be said now is tried again after this, doubled up to RETRY_MS_MAX. */
const RETRY_MS_MIN = 15_000;
const RETRY_MS_MAX = 3_600_000;
/** What the ledger made of a verdict is asked soon after; */
const FOLLOW_SOON_MS = 5_000;
/** where the claim waits for other arbiters, this often. */
const FOLLOW_MS = 300_000;

export interface JudgeContext extends EvidenceContext {
  database: Database;
  signer: Signer;
  clock: Clock;
  log: Log;
  reruns: Reruns;
  /** Something was put into the outbox. */
  kick: () => void;
}

/** Judges disputed claims, several at a time, each at most once. */
export class Judge {
  readonly #context: JudgeContext;
  readonly #running = new Map<string, Promise<void>>();
  #isStopped: boolean;

  constructor(context: JudgeContext) {
    this.#isStopped = false;
    this.#context = context;
  }

  get running(): number {
    return this.#running.size;
  }

  /** A claim that the edge asks about. On disk when it resolves. */
  async asked(claim: string): Promise<void> {
    const { database, clock } = this.#context;
    const now = clock.now();
    // A word that was given is given again: the edge asks because it has not heard it.
    await database.write([insertDispute(claim, now), lookAgain(claim, now)]);
  }

  /** Takes up every dispute of the ledger that no message told of: one may have been lost. */
  async scan(): Promise<void> {
    const { claims, clock, database, log } = this.#context;
    const listed = await claims.disputed();
    if (!listed.ok) {
      log.warn('disputes not read', { code: listed.code, detail: listed.detail });
      return;
    }
    if (listed.value.length === 0) return;
    await database.write(listed.value.map(({ id }) => insertDispute(id, clock.now())));
  }

  /** Begins what is due, as far as there is room. A failure is one of this node: it rejects. */
  async work(failed: (cause: unknown) => void): Promise<void> {
    const { clock, database, reruns } = this.#context;
    if (this.#isStopped) return;
    const due = await dueDisputes(database, clock.now(), reruns.capacity + this.#running.size);
    for (const { claim } of due) {
      if (this.#running.size >= reruns.capacity) return;
      if (this.#running.has(claim)) continue;
      const run = this.#look(claim)
        .finally(() => this.#running.delete(claim))
        .then(() => this.work(failed))
        .catch(failed);
      this.#running.set(claim, run);
    }
  }

  /** Begins nothing more, and resolves when nothing is being judged. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#running.values());
  }

  /** The edge does not take a verdict: its claim is looked at again, and says why. */
  async refused(claim: string, code: string): Promise<void> {
    const { clock, database, log } = this.#context;
    log.warn('verdict refused', { claim, code });
    const isOver = code === 'claim-not-disputed';
    const nextAt = clock.now() + (isOver ? 0 : RETRY_MS_MAX);
    await database.write([lookAgain(claim, nextAt, isOver ? undefined : code)]);
  }

  async #look(claim: string): Promise<void> {
    const { claims, database, log } = this.#context;
    const dispute = await readDispute(database, claim);
    if (dispute === null) throw new Error(`dispute ${claim} is on disk`);
    const read = await claims.claim(claim);
    if (!read.ok) return this.#later(dispute, read);
    const { ch, state } = read.value;
    if (state === 'posted' || state === 'voided') {
      log.info('dispute over', { claim, state, judged: dispute.verdict !== null });
      return database.write([endDispute(claim, ch, state)]);
    }
    if (dispute.verdict !== null) return this.#remind(dispute);
    const evidence = await collect(this.#context, { claim, ch });
    if (!evidence.ok) {
      return evidence.code === 'party' ? this.#decline(claim, ch) : this.#later(dispute, evidence);
    }
    const words = await this.#judge(evidence.value);
    return words.ok ? this.#sign(evidence.value, words.value) : this.#later(dispute, words);
  }

  /** Runs the task again and finds the words for it. */
  async #judge(evidence: Evidence): Promise<Result<DisputeVerdict, string>> {
    const { edge, reruns } = this.#context;
    const { claim, manifest, receipt, reason, module, input } = evidence;
    const rerun = await verify({ receipt, manifest, module, input, runner: reruns.runner });
    if (rerun.verdict === 'indeterminate') return err(rerun.why, rerun.detail);
    if (rerun.verdict === 'ok' && reason === 'output-missing' && receipt.output_len !== '0') {
      // The work was done; whether its output was ever handed over is not in the receipt.
      const output = await readBlob(edge, receipt.output);
      if (!output.ok) return output;
      if (output.value === undefined) return err('output-missing', receipt.output);
    }
    return ok(wordsOf(claim, receipt, rerun));
  }

  async #sign(evidence: Evidence, words: DisputeVerdict): Promise<void> {
    const { clock, database, kick, log, pinned, signer } = this.#context;
    const { id: claim, ch, task } = evidence.claim;
    const envelope = await sealEnvelope(pinned.network, 'dispute.verdict', words, signer);
    const now = clock.now();
    // Nobody hears of a verdict before it is on disk: after a crash the same one is sent again.
    await database.write(
      signDispute({ claim, ch, task }, envelope, { now, nextAt: now + FOLLOW_SOON_MS }),
    );
    const { verdict, price } = words;
    log.info('verdict signed', { claim, verdict, price, reason: evidence.reason });
    kick();
  }

  /** A claim that waits for other arbiters, or an edge that has lost this one's word. */
  async #remind(dispute: DisputeRow): Promise<void> {
    const { clock, database, kick } = this.#context;
    const now = clock.now();
    const statements = [lookAgain(dispute.claim, now + FOLLOW_MS)];
    if (dispute.verdict !== null && !(await isVerdictWaiting(database, dispute.claim))) {
      const verdict: unknown = JSON.parse(dispute.verdict);
      statements.push(...sendVerdict(dispute.claim, verdict, now));
    }
    await database.write(statements);
    kick();
  }

  async #decline(claim: string, ch: string): Promise<void> {
    const { clock, database, log } = this.#context;
    log.warn('dispute declined', { claim, why: 'party' });
    await database.write([declineDispute(claim, ch, clock.now())]);
  }

  /** No verdict is better than a wrong one: the deadline decides if nobody can. */
  async #later(dispute: DisputeRow, why: { code: string; detail?: string }): Promise<void> {
    const { clock, database, log } = this.#context;
    const { claim, tries } = dispute;
    const waitMs = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(tries, 10));
    const nextAt = clock.now() + waitMs;
    log.warn('dispute undecided', { claim, code: why.code, detail: why.detail, retryMs: waitMs });
    await database.write([
      dispute.verdict === null
        ? leaveUndecided(claim, why, nextAt)
        : lookAgain(claim, nextAt, why.code),
    ]);
  }
}
