/**
 * Seals: h_n = sha256(h_{n-1} || JCS(transfer n)), h_0 = sha256(network id), signed by the ledger's
 * key. Whoever kept an old seal can show that a later journal was rewritten.
 */
import {
  concat,
  decodeBase64url,
  encodeBase64url,
  jcs,
  sealEnvelope,
  sha256,
  type Transfer,
  utf8,
} from '@zerostate/shared';
import { DatabaseError } from '../adapters/libsql-error.ts';
import type { LedgerPorts } from './ports.ts';
import { readTransfers } from './reads.ts';
import { text } from './snapshot.ts';

/** The type under which a seal's body `{from_seq, to_seq, head}` is signed. */
export const SEAL_TYPE = 'ledger.seal';
/** Transfers of one seal. */
const SEAL_ROWS_MAX = 5_000;

/** Where the chain of a network starts. */
export function firstHead(network: string): Uint8Array {
  return sha256(utf8(network));
}

/** One transfer more; the row is its public answer. */
export function foldTransfer(head: Uint8Array, transfer: Transfer): Uint8Array {
  return sha256(concat(head, utf8(jcs(transfer))));
}

/** Seals what is above the last seal, at most 5 000 transfers, and says how many it took. */
export async function sealJournal(ports: LedgerPorts): Promise<number> {
  const [last] = await ports.database.read({
    sql: 'SELECT to_seq, head FROM seal ORDER BY to_seq DESC LIMIT 1',
    args: [],
  });
  const after = last === undefined ? 0 : Number(last.to_seq);
  const { transfers } = await readTransfers(ports.database, after, SEAL_ROWS_MAX);
  const newest = transfers.at(-1);
  if (newest === undefined) return 0;
  let head = last === undefined ? firstHead(ports.network) : headBytes(text(last.head));
  for (const transfer of transfers) head = foldTransfer(head, transfer);
  const body = sealBody({ fromSeq: after + 1, toSeq: newest.seq, head: encodeBase64url(head) });
  const envelope = await sealEnvelope(ports.network, SEAL_TYPE, body, ports.signer);
  const sig = envelope.sigs[0]?.sig ?? '';
  try {
    await ports.database.batch([
      {
        sql: 'INSERT INTO seal(to_seq, from_seq, head, sig, at) SELECT ?1, ?2, ?3, ?4, now_ms FROM clock',
        args: [newest.seq, after + 1, body.head, sig],
      },
    ]);
  } catch (error) {
    // Another worker has sealed the same transfers.
    if (error instanceof DatabaseError && error.fault === 'refused') return 0;
    throw error;
  }
  return transfers.length;
}

/** What the ledger's key signs. */
export function sealBody(seal: { fromSeq: number; toSeq: number; head: string }) {
  return { from_seq: String(seal.fromSeq), to_seq: String(seal.toSeq), head: seal.head };
}

function headBytes(head: string): Uint8Array {
  const bytes = decodeBase64url(head);
  if (!bytes.ok) throw new Error('a stored seal has no readable head');
  return bytes.value;
}
