/**
 * No double spend over several processes (reliability.md 4): four workers on three runtimes share
 * one ledger file, and every voucher is handed in many times, to all of them at once.
 */
import { transferListAnswerSchema } from '@zerostate/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { countOf, randomOf, seedFor } from '../seed.ts';
import { createPayer, get, inParallel, type Payer, post } from './payer.ts';
import { createSite, type Site } from './workers.ts';

const VOUCHERS = countOf(1_000);
const REPLAYS = 10;
const AT_ONCE = 50;
/** Lanes of one channel that are used; each voucher has a lane of its own. */
const LANES = 250;
const VALUE = 3n;
const FILE = 'test/chaos/processes.test.ts';

let site: Site;
let urls: string[];
let payer: Payer;

beforeAll(async () => {
  site = await createSite();
  // One after another: the first migrates.
  for (const runtime of ['node', 'bun', 'deno', 'node'] as const) await site.start(runtime);
  urls = site.workers.map(({ url }) => url);
  payer = await createPayer(site.workers[0]?.url ?? '');
});
afterAll(async () => {
  await site.stop();
});

/** One request of one voucher: some under a key of their own, some sharing one. */
type Replay = { voucher: number; url: string; key: string };

function replays(random: () => number): Replay[] {
  const all = Array.from({ length: VOUCHERS * REPLAYS }, (_, i) => {
    const voucher = i % VOUCHERS;
    const nth = Math.floor(i / VOUCHERS);
    const url = urls[Math.floor(random() * urls.length)] ?? '';
    // Half of the replays are one request that is sent again, the others are requests of their own.
    const key = nth < REPLAYS / 2 ? `v${voucher}` : `v${voucher}-${nth}`;
    return { voucher, url, key, order: random() };
  });
  return all.sort((x, y) => x.order - y.order);
}

test(`${VOUCHERS} vouchers, each handed in ${REPLAYS} times to four workers, have ${VOUCHERS} effects`, async () => {
  const random = randomOf(seedFor(FILE));
  const channels = await Promise.all(
    Array.from({ length: Math.ceil(VOUCHERS / LANES) }, () => payer.open(BigInt(LANES) * VALUE)),
  );
  const bodies = await Promise.all(
    Array.from({ length: VOUCHERS }, async (_, i) => {
      const channel = channels[Math.floor(i / LANES)];
      if (channel === undefined) throw new Error('a channel is missing');
      const voucher = await channel.voucher({ lane: i % LANES, cum: VALUE });
      return { ch: channel.ch, body: { redemptions: [{ voucher }] } };
    }),
  );
  /** Keys under which money moved, by voucher: one each, however often its answer is repeated. */
  const movedBy = new Map<number, Set<string>>();
  const statuses = new Map<string, number>();
  const begun = performance.now();
  await inParallel(replays(random), AT_ONCE, async ({ voucher, url, key }) => {
    const { ch, body } = bodies[voucher] ?? { ch: '', body: {} };
    for (;;) {
      const answer = await post(url, `/v1/channels/${ch}/redeem`, body, key);
      const said = answer.status === 200 ? '200' : `${answer.status} ${answer.body.code}`;
      statuses.set(said, (statuses.get(said) ?? 0) + 1);
      // Told to wait: the client of a real caller asks again, and so does this one.
      if (answer.status === 409 || answer.status === 503) continue;
      if (answer.status === 200 && movedOf(answer.body) > 0n) {
        movedBy.set(voucher, (movedBy.get(voucher) ?? new Set()).add(key));
      }
      break;
    }
  });
  const seconds = (performance.now() - begun) / 1_000;
  console.log(`${VOUCHERS * REPLAYS} requests in ${seconds.toFixed(1)} s:`, statuses);
  const faults = site.workers.map(({ child }) => child.tail()).filter((tail) => tail !== '');
  const known = [
    '200',
    '409 idempotency-in-progress',
    // Kept from the database by the other workers for as long as a request waits.
    '503 busy',
    '503 storage-unavailable',
  ];
  expect(
    [...statuses.keys()].filter((each) => !known.includes(each)),
    faults.join('\n'),
  ).toEqual([]);
  expect(movedBy.size).toBe(VOUCHERS);
  expect([...movedBy.values()].filter(({ size }) => size !== 1)).toEqual([]);

  const due = BigInt(VOUCHERS) * VALUE;
  for (const { runtime, url } of site.workers) {
    const account = await get(url, `/v1/accounts/${payer.payee.did}`);
    expect([runtime, account.available]).toEqual([runtime, String(due)]);
    expect(await get(url, '/v1/ledger/conservation')).toMatchObject({ difference: '0' });
  }
  expect(await redemptions(urls[2] ?? '')).toBe(VOUCHERS);
}, 1_800_000);

