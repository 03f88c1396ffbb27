/**
 * Seals: h_n = sha256(h_{n-1} || JCS(transfer n)), h_0 = sha256(network id), signed by the ledger's
 * key. Whoever kept an old seal can show that a later journal was rewritten (money.md 5).
 */
import type { Seal, Transfer } from '../api/ledger.ts';
import { concat, sha256, utf8 } from '../encoding/bytes.ts';
import { jcs } from '../encoding/jcs.ts';
import { verifySignature } from '../envelope.ts';
import type { Verifier } from '../identity/signing.ts';

/** The type under which a seal's body `{from_seq, to_seq, head}` is signed. */
export const SEAL_TYPE = 'ledger.seal';

/** Where the chain of a network starts. */
export function firstHead(network: string): Uint8Array {
  return sha256(utf8(network));
}

/** One transfer more; the row is its public answer. */
export function foldTransfer(head: Uint8Array, transfer: Transfer): Uint8Array {
  return sha256(concat(head, utf8(jcs(transfer))));
}

/** What the ledger's key signs. */
export function sealBody(seal: { fromSeq: number; toSeq: number; head: string }) {
  return { from_seq: String(seal.fromSeq), to_seq: String(seal.toSeq), head: seal.head };
}

/** Whether the ledger's key signed this seal. */
export function verifySeal(
  of: { network: string; ledger: string },
  { from_seq: fromSeq, to_seq: toSeq, head, sig }: Seal,
  verifier: Verifier,
): Promise<boolean> {
  const body = sealBody({ fromSeq, toSeq, head });
  return verifySignature(of.network, SEAL_TYPE, body, { by: of.ledger, sig }, verifier);
}
