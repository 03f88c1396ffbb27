/**
 * Audits a whole ledger over its public lists: the journal from the genesis, its seals, what lanes
 * have paid and what claims rest on. Nothing that the edge says is believed without its signature.
 */
import {
  auditClaims,
  auditLanes,
  type ClaimFinding,
  type ClaimRow,
  compareLanes,
  createJournalAudit,
  createVerifier,
  type Did,
  type JournalAudit,
  type JournalFinding,
  type JournalReport,
  type LaneFinding,
  type LaneRow,
  networkId,
  openEnvelope,
  paychOpenSchema,
  type Seal,
  type Verifier,
} from '@zerostate/shared';
import type { EdgeClient } from '../edge-client.ts';
import type { EdgeResult } from '../http/outcome.ts';

export type AuditFinding =
  | JournalFinding
  | LaneFinding
  | ClaimFinding
  /** Both parties did not sign the opening that the ledger shows for this channel. */
  | { code: 'channel-signature'; ch: string }
  /** The ledger's own sums differ from each other, or from its journal. */
  | { code: 'imbalance' | 'sums-differ'; detail: string };

export type LedgerAudit = {
  network: string;
  ledger: Did;
  transfers: number;
  seals: number;
  /** Transfers above the last seal: not vouched for yet. */
  unsealed: number;
  lanes: number;
  claims: number;
  channels: number;
  /** The newest seal: what to keep for the next audit. */
  newest: Seal | null;
  findings: AuditFinding[];
};

export type AuditProgress = { part: 'transfers' | 'lanes' | 'claims' | 'channels'; done: number };

export type AuditOptions = {
  /** Seals that earlier audits kept. */
  seen?: readonly Seal[];
  onProgress?: (progress: AuditProgress) => void;
  signal?: AbortSignal | undefined;
  verifier?: Verifier;
};

/** A ledger that lies is a finding, an edge that does not answer a failure. */
export async function auditLedger(
  edge: EdgeClient,
  options: AuditOptions = {},
): Promise<EdgeResult<LedgerAudit>> {
  const { onProgress = () => {}, signal } = options;
  const verifier = options.verifier ?? createVerifier();
  const about = await edge.network({ signal });
  if (!about.ok) return about;
  // Whoever answers: the network's id is the hash of the genesis that names the ledger's key.
  const { genesis } = about.value;
  const network = networkId(genesis);
  const { ledger } = genesis;
  const seals = await pages((after?: number) => edge.seals(after, { signal }), 'seals');
  if (!seals.ok) return seals;
  const source = { network, ledger, seals: seals.value, seen: options.seen ?? [] };
  const audit = createJournalAudit(source);
  // Rows are read between two readings of the journal: they show no less than the first, and
  // nothing that the second does not have.
  const first = await replay(edge, audit, options);
  if (!first.ok) return first;
  const before = new Map(audit.laneTotals());
  const states = await readStates(edge, options);
  if (!states.ok) return states;
  const sums = await edge.conservation({ signal });
  if (!sums.ok) return sums;
  const last = audit.seq;
  const second = await replay(edge, audit, options);
  if (!second.ok) return second;
  const report = await audit.finish(verifier);
  const { lanes, claims } = states.value;
  const payers = await readPayers(edge, network, [...lanes, ...claims], { ...options, verifier });
  if (!payers.ok) return payers;
  const { payer, channels, unsigned } = payers.value;
  onProgress({ part: 'channels', done: channels });
  const findings: AuditFinding[] = [
    ...report.findings,
    ...unsigned.map((ch) => ({ code: 'channel-signature', ch }) as const),
    ...(await auditLanes({ network, lanes, claims, payer }, verifier)),
    ...compareLanes(lanes, { before, has: audit.has }),
    ...(await auditClaims({ network, claims, payer }, verifier)),
    ...compareSums(sums.value, report, audit.seq === last),
  ];
  return {
    ok: true,
    value: {
      network,
      ledger,
      transfers: report.transfers,
      seals: report.seals,
      unsealed: report.unsealed,
      lanes: lanes.length,
      claims: claims.length,
      channels,
      newest: seals.value.at(-1) ?? null,
      findings,
    },
  };
}

