/**
 * The published scenarios over real processes: an edge with its databases, executor daemons, and
 * callers over HTTP. The ten-task scenarios (performance-v1) run through real redemptions with an
 * injected clock in apps/edge/src/reputation.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { admit, callOf, limitsOf, run } from '@zerostate/runtime';
import type { Client, RunValue } from '@zerostate/sdk';
import {
  type ChannelAnswer,
  cardHash,
  cardRecordSchema,
  cosign,
  createVerifier,
  encodeBase64url,
  type NetworkAnswer,
  openEnvelope,
  sealEnvelope,
  verifyCard,
} from '@zerostate/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Network, type Party, startNetwork } from './network.ts';

const UNIT = 1_000_000n;
const HOUR = 3_600_000;
const AGENTS = join(import.meta.dirname, '../../agents');

let network: Network;
beforeAll(async () => {
  network = await startNetwork();
});
afterAll(() => network?.stop());

/** The value of what must succeed. */
function must<T>(result: { ok: true; value: T } | { ok: false; code: string; detail?: string }): T {
  if (result.ok) return result.value;
  throw new Error(`${result.code} ${result.detail ?? ''}`);
}

async function holds({ edge, did }: Pick<Party, 'edge' | 'did'>): Promise<[bigint, bigint]> {
  const { available, escrow } = must(await edge.account(did));
  return [BigInt(available), BigInt(escrow)];
}

async function expectConserved({ edge }: Pick<Party, 'edge'>): Promise<void> {
  expect(must(await edge.conservation())).toMatchObject({ difference: '0' });
}

describe('with one executor daemon', () => {
  let executor: Party;
  let caller: Client;
  beforeAll(async () => {
    executor = await network.startExecutor('executor', ['hello', 'csv-stats']);
    must(await executor.edge.faucet(49n * UNIT));
    caller = await network.caller('caller', 1_000n);
  });

  test('end to end: a channel of 100 and 50, hello() gives 42, and everything is released', async () => {
    const [before, beforeThem] = [await holds(caller), await holds(executor)];
    expect(beforeThem).toEqual([50n * UNIT, 0n]);
    const ch = await openBoth(caller, executor, { own: 100n * UNIT, theirs: 50n * UNIT });
    expect(await holds(caller)).toEqual([before[0] - 100n * UNIT, 100n * UNIT]);
    expect(await holds(executor)).toEqual([0n, 50n * UNIT]);

    const agent = { did: executor.did, agent: 'hello' };
    const ran = must(await caller.run({ agent, budget: UNIT, verify: 'always' }));
    expect(new TextDecoder().decode(ran.output)).toBe('42');
    expect(ran).toMatchObject({ ch, status: 'ok', verified: true, delivered: true });

    const closed = must(await caller.closeChannel(ch));
    expect(closed).toMatchObject({ state: 'closed', escrow_a: '0', escrow_b: '0', mailbox: [] });
    const receipt = must(await caller.edge.receipt(ran.receiptId));
    expect(receipt).toMatchObject({ state: 'paid', counted: 'redeem', executor: executor.did });
    const standing = must(await caller.edge.reputation(executor.did));
    expect(standing).toMatchObject({ score: 0.5, n: 1, ok: 1, failed: 0, suspended_until: null });
    expect(await holds(caller)).toEqual([before[0] - ran.price, 0n]);
    expect(await holds(executor)).toEqual([50n * UNIT + ran.price, 0n]);
    await expectConserved(caller);
  });

  test('a run costs its base, gas and pages to the micro-unit, as anybody can count again', async () => {
    const before = await holds(executor);
    const input = new TextEncoder().encode('name,height\nada,165\ngrace,168\nhedy,170\n');
    const agent = { did: executor.did, agent: 'csv-stats' };
    const ran = must(await caller.run({ agent, input, budget: UNIT, verify: 'never' }));
    const counted = await runAgain(ran, 'csv-stats', input);
    expect(counted).toMatchObject({ status: 'ok', gas: ran.gas, pagesPeak: Number(ran.pagesPeak) });
    expect(ran.price).toBe(await dueFor('csv-stats', counted));
    must(await caller.closeChannel(ran.ch));
    expect((await holds(executor))[0] - before[0]).toBe(ran.price);
    await expectConserved(caller);
  });

  test('a small budget is a cap: the run is cut where it is used up, and costs no more', async () => {
    const before = await holds(executor);
    const budget = 150n;
    const input = new TextEncoder().encode(`n\n${'1234567\n'.repeat(2_000)}`);
    const agent = { did: executor.did, agent: 'csv-stats' };
    const ran = must(await caller.run({ agent, input, budget, verify: 'always' }));
    const { price_max, gas_max } = ran.bundle.manifest.body;
    expect(BigInt(price_max)).toBeLessThanOrEqual(budget);
    expect(ran).toMatchObject({ status: 'out-of-gas', gas: BigInt(gas_max), verified: true });
    expect(ran.price).toBeLessThanOrEqual(BigInt(price_max));
    expect(ran.price).toBe(await dueFor('csv-stats', ran));
    must(await caller.closeChannel(ran.ch));
    expect((await holds(executor))[0] - before[0]).toBe(ran.price);
  });
});

