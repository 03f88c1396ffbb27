/** Seals the journal (audit/seals.ts of the shared package), so that a rewrite of it shows. */
import {
  decodeBase64url,
  encodeBase64url,
  firstHead,
  foldTransfer,
  SEAL_TYPE,
  sealBody,
  sealEnvelope,
} from '@zerostate/shared';
import { DatabaseError } from '../adapters/libsql-error.ts';
import type { LedgerPorts } from './ports.ts';
import { readTransfers } from './reads.ts';
import { text } from './snapshot.ts';

/** Transfers of one seal. */
const SEAL_ROWS_MAX = 5_000;

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

function headBytes(head: string): Uint8Array {
  const bytes = decodeBase64url(head);
  if (!bytes.ok) throw new Error('a stored seal has no readable head');
  return bytes.value;
}
