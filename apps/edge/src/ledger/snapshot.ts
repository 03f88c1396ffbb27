/** Channels as the lifecycle sees them, read from one snapshot of the ledger. */
import {
  type ChannelPhase,
  type ChannelState,
  type ClaimPhase,
  type ClaimState,
  type Dir,
  isLiveClaim,
  type LaneState,
  type PerDir,
} from '@zerostate/shared';
import type { Database, Row, Statement } from '../ports.ts';

export type Snapshot = {
  /** The ledger's clock, ms. */
  now: number;
  channels: ReadonlyMap<string, ChannelState>;
  /** By `laneKey`: the total that the receipts behind the lane's memo add up to. */
  memoCums: ReadonlyMap<string, bigint>;
  /** Free money by DID; a DID without an account has none. */
  available: (did: string) => bigint;
};

const CHANNELS = `SELECT id, a, b, fund_a, fund_b, state, open_by, expires_at, window_ms, claim_ms,
  sig_a IS NOT NULL AS signed_a, final_a, final_b, close_at,
  (SELECT held FROM escrow WHERE ch = id AND dir = 'a') AS escrow_a,
  (SELECT held FROM escrow WHERE ch = id AND dir = 'b') AS escrow_b
  FROM channel WHERE id IN (SELECT value FROM json_each(?1))`;
const LANES = `SELECT ch, dir, lane, cum, via, memo, memo_cum FROM lane
  WHERE ch IN (SELECT value FROM json_each(?1))`;
/** Decided claims bind nothing any more, except those that are asked for. */
const CLAIMS = `SELECT id, ch, dir, lane, base, cap, price, task, receipt, not_after, at, post_at,
  state, verdict,
  COALESCE((SELECT credits - debits FROM account WHERE id = 'bnd:' || claim.id), 0) AS bond
  FROM claim WHERE ch IN (SELECT value FROM json_each(?1))
    AND (state IN ('pending', 'disputed') OR id = ?2)`;
const AVAILABLE = `SELECT owner, credits - debits AS free FROM account
  WHERE id IN (SELECT 'avl:' || value FROM json_each(?1))`;

/** `dids`: whose balances matter. `claim`: one that is wanted even if it is decided. */
export async function readSnapshot(
  database: Database,
  wanted: { channels: readonly string[]; dids?: readonly string[]; claim?: string },
): Promise<Snapshot> {
  const ids = JSON.stringify(wanted.channels);
  const statements: Statement[] = [
    { sql: 'SELECT now_ms FROM clock', args: [] },
    { sql: CHANNELS, args: [ids] },
    { sql: LANES, args: [ids] },
    { sql: CLAIMS, args: [ids, wanted.claim ?? ''] },
    { sql: AVAILABLE, args: [JSON.stringify(wanted.dids ?? [])] },
  ];
  const [clock = [], channels = [], lanes = [], claims = [], accounts = []] =
    await database.readMany(statements);
  const lanesOf = Map.groupBy(lanes, ({ ch }) => text(ch));
  const claimsOf = Map.groupBy(claims, ({ ch }) => text(ch));
  const free = new Map(accounts.map((row) => [text(row.owner), big(row.free)]));
  return {
    now: Number(clock[0]?.now_ms),
    channels: new Map(
      channels.map((row) => {
        const id = text(row.id);
        return [id, toState(row, lanesOf.get(id) ?? [], claimsOf.get(id) ?? [])];
      }),
    ),
    memoCums: new Map(
      lanes.map(({ ch, dir, lane, memo_cum: memoCum }) => [
        laneKey({ ch: text(ch), dir: toDir(dir), lane: Number(lane) }),
        big(memoCum),
      ]),
    ),
    available: (did) => free.get(did) ?? 0n,
  };
}

function toState(row: Row, lanes: readonly Row[], claims: readonly Row[]): ChannelState {
  return {
    terms: {
      id: text(row.id),
      a: text(row.a),
      b: text(row.b),
      // While one signature is there it is the opener's; afterwards nothing depends on it.
      openedBy: row.signed_a === 1n ? 'a' : 'b',
      openBy: Number(row.open_by),
      expiresAt: Number(row.expires_at),
      windowMs: Number(row.window_ms),
      claimMs: Number(row.claim_ms),
    },
    phase: toPhase(row.state),
    fund: { a: big(row.fund_a), b: big(row.fund_b) },
    escrow: { a: big(row.escrow_a), b: big(row.escrow_b) },
    lanes: toLanes(lanes),
    claims: Object.fromEntries(claims.map((claim) => [text(claim.id), toClaim(claim)])),
    nonces: [],
    closeAt: row.close_at === null ? null : Number(row.close_at),
    final: row.final_a === null ? null : { a: big(row.final_a), b: big(row.final_b) },
  };
}

function toLanes(rows: readonly Row[]): PerDir<Record<number, LaneState>> {
  const lanes: PerDir<Record<number, LaneState>> = { a: {}, b: {} };
  for (const row of rows) {
    const { cum, via, memo } = row;
    lanes[toDir(row.dir)][Number(row.lane)] = { cum: big(cum), via: text(via), memo: text(memo) };
  }
  return lanes;
}

function toClaim(row: Row): ClaimState {
  const claim: ClaimState = {
    id: text(row.id),
    dir: toDir(row.dir),
    lane: Number(row.lane),
    base: big(row.base),
    cap: big(row.cap),
    price: big(row.price),
    task: text(row.task),
    receipt: text(row.receipt),
    notAfter: Number(row.not_after),
    at: Number(row.at),
    postAt: Number(row.post_at),
    phase: toClaimPhase(row.state),
    verdict: row.verdict === null ? null : text(row.verdict),
    bond: 0n,
  };
  // A decided claim's bond has left its account.
  return isLiveClaim(claim) ? { ...claim, bond: big(row.bond) } : claim;
}

/** One lane among those of all channels. */
export function laneKey({ ch, dir, lane }: { ch: string; dir: Dir; lane: number }): string {
  return `${ch}:${dir}:${lane}`;
}

export function toDir(value: unknown): Dir {
  if (value === 'a' || value === 'b') return value;
  throw new TypeError('not a direction');
}

function toPhase(value: unknown): ChannelPhase {
  if (value === 'opening' || value === 'active' || value === 'closing' || value === 'closed') {
    return value;
  }
  throw new TypeError('not a channel state');
}

function toClaimPhase(value: unknown): ClaimPhase {
  if (value === 'pending' || value === 'disputed' || value === 'posted' || value === 'voided') {
    return value;
  }
  throw new TypeError('not a claim state');
}

/** A column that is never null and holds text. */
export function text(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new TypeError('a text column holds something else');
}

/** A column that is never null and holds an integer. */
export function big(value: unknown): bigint {
  if (typeof value === 'bigint') return value;
  throw new TypeError('an integer column holds something else');
}
