import { type EnvelopeCode, type OpenedEnvelope, openEnvelope } from '../envelope.ts';
import type { Verifier } from '../identity/signing.ts';
import { type PaychCond, paychCondSchema } from '../messages/channel.ts';
import { type TaskManifest, taskManifestSchema } from '../messages/task.ts';
import { ok, type Result } from '../result.ts';

/** A task and the promise to pay for it, as they came: envelopes whose bodies nobody has read. */
export interface RawOffer {
  readonly manifest: { readonly body: Readonly<Record<string, unknown>> };
  readonly cond: unknown;
}

export interface OpenedOffer {
  readonly manifest: OpenedEnvelope<TaskManifest>;
  readonly cond: OpenedEnvelope<PaychCond>;
}

/**
 * Both envelopes of an offer, each signed by the task's creator alone: it asks, and it pays. They
 * are checked at the same time; whether their terms fit together is not looked at.
 */
export async function openOffer(
  network: string,
  raw: RawOffer,
  verifier: Verifier,
): Promise<Result<OpenedOffer, EnvelopeCode>> {
  // Not checked yet: if the manifest is in order, this is its creator.
  const { creator } = raw.manifest.body;
  const [manifest, cond] = await Promise.all([
    openEnvelope(network, raw.manifest, taskManifestSchema, 'task.manifest', verifier, {
      by: (body) => [body.creator],
      maxSigs: 1,
    }),
    openEnvelope(network, raw.cond, paychCondSchema, 'paych.cond', verifier, {
      by: [String(creator)],
      maxSigs: 1,
    }),
  ]);
  if (!manifest.ok) return manifest;
  if (!cond.ok) return cond;
  return ok({ manifest: manifest.value, cond: cond.value });
}
