/**
 * `zs ledger audit` against a real edge over HTTP, whose operator goes behind the schema: triggers
 * dropped, rows changed in SQL. What it may not do unseen is the promise.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  encodeBase64url,
  idOf,
  type PaychCond,
  type Signer,
  sealEnvelope,
  sha256Base64url,
  type TaskReceipt,
  utf8,
} from '@zerostate/shared';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type NodeServer, serveNode } from '../../apps/edge/src/entry/node-server.ts';
import { makeOpen } from '../../apps/edge/test-support/documents.ts';
import { createEdgeWorld, type EdgeWorld } from '../../apps/edge/test-support/world.ts';
import { runProgram } from '../../packages/sdk/src/cli/program.ts';

let world: EdgeWorld;
let server: NodeServer;
let state: string;
/** `older`: SQL that puts lane 0 back to its first voucher. */
let on: { ch: string; dir: 'a' | 'b'; claim: string; older: string };

beforeEach(async () => {
  world = await createEdgeWorld();
  server = await serveNode(
    { app: world.app, links: world.sockets },
    { host: '127.0.0.1', port: 0 },
  );
  state = await mkdtemp(join(tmpdir(), 'zs-audit-'));
  await world.fund(world.alice);
  on = await live();
});
afterEach(async () => {
  server.destroy();
  await world.close();
  await rm(state, { recursive: true, force: true });
});

/** Two lanes paid by voucher, one by claim; sealed after each. */
async function live() {
  const { alice, bob, network, ledger } = world;
  const { ch, dir, open } = await makeOpen(network, alice, bob, { now: world.now() });
  must(await ledger.openChannel(open, null));
  await pay({ ch, dir }, '0', 30n);
  const older = await laneAsNow();
  await world.sweep();
  await pay({ ch, dir }, '2', 20n);
  const claim = await claimOne({ ch, dir });
  await world.pass(3_600_000);
  await world.sweep();
  await pay({ ch, dir }, '0', 50n);
  await world.sweep();
  return { ch, dir, claim, older };
}

async function laneAsNow(): Promise<string> {
  const [row] = await world.links.ledger.read({
    sql: 'SELECT cum, via, sig, signed FROM lane WHERE lane = 0',
    args: [],
  });
  return `UPDATE lane SET cum = ${row?.cum}, memo_cum = ${row?.cum}, via = '${row?.via}',
    sig = '${row?.sig}', signed = ${row?.signed} WHERE lane = 0`;
}

async function pay({ ch, dir }: { ch: string; dir: 'a' | 'b' }, lane: string, cum: bigint) {
  const body = { ch, dir, lane, cum: String(cum), memo: '' };
  const voucher = await sealEnvelope(world.network, 'paych.voucher', body, world.alice);
  const { refused } = must(await world.ledger.redeem([{ voucher }], null));
  expect(refused).toEqual([]);
}

async function claimOne({ ch, dir }: { ch: string; dir: 'a' | 'b' }): Promise<string> {
  const task = sha256Base64url(utf8('task'));
  const at = String(world.now());
  const cond: PaychCond = {
    ...{ ch, dir, lane: '1', base: '0', cap: '9', task, executor: world.bob.did },
    not_after: String(world.now() + 9_000_000),
  };
  const receipt: TaskReceipt = {
    ...{ task, executor: world.bob.did, ch, lane: '1', status: 'ok', output: task },
    ...{ output_len: '1', gas: '1', pages_peak: '1', price: '7', wall_ms: '1' },
    ...{ started_at: at, ended_at: at },
  };
  const filing = {
    cond: await sealEnvelope(world.network, 'paych.cond', cond, world.alice),
    receipt: await sealEnvelope(world.network, 'task.receipt', receipt, world.bob),
  };
  must(await world.ledger.fileClaim(filing, world.bob.did, null));
  return idOf(world.network, 'paych.cond', cond);
}

function must<T>(result: { ok: true; value: T } | { ok: false; code: string }): T {
  if (!result.ok) throw new Error(result.code);
  return result.value;
}

type Told = {
  code: number;
  stderr: string[];
  codes: string[];
  json: Record<string, unknown> & { findings: { code: string }[] };
};

