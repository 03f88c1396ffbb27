import {
  auditJournal,
  createSigner,
  createVerifier,
  encodeBase64url,
  firstHead,
  foldTransfer,
  SEAL_TYPE,
  type Seal,
  sealBody,
  sealEnvelope,
  type Transfer,
} from '@zerostate/shared';
import { figure } from './ledger-world.ts';
import type { BenchResult } from './report.ts';

const TRANSFERS = 1_000_000;
const SEALED = 5_000;
const NETWORK = 'zs-abcdefghijklmnop';

/** The transfers come as the public pages give them; making them is not timed. */
export async function auditMillion(): Promise<BenchResult> {
  const signer = await createSigner(new Uint8Array(32).fill(1));
  const transfers = Array.from({ length: TRANSFERS }, (_, index) => transferOf(index + 1));
  const seals: Seal[] = [];
  let head = firstHead(NETWORK);
  for (const transfer of transfers) {
    head = foldTransfer(head, transfer);
    if (transfer.seq % SEALED !== 0) continue;
    const fromSeq = transfer.seq - SEALED + 1;
    const body = sealBody({ fromSeq, toSeq: transfer.seq, head: encodeBase64url(head) });
    const { sigs } = await sealEnvelope(NETWORK, SEAL_TYPE, body, signer);
    const sig = sigs[0]?.sig ?? '';
    seals.push({ from_seq: fromSeq, to_seq: transfer.seq, head: body.head, sig, at: 0 });
  }
  const start = performance.now();
  const journal = { network: NETWORK, ledger: signer.did, transfers, seals };
  const report = await auditJournal(journal, createVerifier());
  const value = figure((performance.now() - start) / 1_000);
  if (report.findings.length > 0) throw new Error(`the audit found ${report.findings[0]?.code}`);
  return { name: 'audit1m.s', value, unit: 's', better: 'lower' };
}

/** Deposits to 5 000 accounts by turns, then payments among them, 200 to a lane. */
function transferOf(seq: number): Transfer {
  const account = (n: number) => `avl:did:key:z6Mk${String(n % 5_000).padStart(44, '1')}`;
  const isDeposit = seq <= 5_000;
  const debit = isDeposit ? 'ral:faucet' : account(seq);
  const channel = String(Math.floor((seq - 5_001) / 200)).padStart(43, 'C');
  const id = isDeposit
    ? `deposit:faucet:${seq}`
    : `redeem:${channel}:a:0:${((seq - 5_001) % 200) + 1}`;
  const amount = isDeposit ? '1000000' : '1';
  const code = isDeposit ? 'deposit' : 'redeem';
  return { seq, id, debit, credit: account(seq + 1), amount, code, ref: id, ts: seq };
}
