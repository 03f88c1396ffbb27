import { verify } from '@zerostate/runtime';
import {
  digestSha256,
  type OpenedEnvelope,
  openEnvelope,
  type PaychCond,
  paychCondSchema,
  type TaskManifest,
  type TaskReceipt,
  taskManifestSchema,
  taskReceiptSchema,
  type Verifier,
} from '@zerostate/shared';
import type { EdgeResult } from '../http/outcome.ts';
import { faultOf } from '../verify/grounds.ts';
import type { Rerun } from '../verify/rerun.ts';
import { termsFault } from '../wallet/receipt-terms.ts';
import type { UncheckedBundle } from './bundle.ts';

/**
 * `valid`: signed by the executor, what was ordered, and the same when run again.
 * `invalid`: some of that is not so; `reason` names it.
 * `indeterminate`: bytes are missing or this host cannot run the program; `reason` names it.
 */
export interface ReceiptVerdict {
  verdict: 'valid' | 'invalid' | 'indeterminate';
  reason?: string;
  /** What was checked and held, in order. */
  checked: string[];
  receipt?: { id: string; body: TaskReceipt };
}

export interface VerifyReceiptOptions {
  network: string;
  verifier: Verifier;
  rerun: Rerun;
  /** Bytes by hash, for what the bundle leaves out. */
  fetchBytes?: ((hash: string) => Promise<EdgeResult<Uint8Array>>) | undefined;
}

/** Checks a receipt bundle from the signatures to the last byte of the output. */
export async function verifyReceipt(
  bundle: UncheckedBundle,
  options: VerifyReceiptOptions,
): Promise<ReceiptVerdict> {
  const checked: string[] = [];
  const opened = await openParts(bundle, options);
  if (!opened.ok) return { verdict: 'invalid', reason: opened.reason, checked };
  const { manifest, cond, receipt } = opened;
  const about = { checked, receipt: { id: receipt.id, body: receipt.body } };
  const invalid = (reason: string): ReceiptVerdict => ({ verdict: 'invalid', reason, ...about });
  checked.push('signatures');
  const pairing = pairFault(bundle, manifest, cond);
  if (pairing !== null) return invalid(pairing);
  const terms = termsFault(manifest.id, manifest.body, cond.body, receipt.body);
  if (terms !== null) return invalid(`${terms.reason}: ${terms.detail}`);
  checked.push('terms', 'price');

  const unsure = (reason: string): ReceiptVerdict => ({
    verdict: 'indeterminate',
    reason,
    ...about,
  });
  const bytes = await bytesOf(bundle, manifest.body, receipt.body, options);
  if (!bytes.ok) return bytes.isWrong ? invalid(bytes.reason) : unsure(bytes.reason);
  checked.push('hashes');
  const { module, input } = bytes;
  const verdict = await verify({
    receipt: receipt.body,
    manifest: manifest.body,
    module,
    input,
    runner: options.rerun.run,
  });
  if (verdict.verdict === 'indeterminate') return unsure(`${verdict.why}: ${verdict.detail}`);
  if (verdict.verdict === 'fault') {
    const { reason, detail } = faultOf(verdict.differs);
    return invalid(`${reason}: ${detail}`);
  }
  checked.push('re-run');
  return { verdict: 'valid', ...about };
}

type Parts = {
  manifest: OpenedEnvelope<TaskManifest>;
  cond: OpenedEnvelope<PaychCond>;
  receipt: OpenedEnvelope<TaskReceipt>;
};

async function openParts(
  { manifest: rawManifest, cond: rawCond, receipt: rawReceipt }: UncheckedBundle,
  { network, verifier }: VerifyReceiptOptions,
): Promise<({ ok: true } & Parts) | { ok: false; reason: string }> {
  const refuse = (part: string, { code, detail }: { code: string; detail?: string }) => ({
    ok: false as const,
    reason: `${part}: ${code}${detail === undefined ? '' : ` ${detail}`}`,
  });
  const manifest = await openEnvelope(
    network,
    rawManifest,
    taskManifestSchema,
    'task.manifest',
    verifier,
    { by: ({ creator }) => [creator] },
  );
  if (!manifest.ok) return refuse('manifest', manifest);
  const { creator, executor } = manifest.value.body;
  const cond = await openEnvelope(network, rawCond, paychCondSchema, 'paych.cond', verifier, {
    by: [creator],
  });
  if (!cond.ok) return refuse('cond', cond);
  const receipt = await openEnvelope(
    network,
    rawReceipt,
    taskReceiptSchema,
    'task.receipt',
    verifier,
    { by: [executor] },
  );
  if (!receipt.ok) return refuse('receipt', receipt);
  return { ok: true, manifest: manifest.value, cond: cond.value, receipt: receipt.value };
}

/** Whether manifest, cond and module are of one task. */
function pairFault(
  bundle: UncheckedBundle,
  manifest: OpenedEnvelope<TaskManifest>,
  cond: OpenedEnvelope<PaychCond>,
): string | null {
  if (cond.body.task !== manifest.id) return 'cond: of another task';
  if (cond.body.executor !== manifest.body.executor) return 'cond: for another executor';
  return bundle.module.sha256 === manifest.body.module ? null : 'module: not the one ordered';
}

type Bytes =
  | { ok: true; module: Uint8Array; input: Uint8Array }
  | { ok: false; isWrong: boolean; reason: string };

async function bytesOf(
  bundle: UncheckedBundle,
  manifest: TaskManifest,
  receipt: TaskReceipt,
  { fetchBytes }: VerifyReceiptOptions,
): Promise<Bytes> {
  const found: Record<string, Uint8Array> = {};
  const parts = [
    ['module', manifest.module, bundle.module.bytes],
    ['input', manifest.input, manifest.input_len === '0' ? new Uint8Array() : bundle.input],
  ] as const;
  for (const [name, hash, given] of parts) {
    const bytes = given ?? (await fetched(hash, fetchBytes));
    if (bytes === null) return { ok: false, isWrong: false, reason: `${name}: bytes are missing` };
    if ((await digestSha256(bytes)) !== hash) {
      return { ok: false, isWrong: true, reason: `${name}: bytes have another hash` };
    }
    found[name] = bytes;
  }
  // The output is not needed to check the receipt, but what a bundle shows must be the real one.
  if (bundle.output !== undefined && (await digestSha256(bundle.output)) !== receipt.output) {
    return { ok: false, isWrong: true, reason: 'output: bytes have another hash' };
  }
  const { module = new Uint8Array(), input = new Uint8Array() } = found;
  return { ok: true, module, input };
}

async function fetched(
  hash: string,
  fetchBytes: VerifyReceiptOptions['fetchBytes'],
): Promise<Uint8Array | null> {
  const bytes = await fetchBytes?.(hash);
  return bytes?.ok ? bytes.value : null;
}
