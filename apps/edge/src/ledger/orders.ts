/** Checks signed bodies before any of the database is touched. */
import {
  type OpenedEnvelope,
  type OpenOptions,
  openEnvelope,
  type SignedType,
  signedBodies,
} from '@zerostate/shared';
import type { z } from 'zod';
import type { LedgerResult } from './codes.ts';
import type { LedgerPorts } from './ports.ts';

export type BodyOf<T extends SignedType> = z.infer<(typeof signedBodies)[T]>;
export type Order<T extends SignedType> = OpenedEnvelope<BodyOf<T>>;

/** A signed body of this type on this network, its signatures checked. */
export async function openOrder<T extends SignedType>(
  ports: Pick<LedgerPorts, 'network' | 'verifier'>,
  type: T,
  raw: unknown,
  options: OpenOptions<BodyOf<T>>,
): Promise<LedgerResult<Order<T>>> {
  // Checked border: the table holds the schema of exactly this type.
  const schema = signedBodies[type] as unknown as z.ZodType<BodyOf<T>>;
  return openEnvelope(ports.network, raw, schema, type, ports.verifier, options);
}

/** A voucher, its check on the clock. */
export async function openVoucher(
  ports: Pick<LedgerPorts, 'network' | 'verifier' | 'metrics'>,
  raw: unknown,
): Promise<LedgerResult<Order<'paych.voucher'>>> {
  const stop = ports.metrics.time('zs_voucher_verify_seconds');
  const order = await openOrder(ports, 'paych.voucher', raw, { maxSigs: 1 });
  stop();
  return order;
}

/** The one signer of an envelope that may carry a single signature. */
export function soleSigner(order: { envelope: { sigs: readonly { by: string }[] } }): string {
  const [first] = order.envelope.sigs;
  if (first === undefined) throw new Error('an opened envelope has a signature');
  return first.by;
}

/** This party's signature; null if it is not there. */
export function signatureOf(
  order: { envelope: { sigs: readonly { by: string; sig: string }[] } },
  did: string,
): string | null {
  return order.envelope.sigs.find(({ by }) => by === did)?.sig ?? null;
}
