/** Disputes from the receipt to the last micro-unit: edge, arbiter and executor are the real ones. */
import { admit, callOf, limitsOf, METER, run } from '@zerostate/runtime';
import { idOf, priceOf, sha256Base64url, type TaskManifest, utf8 } from '@zerostate/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  freshNonce,
  makeAccept,
  makePublication,
  makeReceipt,
} from '../../apps/edge/test-support/documents.ts';
import { LinkPeer } from '../../apps/edge/test-support/job.ts';
import { openDatabase } from '../../apps/executor-node/src/adapters/database.ts';
import { layout } from '../../scripts/start/state.ts';
import {
  type Case,
  type Channel,
  claimId,
  claimOf,
  type DisputeNetwork,
  escrow,
  FUND,
  free,
  MONEY,
  moduleOf,
  must,
  objectTo,
  openChannel,
  order,
  type Party,
  receiptOf,
  startDisputeNetwork,
  until,
} from './dispute-network.ts';
import { type LyingExecutor, startLyingExecutor } from './lying-executor.ts';

let network: DisputeNetwork;
let creator: Party;
let executor: Party;
let node: LyingExecutor;
let link: LinkPeer | null = null;
let channel: Channel;
let manifest: Partial<TaskManifest>;
beforeAll(async () => {
  network = await startDisputeNetwork();
  creator = await network.party('creator');
  executor = await network.party('executor');
  node = await startLyingExecutor(executor, ['digest']);
  channel = await openChannel(creator, executor);
  manifest = {
    agent: 'digest',
    module: sha256Base64url(await moduleOf('digest')),
    args: ['sha256'],
    price_per_mgas: '100',
    price_max: '100000',
    output_max: '4096',
    meter: METER,
  };
});
afterAll(async () => {
  link?.socket.close();
  await node.stop();
  await network.stop();
});

/** One task to its receipt and the creator's objection; its claim is not filed yet. */
async function disputed(lane: number, reason: 'output-differs' | 'gas-differs') {
  const input = utf8(`input of lane ${lane}`);
  const about = { lane: String(lane), input, manifest };
  const ordered = await order(creator, executor, channel, about);
  const receipt = await receiptOf(creator, ordered.id);
  await objectTo(creator, ordered.id, receipt, reason);
  const claim = await claimId(creator, ordered);
  return { claim, price: BigInt(receipt.body.price), input };
}

/** Waits for the claim to come into a state, whoever brings it there. */
async function claimIs(claim: string, state: string): Promise<void> {
  await until(async () => (await claimOf(network.url, claim))?.state === state);
}

async function caseOf(claim: string, isSo: (one: Case) => boolean): Promise<Case> {
  return until(async () => {
    const found = (await network.cases()).find((one) => one.claim === claim);
    return found !== undefined && isSo(found) ? found : undefined;
  });
}

/** The edge loses a blob, as by a damaged disk. */
async function lose(hash: string): Promise<void> {
  const directory = await openDatabase(`file:${layout(network.state).directory}`);
  await directory.executeScript(`PRAGMA foreign_keys = OFF;
    DELETE FROM blob_chunk WHERE hash = '${hash}'; DELETE FROM blob_owner WHERE hash = '${hash}';
    DELETE FROM blob WHERE hash = '${hash}';`);
  await directory.close();
}

test('an arbiter gives each party what a second run says, to the micro-unit', async () => {
  const before = await free(executor);
  node.lie = (outcome) => ({ ...outcome, output: utf8('a lie\n') });
  const lied = await disputed(1, 'output-differs');
  node.lie = (outcome) => outcome;
  const honest = await disputed(2, 'gas-differs');
  const unknown = await disputed(3, 'output-differs');
  await lose(sha256Base64url(unknown.input));
  await node.pass(35_000);
  const bonds = lied.price + honest.price + unknown.price;
  for (const { claim } of [lied, honest, unknown]) await claimIs(claim, 'disputed');
  // The objections cost their bonds, and nothing is paid while nobody has judged.
  expect(await free(creator)).toBe(MONEY - FUND - bonds);
  expect(await free(executor)).toBe(before);

  await network.startArbiter();
  await claimIs(lied.claim, 'voided');
  await claimIs(honest.claim, 'posted');
  expect(await caseOf(unknown.claim, ({ state }) => state === 'undecided')).toMatchObject({
    why: 'input-missing',
    verdict: null,
  });
  // A true receipt is paid, and the bond of who called it false with it; a false one is not.
  expect(await free(executor)).toBe(before + 2n * honest.price);
  expect(await free(creator)).toBe(MONEY - FUND - honest.price - unknown.price);
  expect(await escrow(creator, channel)).toBe(FUND - honest.price);
  // Where the arbiter cannot know, nothing moves before the deadline.
  expect(await claimOf(network.url, unknown.claim)).toMatchObject({ state: 'disputed' });

  const words = { verdict: { verdict: 'voided', price: '0' } };
  expect(await caseOf(lied.claim, ({ state }) => state === 'signed')).toMatchObject(words);
});

