/**
 * A full disk (reliability.md 13). The kernel refuses the k-th write of the ledger's log, at any
 * byte of it: RLIMIT_FSIZE is set on the running edge with `prlimit` (Linux, util-linux), so that
 * write(2) comes back short and then with an error, as it does without space. The edge says 503 and
 * when to ask again, nothing is written in part, and once there is space it goes on by itself.
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { layout } from '../../scripts/start/state.ts';
import { IS_SOAK, randomOf, seedFor } from '../seed.ts';
import { type Answer, createPayer, get, type PaidChannel, type Payer, post } from './payer.ts';
import { endOfCommits } from './wal.ts';
import { createSite, type Site } from './workers.ts';

const WRITES = 200;
/** Every tenth write outside of soak. */
const STEP = IS_SOAK ? 1 : 10;
/** SQLite writes a frame as a header of 24 bytes and a page of 4 096: this is about half of one. */
const WRITE_BYTES = 2_060;
const AT_ONCE = 4;
const FUND = 1_000_000_000n;
/** SQLite folds a log of 1 000 pages into its database and starts it again from its front. */
const LOG_BYTES_MAX = 1_000 * 4_096;
/** Settlements until a limit is met, or until the log starts again, at most. */
const ROUNDS_MAX = 500;
const FILE = 'test/chaos/disk-full.test.ts';

let site: Site;
let url: string;
let payer: Payer;
let channel: PaidChannel;

beforeAll(async () => {
  site = await createSite();
  url = await site.start('node');
  payer = await createPayer(url);
  channel = await payer.open(FUND);
});
afterAll(async () => {
  await site.stop();
});

const run = promisify(execFile);

/** The largest offset up to which the edge can write any file. */
async function limitFiles(bytes: number | 'unlimited'): Promise<void> {
  const pid = site.workers[0]?.child.pid ?? 0;
  await run('prlimit', ['--pid', String(pid), `--fsize=${bytes}:unlimited`]);
}

async function logEnd(): Promise<number> {
  return endOfCommits(await readFile(`${layout(site.state).ledger}-wal`));
}

/** Where the log ends, once so many bytes more fit before it starts again. */
async function logWithRoom(bytes: number): Promise<number> {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const end = await logEnd();
    if (end + bytes < LOG_BYTES_MAX) return end;
    expect((await settle(round % 32)).status).toBe(200);
  }
  throw new Error('the log never starts again');
}

/** What every lane stands at by the edge's own answers. */
const answered = new Map<number, bigint>();

async function settle(lane: number): Promise<Answer> {
  const cum = (answered.get(lane) ?? 0n) + 1n;
  const body = { redemptions: [{ voucher: await channel.voucher({ lane, cum }) }] };
  const answer = await post(url, `/v1/channels/${channel.ch}/redeem`, body, `${lane}-${cum}`);
  if (answer.status === 200) answered.set(lane, cum);
  return answer;
}

test(`a write that fails, for each ${STEP === 1 ? '' : `${STEP}th `}of ${WRITES}, is answered with 503 and harms nothing`, async () => {
  const random = randomOf(seedFor(FILE));
  let refused = 0;
  for (let k = 1; k <= WRITES; k += STEP) {
    const bytes = Math.floor((k - random()) * WRITE_BYTES);
    await limitFiles((await logWithRoom(bytes)) + bytes);
    const failed = await untilFull();
    refused += failed.length;
    for (const { answer } of failed) {
      expect([answer.status, answer.body.code]).toEqual([503, 'storage-unavailable']);
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    // Full or not, it can be read, and what it shows is whole.
    await check();
    await limitFiles('unlimited');
    // The same requests again, under the same keys, to the same process.
    for (const { lane } of failed) expect((await settle(lane)).status).toBe(200);
    await check();
  }
  console.log(`${Math.ceil(WRITES / STEP)} full disks, ${refused} requests refused and then paid`);
}, 1_800_000);

async function untilFull(): Promise<{ lane: number; answer: Answer }[]> {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const lanes = Array.from({ length: AT_ONCE }, (_, i) => (round * AT_ONCE + i) % 32);
    const all = await Promise.all(
      lanes.map(async (lane) => ({ lane, answer: await settle(lane) })),
    );
    const failed = all.filter(({ answer }) => answer.status !== 200);
    if (failed.length > 0) return failed;
  }
  throw new Error('the limit was never met');
}

async function check(): Promise<void> {
  expect(await get(url, '/v1/ledger/conservation')).toMatchObject({ difference: '0' });
  const { lanes } = await get(url, `/v1/channels/${channel.ch}`);
  const rows: { lane: number; cum: string }[] = Array.isArray(lanes) ? lanes : [];
  expect(new Map(rows.map(({ lane, cum }) => [lane, BigInt(cum)]))).toEqual(
    new Map([...answered].sort(([x], [y]) => x - y)),
  );
  const sum = [...answered.values()].reduce((all, cum) => all + cum, 0n);
  expect(await get(url, `/v1/accounts/${payer.payee.did}`)).toMatchObject({
    available: String(sum),
  });
}