test('payments of 50, 75, 100, 125 and 150 leave 500.000 and 500.001', async () => {
  const [payer, payee] = [await network.party('payer', 1_000n), await network.party('payee')];
  must(await payee.edge.faucet(1_000n));
  const info = must(await payer.edge.network());
  const { ch, dir } = await openPayments(info, payer, payee);
  expect([await holds(payer), await holds(payee)]).toEqual([
    [0n, 1_000n * UNIT],
    [0n, 1_000n],
  ]);
  let cum = 0n;
  let voucher: Awaited<ReturnType<typeof pay>> | null = null;
  for (const payment of [50n, 75n, 100n, 125n, 150n]) {
    cum += payment * UNIT;
    voucher = await pay(info, payer, { ch, dir, cum });
    expect(must(await payer.edge.voucher(ch, voucher))).toMatchObject({ held: String(cum) });
  }
  if (voucher === null) throw new Error('nothing was paid');
  const { redeemed } = must(await payee.edge.redeem(ch, [{ voucher }]));
  expect(redeemed).toMatchObject([{ lane: 0, cum: '500000000', moved: '500000000' }]);
  const totals = dir === 'a' ? { cum_a: cum, cum_b: 0n } : { cum_a: 0n, cum_b: cum };
  const body = {
    ch,
    cum_a: String(totals.cum_a),
    cum_b: String(totals.cum_b),
    not_after: String(Date.now() + HOUR),
  };
  const half = await sealEnvelope(info.network, 'paych.close', body, payer.signer);
  const closed = await payee.edge.close(ch, await cosign(info.network, half, payee.signer));
  expect(must(closed)).toMatchObject({ state: 'closed', escrow_a: '0', escrow_b: '0' });
  expect([await holds(payer), await holds(payee)]).toEqual([
    [500_000_000n, 0n],
    [500_001_000n, 0n],
  ]);
  await expectConserved(payer);
});

test('cards of one and of three publishers resolve and verify, also after the edge restarted', async () => {
  const first = await network.publish('publisher-1', ['digest']);
  await network.restartEdge();
  const resolver = await network.party('resolver');
  await expectResolved(resolver, first, 'digest');
  const second = await network.publish('publisher-2', ['sudoku']);
  const third = await network.publish('publisher-3', ['mandelbrot']);
  await expectResolved(resolver, first, 'digest');
  await expectResolved(resolver, second, 'sudoku');
  await expectResolved(resolver, third, 'mandelbrot');
  // The index is seconds behind at most; the loop ends by the test's own time otherwise.
  let best: { did: string; agent: string } | undefined;
  do {
    [best] = must(await resolver.edge.search({ text: 'solve a sudoku', k: 1 })).results;
  } while (best?.did !== second.did);
  expect(best.agent).toBe('sudoku');
});

/**
 * Opens a channel that both fund. A node by default signs only for channels that ask nothing of
 * it, so its operator signs this one with the node's key; the daemon finds it on the ledger.
 */