test.each([
  ['that was sent', true],
  ['that was claimed and never sent', false],
])(
  'a true receipt %s and asks too much is paid at its price, and the bond returns',
  async (_, sent) => {
    const dear = await network.party(sent ? 'dear' : 'silent');
    const { network: name, origins } = must(await dear.edge.network());
    const wasm = await moduleOf('hello');
    must(await dear.edge.putBlob(wasm));
    must(
      await dear.edge.publishCard(await makePublication(name, dear.signer, { now: Date.now() })),
    );
    link?.socket.close();
    link = new LinkPeer(network.url, dear.signer);
    await link.open(must(await dear.edge.network()), origins[0] ?? network.url, freshNonce());
    const paid = await openChannel(creator, dear);
    const asked = {
      abi: 'call',
      fn: 'hello',
      module: sha256Base64url(wasm),
      meter: METER,
    } as const;
    const about = { lane: '1', input: new Uint8Array(0), manifest: asked };
    const task = await order(creator, dear, paid, about);
    const ran = await outcomeOf(wasm, task.manifest.body);
    const price = priceDue(task.manifest.body, ran);
    const body = { ...ran, price: String(price + 1_000n) };
    const made = { now: Date.now(), output: ran.bytes };
    const { bytes: _bytes, ...figures } = body;
    const receipt = await makeReceipt(name, dear.signer, task, made, figures);
    await link.next((frame) => frame.t === 'msg' && frame.type === 'task.offer');
    link.say('task.accept', await makeAccept(name, dear.signer, task, Date.now() + 60_000));
    const claim = await claimId(creator, task);
    const before = { creator: await free(creator), dear: await free(dear) };
    if (sent) {
      link.say('task.result', { receipt, output: Buffer.from(ran.bytes).toString('base64url') });
      await objectTo(creator, task.id, await receiptOf(creator, task.id), 'price-wrong');
      must(await dear.edge.claim(task.cond, receipt));
    } else {
      must(await dear.edge.claim(task.cond, receipt));
      const shown = must(await creator.edge.receipt(idOf(name, 'task.receipt', receipt.body)));
      expect(shown).toMatchObject({ receipt, state: 'claimed', counted: 'no' });
      await objectTo(creator, task.id, receipt, 'price-wrong');
    }
    await claimIs(claim, 'posted');
    expect(await claimOf(network.url, claim)).toMatchObject({ price: String(price) });
    expect(await free(dear)).toBe(before.dear + price);
    expect(await free(creator)).toBe(before.creator);
    expect(await escrow(creator, paid)).toBe(FUND - price);
  },
);

/** What a call gives, as a receipt states it. */
async function outcomeOf(wasm: Uint8Array, manifest: TaskManifest) {
  const admitted = await admit(wasm);
  if (!admitted.ok) throw new Error(admitted.detail);
  const none = new Uint8Array(0);
  const ran = await run(admitted.module, callOf(manifest, none), limitsOf(manifest), '');
  if (!ran.ok) throw new Error(ran.detail);
  const { gas, pagesPeak, output: bytes } = ran.outcome;
  return { gas: String(gas), pages_peak: String(pagesPeak), bytes };
}

function priceDue(manifest: TaskManifest, usage: { gas: string; pages_peak: string }): bigint {
  const terms = {
    base: BigInt(manifest.price_base),
    perMgas: BigInt(manifest.price_per_mgas),
    perPage: BigInt(manifest.price_per_page),
    max: BigInt(manifest.price_max),
  };
  return priceOf(terms, { gas: BigInt(usage.gas), pagesPeak: BigInt(usage.pages_peak) });
}
