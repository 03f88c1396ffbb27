/**
 * Replays a journal from the genesis and compares it with its seals. Pure: whoever holds the
 * transfers and an old seal can run it, and finds any edit, gap, overdraft or rewritten head.
 */
import type { Seal, Transfer } from '../api/ledger.ts';
import { encodeBase64url } from '../encoding/bytes.ts';
import type { Verifier } from '../identity/signing.ts';
import { firstHead, foldTransfer, verifySeal } from './seals.ts';

export type JournalFinding = {
  code: /** A number is missing, or comes twice. */
    | 'gap'
    | 'amount-invalid'
    | 'duplicate-id'
    | 'overdrawn'
    /** A payment of a lane does not lead from its last total to the one it names. */
    | 'lane-total'
    | 'seal-gap'
    | 'seal-signature'
    /** The transfers do not lead to what a seal says. */
    | 'head-differs'
    /** The ledger's key once signed another journal up to here: it was rewritten. */
    | 'forked'
    /** The journal ends before a seal that was seen. */
    | 'shortened';
  /** The transfer's number, or the last one of the seal. */
  seq: number;
  detail?: string;
};

export type JournalReport = {
  transfers: number;
  seals: number;
  /** Transfers above the last seal: not vouched for yet. */
  unsealed: number;
  /** Balance of every account, micro-units. */
  balances: Map<string, bigint>;
  /** What each lane has paid, by `<ch>:<dir>:<lane>`. */
  lanes: Map<string, bigint>;
  /** All that was ever moved: the sum of all credits and of all debits. */
  moved: bigint;
  findings: JournalFinding[];
};

export type JournalSource = {
  network: string;
  /** DID that signs the seals. */
  ledger: string;
  /** In rising order, as the ledger lists them. */
  seals: readonly Seal[];
  /** Seals that earlier audits saw, in any order. Only what the ledger's key signed counts. */
  seen?: readonly Seal[];
};

/** A replay that is fed as the pages come in. */
export interface JournalAudit {
  /** The next transfer, in rising order. */
  add(transfer: Transfer): void;
  /** The number of the last transfer. */
  readonly seq: number;
  /** What each lane has paid so far, by `<ch>:<dir>:<lane>`. */
  laneTotals(): ReadonlyMap<string, bigint>;
  /** Whether a transfer with this id came. */
  has(id: string): boolean;
  finish(verifier: Verifier): Promise<JournalReport>;
}

export function createJournalAudit(source: JournalSource): JournalAudit {
  const findings: JournalFinding[] = [];
  const heads = new Map(source.seals.map((seal) => [seal.to_seq, seal.head]));
  const marks = new Set([...heads.keys(), ...(source.seen ?? []).map((seal) => seal.to_seq)]);
  /** The replayed head wherever a seal of now or of before ends. */
  const replayed = new Map<number, string>();
  const balances = new Map<string, bigint>();
  const lanes = new Map<string, bigint>();
  const ids = new Set<string>();
  let head = firstHead(source.network);
  let seq = 0;
  let moved = 0n;
  return {
    add(transfer) {
      if (transfer.seq !== seq + 1) findings.push({ code: 'gap', seq: transfer.seq });
      seq = transfer.seq;
      if (ids.has(transfer.id)) findings.push({ code: 'duplicate-id', seq, detail: transfer.id });
      ids.add(transfer.id);
      findings.push(...apply(balances, transfer), ...payLane(lanes, transfer));
      if (isAmount(transfer.amount)) moved += BigInt(transfer.amount);
      head = foldTransfer(head, transfer);
      if (!marks.has(seq)) return;
      const text = encodeBase64url(head);
      replayed.set(seq, text);
      if (heads.has(seq) && heads.get(seq) !== text) findings.push({ code: 'head-differs', seq });
    },
    get seq() {
      return seq;
    },
    laneTotals: () => lanes,
    has: (id) => ids.has(id),
    async finish(verifier) {
      findings.push(...(await checkSeals(source, verifier, seq)));
      findings.push(...(await checkSeen(source, verifier, { seq, replayed })));
      const sealed = source.seals.at(-1)?.to_seq ?? 0;
      return {
        transfers: ids.size,
        seals: source.seals.length,
        unsealed: Math.max(0, seq - sealed),
        balances,
        lanes,
        moved,
        findings,
      };
    },
  };
}

/** A whole journal at once. */
export async function auditJournal(
  journal: JournalSource & { transfers: Iterable<Transfer> },
  verifier: Verifier,
): Promise<JournalReport> {
  const audit = createJournalAudit(journal);
  for (const transfer of journal.transfers) audit.add(transfer);
  return audit.finish(verifier);
}

function isAmount(amount: string): boolean {
  return /^[1-9][0-9]{0,15}$/.test(amount);
}

function apply(balances: Map<string, bigint>, transfer: Transfer): JournalFinding[] {
  const { seq, debit, credit } = transfer;
  if (!isAmount(transfer.amount) || debit === credit) {
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

/** `redeem:<ch>:<dir>:<lane>:<cum>` raises a lane to cum, from what was paid before. */
function payLane(lanes: Map<string, bigint>, transfer: Transfer): JournalFinding[] {
  if (transfer.code !== 'redeem') return [];
  const [, lane, cum] = /^redeem:([^:]+:[ab]:[0-9]{1,3}):([0-9]{1,16})$/.exec(transfer.id) ?? [];
  if (lane === undefined || cum === undefined || !isAmount(transfer.amount)) {
    return [{ code: 'lane-total', seq: transfer.seq, detail: transfer.id }];
  }
  const total = (lanes.get(lane) ?? 0n) + BigInt(transfer.amount);
  lanes.set(lane, total);
  return total === BigInt(cum) ? [] : [{ code: 'lane-total', seq: transfer.seq, detail: lane }];
}

async function checkSeals(
  source: JournalSource,
  verifier: Verifier,
  lastSeq: number,
): Promise<JournalFinding[]> {
  const findings: JournalFinding[] = [];
  let end = 0;
  for (const seal of source.seals) {
    const { from_seq: fromSeq, to_seq: seq } = seal;
    if (fromSeq !== end + 1 || seq > lastSeq) findings.push({ code: 'seal-gap', seq });
    end = seq;
    if (!(await verifySeal(source, seal, verifier))) findings.push({ code: 'seal-signature', seq });
  }
  return findings;
}

/** What was signed before must still be where it was: that is what a seal is kept for. */
async function checkSeen(
  source: JournalSource,
  verifier: Verifier,
  journal: { seq: number; replayed: ReadonlyMap<number, string> },
): Promise<JournalFinding[]> {
  const findings: JournalFinding[] = [];
  for (const seal of source.seen ?? []) {
    const { to_seq: seq, head } = seal;
    // A seal that the ledger never signed accuses nobody.
    if (!(await verifySeal(source, seal, verifier))) {
      findings.push({ code: 'seal-signature', seq, detail: 'of an earlier audit' });
    } else if (seq > journal.seq) findings.push({ code: 'shortened', seq });
    else if (journal.replayed.get(seq) !== head) findings.push({ code: 'forked', seq });
  }
  return findings;
}