async function audit(folder = state): Promise<Told> {
  const out: string[] = [];
  const stderr: string[] = [];
  const args = ['ledger', 'audit', '--json', '--edge', server.url, '--state', folder];
  const code = await runProgram(args, {
    stdin: (async function* () {})(),
    out: (data) => out.push(String(data)),
    err: (line) => stderr.push(line),
    isTerminal: false,
    env: {},
    signal: new AbortController().signal,
  });
  const json = JSON.parse(out.join('') || '{"findings":[]}');
  const codes = json.findings.map((finding: { code: string }) => finding.code);
  return {
    code,
    stderr,
    codes: [...new Set<string>(codes)].toSorted((x, y) => (x < y ? -1 : 1)),
    json,
  };
}

/** The operator's hand in the database: no trigger stands in its way. */
async function tamper(...statements: string[]): Promise<void> {
  const { ledger } = world.links;
  const triggers = await ledger.read({
    sql: `SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'`,
    args: [],
  });
  await ledger.batch([
    { sql: 'PRAGMA defer_foreign_keys = ON', args: [] },
    ...triggers.map(({ name }) => ({ sql: `DROP TRIGGER ${String(name)}`, args: [] })),
    ...statements.map((sql) => ({ sql, args: [] })),
    ...triggers.map(({ sql }) => ({ sql: String(sql), args: [] })),
  ]);
}

describe('an honest ledger', () => {
  test('passes, says what was read and keeps its newest seal for the next audit', async () => {
    const first = await audit();
    expect(first).toMatchObject({ code: 0, codes: [] });
    // Deposit, hold, four payments; three lanes; one claim.
    expect(first.json).toMatchObject({ transfers: 6, seals: 3, lanes: 3, claims: 1, unsealed: 0 });
    expect(first.json).toMatchObject({ network: world.network, channels: 1, seen: 0 });
    expect(first.stderr).toContain('audit: 6 transfers');
    await pay(on, '0', 60n);
    const second = await audit();
    expect(second).toMatchObject({ code: 0, codes: [] });
    expect(second.json).toMatchObject({ transfers: 7, unsealed: 1, seen: 1 });
    const [file = ''] = await readdir(state);
    expect(file).toBe(`audit-${world.network}.json`);
    expect(JSON.parse(await readFile(join(state, file), 'utf8')).seals).toHaveLength(1);
  });

  test('a file of old seals that cannot be read stops the audit instead of starting over', async () => {
    await writeFile(join(state, `audit-${world.network}.json`), '{');
    const told = await audit();
    expect(told.code).not.toBe(0);
    expect(told.stderr.join()).toContain('audit-file-invalid');
  });
});

