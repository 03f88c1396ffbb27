import { verify } from '@zerostate/runtime';
import {
  decodeBase64url,
  digestSha256,
  type OpenedEnvelope,
  openEnvelope,
  type TaskAnswer,
  type TaskReceipt,
  taskReceiptSchema,
} from '@zerostate/shared';
import type { EdgeResult } from '../http/outcome.ts';
import { faultOf, type ObjectionFault } from '../verify/grounds.ts';
import { fetchModule } from '../verify/modules.ts';
import { isChecked, type VerifyMode } from '../verify/policy.ts';
import type { WalletTask } from '../wallet/model.ts';
import { termsFault } from '../wallet/receipt-terms.ts';
import type { ObjectionGrounds } from '../wallet/wallet.ts';
import { type ClientContext, type Failure, fail, isUnknown } from './context.ts';
import { objectAt } from './hand-over.ts';
import type { Steps } from './progress.ts';

/** How a finished task ended for its caller. */
export type Settlement =
  | {
      state: 'paid';
      receipt: OpenedEnvelope<TaskReceipt>;
      output: Uint8Array;
      /** Whether the receipt was checked by running the program again. */
      verified: boolean;
      /** Whether the edge has the voucher; otherwise the next start sends it again. */
      delivered: boolean;
    }
  | { state: 'objected'; receiptId: string; reason: string; detail: string; delivered: boolean };

export interface SettleOptions {
  mode: VerifyMode;
  steps: Steps;
  /** The input, where the caller still has it. */
  input?: Uint8Array | undefined;
}

type Done<T> = { ok: true; value: T } | Failure;

/** What a receipt is checked against. */
export type OrderedTask = Pick<WalletTask, 'task' | 'ch' | 'manifest' | 'cond'>;

/**
 * Checks a task's receipt and pays it, or objects. Nothing here can be interrupted: a receipt that
 * was found wrong is objected to before the process goes. A failure leaves the task open, for the
 * next start to try again.
 */
export async function settle(
  context: ClientContext,
  task: OrderedTask,
  answer: TaskAnswer,
  options: SettleOptions,
): Promise<Done<Settlement>> {
  const { network, verifier } = context;
  const receipt = await openEnvelope(
    network.network,
    answer.receipt,
    taskReceiptSchema,
    'task.receipt',
    verifier,
    { by: [task.manifest.body.executor] },
  );
  // Not the executor's word: the edge passed on something else, and there is nothing to object to.
  if (!receipt.ok) return fail('receipt-forged', receipt.code);
  const terms = termsFault(task.task, task.manifest.body, task.cond.body, receipt.value.body);
  if (terms !== null) return object(context, task, receipt.value, terms, options.steps);
  const output = await options.steps.take('output', { bytes: receipt.value.body.output_len }, () =>
    outputOf(context, answer, receipt.value.body),
  );
  if (!output.ok) {
    if (output.code !== 'output-missing') return output;
    const grounds = { reason: 'output-missing' as const, detail: output.detail ?? '' };
    return object(context, task, receipt.value, grounds, options.steps);
  }
  const checked = await check(context, task, receipt.value.body, options);
  if (!checked.ok) return checked;
  const { verified, fault } = checked.value;
  if (fault !== null) return object(context, task, receipt.value, fault, options.steps);
  return pay(context, task, { receipt: receipt.value, output: output.value, verified }, options);
}

/** The output's bytes with the hash that the receipt names. */
async function outputOf(
  { edge }: ClientContext,
  answer: TaskAnswer,
  receipt: TaskReceipt,
): Promise<Done<Uint8Array>> {
  if (receipt.output_len === '0') return { ok: true, value: new Uint8Array() };
  if (answer.output !== null) {
    const inline = decodeBase64url(answer.output);
    if (inline.ok && (await digestSha256(inline.value)) === receipt.output) return inline;
  }
  const blob = await edge.getBlob(receipt.output);
  if (blob.ok) return blob;
  // Only an edge that knows of no such bytes speaks against the executor.
  return isUnknown(blob) ? fail('output-missing', receipt.output) : blob;
}

/** What the caller's own run says against the receipt, and whether it ran at all. */
type Checked = { verified: boolean; fault: ObjectionFault | null };

