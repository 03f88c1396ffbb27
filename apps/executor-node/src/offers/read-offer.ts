import {
  type CondTerms,
  condTerms,
  decodeBase64url,
  digestSha256,
  type EdgeMessage,
  type Envelope,
  err,
  ok,
  openOffer,
  type PaychCond,
  type Result,
  type TaskManifest,
  type TaskTerms,
  taskTerms,
  type Verifier,
} from '@zerostate/shared';
import type { Pinned } from '../state/store.ts';
import type { OfferedAgent } from './catalog.ts';

/** An offer whose signatures hold and whose parts fit together. */
export interface Offer {
  task: TaskTerms;
  cond: CondTerms;
  manifest: TaskManifest;
  signed: { manifest: Envelope<TaskManifest>; cond: Envelope<PaychCond> };
}

/** Both envelopes are the creator's: it asks, and it pays. */
export async function readOffer(
  message: EdgeMessage<'task.offer'>,
  pinned: Pinned,
  verifier: Verifier,
): Promise<Result<Offer, string>> {
  const { network, did } = pinned;
  const opened = await openOffer(network, message, verifier);
  if (!opened.ok) return opened;
  const { manifest, cond } = opened.value;
  if (manifest.body.executor !== did) return err('executor-wrong');
  return ok({
    task: taskTerms(manifest.id, manifest.body),
    cond: condTerms(cond.id, cond.body),
    manifest: manifest.body,
    signed: { manifest: manifest.envelope, cond: cond.envelope },
  });
}

export type ProgramCode = 'agent-unknown' | 'module-not-offered';

/** Whether the offer calls a program that the agent's live card names. */
export function checkProgram(
  manifest: TaskManifest,
  agent: OfferedAgent | null,
): Result<OfferedAgent, ProgramCode> {
  if (agent === null) return err('agent-unknown', manifest.agent);
  const isOffered = agent.params.programs.some(
    (program) =>
      program.module === manifest.module &&
      program.abi === manifest.abi &&
      (program.fn ?? '') === manifest.fn,
  );
  if (!isOffered) return err('module-not-offered', manifest.module);
  return ok(agent);
}

export type InputCode = 'input-wrong' | 'input-unavailable';

/** The input's bytes, inline or by hash; they are what the manifest names, or they are refused. */
export async function readInput(
  inline: string | undefined,
  manifest: TaskManifest,
  fetchBlob: (hash: string) => Promise<Result<Uint8Array, string>>,
): Promise<Result<Uint8Array, InputCode>> {
  if (manifest.abi === 'call' || (inline === undefined && manifest.input_len === '0')) {
    return verified(new Uint8Array(0), manifest);
  }
  if (inline !== undefined) {
    const bytes = decodeBase64url(inline);
    return bytes.ok ? verified(bytes.value, manifest) : err('input-wrong', bytes.code);
  }
  const blob = await fetchBlob(manifest.input);
  return blob.ok ? verified(blob.value, manifest) : err('input-unavailable', blob.code);
}

async function verified(
  bytes: Uint8Array,
  manifest: TaskManifest,
): Promise<Result<Uint8Array, InputCode>> {
  if (String(bytes.length) !== manifest.input_len) return err('input-wrong', 'input_len');
  if ((await digestSha256(bytes)) !== manifest.input) return err('input-wrong', 'input');
  return ok(bytes);
}