describe('an operator that goes behind the schema is found when it', () => {
  test.each<[string, () => string[], string[]]>([
    [
      'edits the amount of a payment',
      () => [`UPDATE transfer SET amount = amount - 1 WHERE seq = 3`],
      ['head-differs', 'lane-total', 'sums-differ'],
    ],
    [
      'edits the time of a transfer',
      () => [`UPDATE transfer SET ts = ts + 1 WHERE seq = 2`],
      ['head-differs'],
    ],
    [
      'pays the money of a payment to somebody else',
      () => [`UPDATE transfer SET credit = 'ral:faucet' WHERE seq = 3`],
      ['head-differs'],
    ],
    [
      'drops a transfer',
      () => [`DELETE FROM transfer WHERE seq = 4`],
      ['gap', 'head-differs', 'lane-differs', 'sums-differ'],
    ],
    [
      'makes money in an account',
      () => [`UPDATE account SET credits = credits + 5 WHERE kind = 'available'`],
      ['imbalance'],
    ],
    [
      'raises a lane',
      () => [`UPDATE lane SET cum = 21 WHERE lane = 2`],
      ['lane-differs', 'lane-unsigned'],
    ],
    [
      'raises a lane and what was signed for it',
      () => [`UPDATE lane SET cum = 21, signed = 21 WHERE lane = 2`],
      ['lane-differs', 'lane-signature', 'lane-unsigned'],
    ],
    [
      'lowers a lane',
      () => [`UPDATE lane SET cum = 19, memo_cum = 19 WHERE lane = 2`],
      ['lane-differs'],
    ],
    ['sets a lane back to an older voucher', () => [on.older], ['lane-differs']],
    ['drops a lane', () => [`DELETE FROM lane WHERE lane = 2`], ['lane-missing']],
    [
      'drops the claim that paid a lane',
      () => [`DELETE FROM claim`, `DELETE FROM receipt`],
      ['lane-unsigned'],
    ],
    [
      'edits the price of a claim',
      () => [`UPDATE claim SET price = 8`],
      ['claim-receipt', 'lane-unsigned'],
    ],
    [
      'files a claim under another id',
      () => [
        `UPDATE claim SET id = '${sha256Base64url(utf8('other'))}'`,
        `UPDATE lane SET via = '${sha256Base64url(utf8('other'))}' WHERE lane = 1`,
      ],
      ['claim-signature'],
    ],
    ['edits the cap of a claim', () => [`UPDATE claim SET cap = 10`], ['claim-signature']],
    [
      'puts another payer into a channel',
      () => [`UPDATE channel SET sig_a = sig_b, sig_b = sig_a`],
      ['channel-signature', 'claim-signature', 'lane-signature', 'lane-unsigned'],
    ],
    [
      'rewrites a seal',
      () => [
        `UPDATE seal SET head = '${encodeBase64url(new Uint8Array(32))}' WHERE from_seq > 1
        AND to_seq < 6`,
      ],
      ['head-differs', 'seal-signature'],
    ],
    ['drops a seal', () => [`DELETE FROM seal WHERE from_seq = 1`], ['seal-gap']],
  ])('%s', async (_name, statements, codes) => {
    await tamper(...statements());
    const told = await audit();
    expect(told).toMatchObject({ code: 1, codes });
    expect(told.stderr.join()).toContain('ledger-wrong');
    // What is wrong is no base for the next audit.
    expect(await readdir(state)).toEqual([]);
  });
});

describe('a ledger that rewrites its journal and signs it again', () => {
  const rewrite = async () => {
    await tamper(`UPDATE transfer SET ts = ts + 1 WHERE seq = 1`, `DELETE FROM seal`);
    await world.sweep();
  };

  test('deceives who kept no seal, and nobody else', async () => {
    expect(await audit()).toMatchObject({ code: 0 });
    await rewrite();
    const stranger = await mkdtemp(join(tmpdir(), 'zs-stranger-'));
    expect(await audit(stranger)).toMatchObject({ code: 0, codes: [] });
    await rm(stranger, { recursive: true });
    const told = await audit();
    expect(told).toMatchObject({ code: 1, codes: ['forked'] });
    expect(told.json.findings).toEqual([{ code: 'forked', seq: 6 }]);
    // The evidence stays where it is, and so does the verdict.
    expect(await audit()).toMatchObject({ code: 1, codes: ['forked'] });
  });

  test('is found when it takes back what it sealed', async () => {
    expect(await audit()).toMatchObject({ code: 0 });
    await tamper(
      `DELETE FROM seal WHERE to_seq = 6`,
      `DELETE FROM transfer WHERE seq = 6`,
      `UPDATE lane SET cum = 30, memo_cum = 30, signed = 30, sig = '' WHERE lane = 0`,
    );
    expect((await audit()).codes).toContain('shortened');
  });

  test('is not accused by a seal that its key never signed', async () => {
    const { alice } = world;
    const file = join(state, `audit-${world.network}.json`);
    await writeFile(file, JSON.stringify({ network: world.network, seals: [await forged(alice)] }));
    expect(await audit()).toMatchObject({ code: 1, codes: ['seal-signature'] });
  });
});

async function forged(signer: Signer) {
  const head = encodeBase64url(new Uint8Array(32).fill(3));
  const body = { from_seq: '1', to_seq: '3', head };
  const { sigs } = await sealEnvelope(world.network, 'ledger.seal', body, signer);
  return { from_seq: 1, to_seq: 3, head, sig: sigs[0]?.sig ?? '', at: 0 };
}
