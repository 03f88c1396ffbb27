/**
 * Replays a journal from the genesis and compares it with its seals. Pure: whoever holds the
 * transfers and an old seal can run it, and finds any edit, gap, overdraft or rewritten head.
 */
import {
  encodeBase64url,
  type Seal,
  type Transfer,
  type Verifier,
  verifySignature,
} from '@zerostate/shared';
import { firstHead, foldTransfer, SEAL_TYPE, sealBody } from './seal.ts';

export type AuditFinding = {
  code:
    | 'gap'
    | 'amount-invalid'
    | 'duplicate-id'
    | 'overdrawn'
    | 'seal-gap'
    | 'head-differs'
    | 'seal-signature';
  /** The transfer's number, or the last one of the seal. */
  seq: number;
  detail?: string;
};

export type AuditReport = {
  transfers: number;
  seals: number;
  /** Transfers above the last seal: not vouched for yet. */
  unsealed: number;
  /** Balance of every account, micro-units. */
  balances: Map<string, bigint>;
  findings: AuditFinding[];
};

/** Transfers and seals in rising order; both may come in pages. */
export async function auditJournal(
  journal: {
    network: string;
    ledger: string;
    transfers: AsyncIterable<Transfer> | Iterable<Transfer>;
    seals: readonly Seal[];
  },
  verifier: Verifier,
): Promise<AuditReport> {
  const findings: AuditFinding[] = [];
  const heads = new Map<number, Seal>(journal.seals.map((seal) => [seal.to_seq, seal]));
  const balances = new Map<string, bigint>();
  const ids = new Set<string>();
  let head = firstHead(journal.network);
  let seq = 0;
  for await (const transfer of journal.transfers) {
    if (transfer.seq !== seq + 1) findings.push({ code: 'gap', seq: transfer.seq });
    seq = transfer.seq;
    if (ids.has(transfer.id)) findings.push({ code: 'duplicate-id', seq, detail: transfer.id });
    ids.add(transfer.id);
    findings.push(...apply(balances, transfer));
    head = foldTransfer(head, transfer);
    const seal = heads.get(seq);
    if (seal !== undefined && seal.head !== encodeBase64url(head)) {
      findings.push({ code: 'head-differs', seq });
    }
  }
  findings.push(...(await checkSeals(journal, verifier, seq)));
  const sealed = journal.seals.at(-1)?.to_seq ?? 0;
  return {
    transfers: ids.size,
    seals: journal.seals.length,
    unsealed: Math.max(0, seq - sealed),
    balances,
    findings,
  };
}

function apply(balances: Map<string, bigint>, transfer: Transfer): AuditFinding[] {
  const { seq, debit, credit } = transfer;
  if (!/^[1-9][0-9]{0,15}$/.test(transfer.amount) || debit === credit) {
    return [{ code: 'amount-invalid', seq, detail: transfer.amount }];
  }
  const amount = BigInt(transfer.amount);
  const left = (balances.get(debit) ?? 0n) - amount;
  balances.set(debit, left);
  balances.set(credit, (balances.get(credit) ?? 0n) + amount);
  // Only a rail, which stands for the outside world, may be overdrawn.
  if (left >= 0n || debit.startsWith('ral:')) return [];
  return [{ code: 'overdrawn', seq, detail: debit }];
}

async function checkSeals(
  { network, ledger, seals }: { network: string; ledger: string; seals: readonly Seal[] },
  verifier: Verifier,
  lastSeq: number,
): Promise<AuditFinding[]> {
  const findings: AuditFinding[] = [];
  let end = 0;
  for (const { from_seq: fromSeq, to_seq: toSeq, head, sig } of seals) {
    if (fromSeq !== end + 1 || toSeq > lastSeq) findings.push({ code: 'seal-gap', seq: toSeq });
    end = toSeq;
    const body = sealBody({ fromSeq, toSeq, head });
    const signature = { by: ledger, sig };
    const holds = await verifySignature(network, SEAL_TYPE, body, signature, verifier);
    if (!holds) findings.push({ code: 'seal-signature', seq: toSeq });
  }
  return findings;
}