function movedOf(body: Record<string, unknown>): bigint {
  const rows = Array.isArray(body.redeemed) ? body.redeemed : [];
  return BigInt(rows[0]?.moved ?? 0);
}

/** How many times the journal says that a lane was paid. */
async function redemptions(url: string): Promise<number> {
  let count = 0;
  for (let after = 0; ; ) {
    const page = transferListAnswerSchema.parse(
      await get(url, `/v1/ledger/transfers?after=${after}`),
    );
    const last = page.transfers.at(-1);
    if (last === undefined) return count;
    count += page.transfers.filter(({ code }) => code === 'redeem').length;
    after = last.seq;
  }
}

describe('an idempotency key, whichever worker it is shown to,', () => {
  test('is demanded with 400, fits one body with 422, and has one answer', async () => {
    const channel = await payer.open(100n);
    const path = `/v1/channels/${channel.ch}/redeem`;
    const first = { redemptions: [{ voucher: await channel.voucher({ lane: 0, cum: 10n }) }] };
    const other = { redemptions: [{ voucher: await channel.voucher({ lane: 0, cum: 20n }) }] };
    const answers = new Set<string>();
    for (const url of urls) {
      const bare = await post(url, path, first);
      expect([bare.status, bare.body.code]).toEqual([400, 'idempotency-key-missing']);
      const invalid = await post(url, path, first, 'two words');
      expect([invalid.status, invalid.body.code]).toEqual([400, 'idempotency-key-invalid']);
      const kept = await post(url, path, first, 'the-key');
      expect(kept.status).toBe(200);
      answers.add(JSON.stringify(kept.body));
      const reused = await post(url, path, other, 'the-key');
      expect([reused.status, reused.body.code]).toEqual([422, 'idempotency-mismatch']);
    }
    expect(answers.size).toBe(1);
    const state = await get(urls[1] ?? '', `/v1/channels/${channel.ch}`);
    expect(state.lanes).toMatchObject([{ lane: 0, cum: '10' }]);
  });

  test('that is in use answers 409 or what came of it, and the money moves once', async () => {
    const channel = await payer.open(100n);
    const body = { redemptions: [{ voucher: await channel.voucher({ lane: 0, cum: 10n }) }] };
    const seen = await Promise.all(
      Array.from({ length: AT_ONCE }, async (_, i) => {
        const url = urls[i % urls.length] ?? '';
        const ask = () => post(url, `/v1/channels/${channel.ch}/redeem`, body, 'one-key');
        let answer = await ask();
        // Kept from the database by the other workers, and told to ask again.
        while (answer.status === 503) answer = await ask();
        return answer;
      }),
    );
    const bad = seen.filter(
      ({ status, body }) => status !== 200 && body.code !== 'idempotency-in-progress',
    );
    expect(bad).toEqual([]);
    const texts = seen
      .filter(({ status }) => status === 200)
      .map((each) => JSON.stringify(each.body));
    expect(new Set(texts).size).toBe(1);
    const state = await get(urls[3] ?? '', `/v1/channels/${channel.ch}`);
    expect(state.lanes).toMatchObject([{ lane: 0, cum: '10' }]);
  });
});