/** All rows of a list that is read page by page. */
async function pages<K extends string, T, C>(
  read: (after?: C) => Promise<EdgeResult<{ [key in K]: T[] } & { next?: C | undefined }>>,
  key: K,
  onPage: (rows: number) => void = () => {},
): Promise<EdgeResult<T[]>> {
  const rows: T[] = [];
  let after: C | undefined;
  do {
    const page = await read(after);
    if (!page.ok) return page;
    rows.push(...page.value[key]);
    onPage(rows.length);
    after = page.value.next;
  } while (after !== undefined);
  return { ok: true, value: rows };
}

/** Feeds the journal from where the audit stands to its end. */
async function replay(
  edge: EdgeClient,
  audit: JournalAudit,
  { signal, onProgress = () => {} }: AuditOptions,
): Promise<EdgeResult<void>> {
  let isMore = true;
  while (isMore) {
    const page = await edge.transfers(audit.seq, { signal });
    if (!page.ok) return page;
    const from = audit.seq;
    for (const transfer of page.value.transfers) audit.add(transfer);
    onProgress({ part: 'transfers', done: audit.seq });
    // A ledger whose numbers do not rise would be read for ever.
    isMore = page.value.next !== undefined && audit.seq > from;
  }
  return { ok: true, value: undefined };
}

async function readStates(
  edge: EdgeClient,
  { signal, onProgress = () => {} }: AuditOptions,
): Promise<EdgeResult<{ lanes: LaneRow[]; claims: ClaimRow[] }>> {
  const lanes = await pages(
    (after?: string) => edge.lanes(after, { signal }),
    'lanes',
    (done) => onProgress({ part: 'lanes', done }),
  );
  if (!lanes.ok) return lanes;
  const claims = await pages(
    (after?: string) => edge.claims(after, { signal }),
    'claims',
    (done) => onProgress({ part: 'claims', done }),
  );
  if (!claims.ok) return claims;
  return { ok: true, value: { lanes: lanes.value, claims: claims.value } };
}

type Payers = {
  payer: (ch: string, dir: 'a' | 'b') => Did | undefined;
  channels: number;
  /** Channels whose opening both parties did not sign. */
  unsigned: string[];
};

/** Channels that are asked for at once. */
const AT_ONCE = 8;

/** Who pays in each channel: from the opening that both signed, whose id is the channel's. */
async function readPayers(
  edge: EdgeClient,
  network: string,
  rows: readonly { ch: string }[],
  { signal, verifier }: AuditOptions & { verifier: Verifier },
): Promise<EdgeResult<Payers>> {
  const ids = [...new Set(rows.map(({ ch }) => ch))];
  const parties = new Map<string, { a: Did; b: Did }>();
  const unsigned: string[] = [];
  const read = async (ch: string): Promise<EdgeResult<void>> => {
    const channel = await edge.channel(ch, { signal });
    // A channel that the ledger does not show cannot explain its lanes.
    if (!channel.ok && channel.code !== 'channel-unknown') return channel;
    const opened = channel.ok && (await openOf(network, channel.value.open, verifier));
    if (opened !== false && opened.id === ch) parties.set(ch, opened);
    else unsigned.push(ch);
    return { ok: true, value: undefined };
  };
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const results = await Promise.all(ids.slice(at, at + AT_ONCE).map(read));
    const failed = results.find((each) => !each.ok);
    if (failed !== undefined && !failed.ok) return failed;
  }
  const payer = (ch: string, dir: 'a' | 'b') => parties.get(ch)?.[dir];
  return { ok: true, value: { payer, channels: ids.length, unsigned } };
}

async function openOf(network: string, open: unknown, verifier: Verifier) {
  const by = ({ a, b }: { a: Did; b: Did }) => [a, b];
  const rules = { by, maxSigs: 2 };
  const opened = await openEnvelope(network, open, paychOpenSchema, 'paych.open', verifier, rules);
  if (!opened.ok) return false;
  const { id, body } = opened.value;
  return { id, a: body.a, b: body.b };
}

/** `isStill`: nothing was written since the sums were read. */
function compareSums(
  sums: { credits: string; debits: string; difference: string },
  report: JournalReport,
  isStill: boolean,
): AuditFinding[] {
  const { credits, debits } = sums;
  const detail = `credits ${credits}, debits ${debits}, journal ${report.moved}`;
  if (credits !== debits || sums.difference !== '0') return [{ code: 'imbalance', detail }];
  const differs = isStill && credits !== String(report.moved);
  return differs ? [{ code: 'sums-differ', detail }] : [];
}
