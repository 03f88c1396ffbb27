import type { EdgeClient } from '@zerostate/sdk';
import {
  type ClaimAnswer,
  err,
  idOf,
  ok,
  openEnvelope,
  type PaychCond,
  paychOpenSchema,
  type Result,
  type TaskManifest,
  type TaskReceipt,
  taskManifestSchema,
  taskObjectionSchema,
  taskReceiptSchema,
  type Verifier,
  verifySignature,
} from '@zerostate/shared';
import type { Pinned } from '../state/store.ts';
import type { ClaimReads, FiledClaim } from './ports.ts';

/** Everything that a dispute is about; each part was checked against its hash or signature. */
export interface Evidence {
  claim: ClaimAnswer;
  manifest: TaskManifest;
  receipt: TaskReceipt;
  /** What the creator says is wrong; null when the edge does not show its objection. */
  reason: string | null;
  module: Uint8Array | undefined;
  input: Uint8Array | undefined;
}

export interface EvidenceContext {
  edge: Pick<EdgeClient, 'channel' | 'task' | 'getBlob'>;
  claims: ClaimReads;
  pinned: Pinned;
  verifier: Verifier;
}

/**
 * Collects a dispute from the edge. `party`: this arbiter may not judge it. Every other code says
 * what is not there or does not hold: an edge that shows something else than what was signed gets
 * no verdict out of it.
 */
export async function collect(
  context: EvidenceContext,
  at: { claim: string; ch: string },
): Promise<Result<Evidence, string>> {
  const { edge, claims, pinned } = context;
  const parties = await partiesOf(context, at.ch);
  if (!parties.ok) return parties;
  if (parties.value.includes(pinned.did)) return err('party');
  const listed = await claims.disputed(at.ch);
  if (!listed.ok) return listed;
  const claim = listed.value.find(({ id }) => id === at.claim);
  if (claim === undefined) return err('claim-not-listed');
  const task = await edge.task(claim.task);
  if (!task.ok) return err(task.code === 'task-unknown' ? 'manifest-missing' : task.code);
  const manifest = await openManifest(context, claim, task.value.manifest);
  if (!manifest.ok) return manifest;
  const { creator, executor } = manifest.value;
  const [payer, payee] = claim.dir === 'a' ? parties.value : parties.value.toReversed();
  if (creator !== payer || executor !== payee) return err('parties-wrong');
  if (!(await isCondSigned(context, claim, { payer: creator, executor }))) {
    return err('cond-wrong');
  }
  const receipt = await openReceipt(context, claim, executor);
  if (!receipt.ok) return receipt;
  const blobs = await readBlobs(edge, manifest.value);
  if (!blobs.ok) return blobs;
  const reason = await openReason(context, claim, creator, task.value.objection);
  return ok({ claim, manifest: manifest.value, receipt: receipt.value, reason, ...blobs.value });
}

/** Both sides of a channel, by the terms that both signed. */
async function partiesOf(
  { edge, pinned, verifier }: EvidenceContext,
  ch: string,
): Promise<Result<[a: string, b: string], string>> {
  const channel = await edge.channel(ch);
  if (!channel.ok) return err(channel.code, channel.detail);
  const { open } = channel.value;
  const opened = await openEnvelope(pinned.network, open, paychOpenSchema, 'paych.open', verifier, {
    by: ({ a, b }) => [a, b],
  });
  if (!opened.ok) return err('channel-wrong', opened.code);
  const { a, b } = opened.value.body;
  return opened.value.id === ch ? ok([a, b]) : err('channel-wrong');
}

async function openManifest(
  { pinned, verifier }: EvidenceContext,
  claim: FiledClaim,
  raw: unknown,
): Promise<Result<TaskManifest, string>> {
  const opened = await openEnvelope(
    pinned.network,
    raw,
    taskManifestSchema,
    'task.manifest',
    verifier,
    { by: ({ creator }) => [creator] },
  );
  if (!opened.ok) return err('manifest-wrong', opened.code);
  return opened.value.id === claim.task ? ok(opened.value.body) : err('manifest-wrong');
}

/** The claim is named by its cond: its figures are the payer's, to the letter. */
async function isCondSigned(
  { pinned, verifier }: EvidenceContext,
  claim: FiledClaim,
  { payer, executor }: { payer: string; executor: string },
): Promise<boolean> {
  const { ch, dir, lane, base, cap, task, not_after } = claim;
  const cond: PaychCond = {
    ch,
    dir,
    lane: String(lane),
    base,
    cap,
    task,
    executor,
    not_after: String(not_after),
  };
  if (idOf(pinned.network, 'paych.cond', cond) !== claim.id) return false;
  const signature = { by: payer, sig: claim.cond_sig };
  return verifySignature(pinned.network, 'paych.cond', cond, signature, verifier);
}

async function openReceipt(
  { pinned, verifier }: EvidenceContext,
  claim: FiledClaim,
  executor: string,
): Promise<Result<TaskReceipt, string>> {
  const opened = await openEnvelope(
    pinned.network,
    claim.receipt_envelope,
    taskReceiptSchema,
    'task.receipt',
    verifier,
    { by: [executor] },
  );
  if (!opened.ok) return err('receipt-wrong', opened.code);
  const { id, body } = opened.value;
  const isOf = id === claim.receipt && body.task === claim.task && body.executor === executor;
  return isOf ? ok(body) : err('receipt-wrong');
}

/** The creator's reason, where it is about this receipt. */
async function openReason(
  { pinned, verifier }: EvidenceContext,
  claim: FiledClaim,
  creator: string,
  raw: unknown,
): Promise<string | null> {
  const opened = await openEnvelope(
    pinned.network,
    raw,
    taskObjectionSchema,
    'task.objection',
    verifier,
    { by: [creator] },
  );
  return opened.ok && opened.value.body.receipt === claim.receipt ? opened.value.body.reason : null;
}

type Blobs = { module: Uint8Array | undefined; input: Uint8Array | undefined };

/** Module and input by their hashes; undefined is what the edge does not have. */
async function readBlobs(
  edge: EvidenceContext['edge'],
  { module, input, input_len, abi }: TaskManifest,
): Promise<Result<Blobs, string>> {
  const program = await readBlob(edge, module);
  if (!program.ok) return program;
  if (abi === 'call' || input_len === '0') {
    return ok({ module: program.value, input: new Uint8Array(0) });
  }
  const bytes = await readBlob(edge, input);
  return bytes.ok ? ok({ module: program.value, input: bytes.value }) : bytes;
}

/** Codes of an edge that answers: it does not have these bytes, or not for us. */
const MISSING = new Set(['blob-unknown', 'not-found', 'forbidden', 'blob-hash-wrong']);

export async function readBlob(
  edge: EvidenceContext['edge'],
  hash: string,
): Promise<Result<Uint8Array | undefined, string>> {
  const blob = await edge.getBlob(hash);
  if (blob.ok) return ok(blob.value);
  return MISSING.has(blob.code) ? ok(undefined) : err(blob.code, blob.detail);
}