async function openBoth(
  caller: Client,
  executor: Party,
  fund: { own: bigint; theirs: bigint },
): Promise<string> {
  const proposal = must(
    await caller.wallet.openChannel({
      peer: executor.did,
      fund: fund.own,
      fundPeer: fund.theirs,
      openBy: Date.now() + HOUR,
      expiresAt: Date.now() + 24 * HOUR,
      windowMs: HOUR,
      claimMs: HOUR,
      asset: caller.network.genesis.asset,
    }),
  );
  const proposed = must(await caller.edge.openChannel(proposal.open));
  expect(proposed).toMatchObject({ state: 'opening' });
  const both = await cosign(caller.network.network, proposal.open, executor.signer);
  const active = must(await executor.edge.acceptChannel(proposal.ch, both));
  expect(active).toMatchObject({ state: 'active' });
  must(await caller.wallet.syncChannel(active));
  return proposal.ch;
}

async function openPayments(
  info: NetworkAnswer,
  payer: Party,
  payee: Party,
): Promise<{ ch: string; dir: 'a' | 'b' }> {
  const isA = payer.did < payee.did;
  const body = {
    a: isA ? payer.did : payee.did,
    b: isA ? payee.did : payer.did,
    fund_a: isA ? '1000000000' : '1000',
    fund_b: isA ? '1000' : '1000000000',
    nonce: encodeBase64url(crypto.getRandomValues(new Uint8Array(16))),
    open_by: String(Date.now() + HOUR),
    expires_at: String(Date.now() + 24 * HOUR),
    window_ms: String(HOUR),
    claim_ms: String(HOUR),
    asset: info.genesis.asset,
  };
  const half = await sealEnvelope(info.network, 'paych.open', body, payer.signer);
  const open = await cosign(info.network, half, payee.signer);
  const channel: ChannelAnswer = must(await payer.edge.openChannel(open));
  expect(channel.state).toBe('active');
  return { ch: channel.ch, dir: isA ? 'a' : 'b' };
}

function pay(
  info: NetworkAnswer,
  payer: Party,
  { ch, dir, cum }: { ch: string; dir: 'a' | 'b'; cum: bigint },
) {
  const body = { ch, dir, lane: '0', cum: String(cum), memo: '' };
  return sealEnvelope(info.network, 'paych.voucher', body, payer.signer);
}

function agentFile(agent: string): Promise<string> {
  return readFile(join(AGENTS, agent, 'agent.json'), 'utf8');
}

/** What the card asks for this much gas and memory, counted by hand in whole micro-units. */
async function dueFor(agent: string, used: { gas: bigint; pagesPeak: bigint | number }) {
  const { base, per_mgas, per_page } = JSON.parse(await agentFile(agent)).price;
  const forGas = Math.ceil((Number(used.gas) * Number(per_mgas)) / 1e6);
  return BigInt(base) + BigInt(forGas) + BigInt(used.pagesPeak) * BigInt(per_page);
}

/** The same work once more, without any edge or executor. */
async function runAgain(ran: RunValue, agent: string, input: Uint8Array) {
  const admitted = await admit(await readFile(join(AGENTS, agent, `${agent}.wasm`)));
  if (!admitted.ok) throw new Error(admitted.code);
  const { body } = ran.bundle.manifest;
  const result = await run(admitted.module, callOf(body, input), limitsOf(body), ran.task);
  if (!result.ok) throw new Error('not run');
  return result.outcome;
}

/** The card as a stranger believes it: the record's signature, the card's hash and signature. */
async function expectResolved(resolver: Party, publisher: Party, agent: string): Promise<void> {
  const verifier = createVerifier();
  const { network: id } = must(await resolver.edge.network());
  const { card, record } = must(await resolver.edge.card(publisher.did, agent));
  const by = [publisher.did];
  const opened = must(
    await openEnvelope(id, record, cardRecordSchema, 'card.record', verifier, { by }),
  );
  expect(opened.body).toMatchObject({ did: publisher.did, agent, revoked: 'false' });
  expect(opened.body.card_sha256).toBe(cardHash(card));
  expect(await verifyCard(card, publisher.did, verifier)).toMatchObject({ ok: true });
  const { name } = JSON.parse(await agentFile(agent));
  expect(card).toMatchObject({ name });
}