async function check(
  context: ClientContext,
  task: OrderedTask,
  receipt: TaskReceipt,
  { mode, steps, input }: SettleOptions,
): Promise<Done<Checked>> {
  const { edge, modules, rerun, rng } = context;
  if (!isChecked(mode, receipt, rng)) return { ok: true, value: { verified: false, fault: null } };
  return steps.take('verify', { gas: receipt.gas }, async () => {
    const { body: manifest } = task.manifest;
    const module = await fetchModule(edge, modules, manifest.module);
    if (!module.ok) return module;
    const bytes = input ?? (await inputOf(context, manifest.input, manifest.input_len));
    if (!(bytes instanceof Uint8Array)) return bytes;
    const request = { receipt, manifest, module: module.value, input: bytes, runner: rerun.run };
    const verdict = await verify(request);
    if (verdict.verdict === 'indeterminate') {
      return fail('verify-indeterminate', `${verdict.why}: ${verdict.detail}`);
    }
    const fault = verdict.verdict === 'fault' ? faultOf(verdict.differs) : null;
    return { ok: true, value: { verified: true, fault } };
  });
}

async function inputOf(
  { edge }: ClientContext,
  hash: string,
  length: string,
): Promise<Uint8Array | Failure> {
  if (length === '0') return new Uint8Array();
  const blob = await edge.getBlob(hash);
  return blob.ok ? blob.value : blob;
}

async function pay(
  context: ClientContext,
  { task, ch }: OrderedTask,
  good: { receipt: OpenedEnvelope<TaskReceipt>; output: Uint8Array; verified: boolean },
  { steps }: SettleOptions,
): Promise<Done<Settlement>> {
  const { receipt } = good;
  const paid = await steps.take(
    'pay',
    { price: receipt.body.price, receipt: receipt.id },
    async (): Promise<Done<boolean>> => {
      const voucher = await context.wallet.pay(task, receipt);
      if (!voucher.ok) return voucher;
      const signed = { task, ch, voucher: voucher.value, objection: null };
      return { ok: true, value: await send(context, signed) };
    },
    (delivered) => ({ delivered: String(delivered) }),
  );
  return paid.ok ? { ok: true, value: { state: 'paid', ...good, delivered: paid.value } } : paid;
}

async function object(
  context: ClientContext,
  { task, ch }: OrderedTask,
  receipt: OpenedEnvelope<TaskReceipt>,
  fault: ObjectionFault,
  steps: Steps,
): Promise<Done<Settlement>> {
  const { reason, detail, output, gas } = fault;
  const grounds: ObjectionGrounds = {
    reason,
    ...(output === undefined ? {} : { output }),
    ...(gas === undefined ? {} : { gas }),
  };
  const objected = await steps.take(
    'object',
    { receipt: receipt.id, reason },
    async (): Promise<Done<boolean>> => {
      const objection = await context.wallet.object(task, receipt, grounds);
      if (!objection.ok) return objection;
      const signed = { task, ch, voucher: null, objection: objection.value };
      return { ok: true, value: await send(context, signed) };
    },
  );
  if (!objected.ok) return objected;
  const delivered = objected.value;
  return {
    ok: true,
    value: { state: 'objected', receiptId: receipt.id, reason, detail, delivered },
  };
}

/** Nothing can be redeemed any more: there is no use in sending the voucher again. */
const TOO_LATE = ['channel-closed', 'redeem-window-passed'];

/** What was signed last for a task. */
type Signed = Pick<WalletTask, 'task' | 'ch' | 'voucher' | 'objection'>;

/** Sends what the wallet still has to send for a task. */
export async function deliver(context: ClientContext, id: string): Promise<boolean> {
  const task = await context.wallet.task(id);
  if (task === null || task.delivered) return task !== null;
  return send(context, task);
}

/** Sends a task's voucher or objection, and remembers that the edge has it. */
async function send(context: ClientContext, signed: Signed): Promise<boolean> {
  const { edge, wallet } = context;
  const { task, ch, voucher, objection } = signed;
  let sent: EdgeResult<unknown>;
  if (voucher !== null) sent = await edge.voucher(ch, voucher);
  else if (objection !== null) {
    const order = await wallet.task(task);
    sent = await objectAt(context, order, { task, envelope: objection });
  } else return true;
  if (!sent.ok && !TOO_LATE.includes(sent.code)) return false;
  await wallet.delivered(task);
  return true;
}
