import type { AskResult, Message } from '@zerostate/mesh';
import { type TaskReceipt, taskRejectSchema } from '@zerostate/shared';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Caller, receiptOf, type Signed } from '../testing/caller.ts';
import { type CrashPoint, crashingDatabase } from '../testing/crashing-database.ts';
import { MeshPeer } from '../testing/mesh-peer.ts';
import { World } from '../testing/world.ts';

let world: World;
let peer: MeshPeer | null;
beforeEach(async () => {
  world = await makeWorld();
});
afterEach(() => endWorld());

async function makeWorld(): Promise<World> {
  const made = await World.make();
  made.listen = ['/ip4/127.0.0.1/tcp/0'];
  peer = null;
  return made;
}

async function endWorld(): Promise<void> {
  await peer?.stop();
  await world.end();
}

/** More writes than the whole story has, each once before and once after its commit. */
const WRITES_MAX = 40;
/** Every third write stands for the others, but for the soak. */
const STRIDE = process.env.ZS_SOAK === undefined ? 3 : 1;
/** A node that dies leaves its question without an answer: whoever asks does not wait for long. */
const WITHIN_MS = 1_000;

/** Asks until there is an answer, whatever becomes of the node in between. */
async function asked(message: Message): Promise<Extract<AskResult, { ok: true }>> {
  for (;;) {
    const node = world.mesh;
    if (node !== null && peer !== null) {
      const [address] = node.addresses();
      if (address !== undefined) await peer.mesh.connect(address, WITHIN_MS);
      const answer = await peer.ask(message, { withinMs: WITHIN_MS });
      if (answer.ok) return answer;
    }
    await world.settle();
  }
}

/** A caller that knows nothing but its own offer: asks until it has the receipt, and pays it. */
async function story(caller: Caller, signed: Signed): Promise<TaskReceipt> {
  for (;;) {
    const { value } = await asked({ type: 'task.offer', body: signed.body });
    const { message } = value;
    if (message?.type === 'task.reject') throw new Error(taskRejectSchema.parse(message.body).code);
    if (message?.type !== 'task.result') continue;
    const receipt = receiptOf(message.body);
    const voucher = await caller.payment(signed, receipt);
    await asked({ type: 'voucher.deliver', body: voucher });
    await caller.close(BigInt(receipt.price));
    await world.edge.message('channel.accept', (body) => body.kind === 'close');
    return receipt;
  }
}

/** Starts the node with its card and a channel, then lets it die at `point` of its next life. */
async function diesAt(point: CrashPoint): Promise<boolean> {
  const caller = await world.ready();
  if (world.mesh === null) throw new Error('the node has no mesh');
  const clock = { now: () => world.time.now() };
  peer = await MeshPeer.join(world.mesh, world.edge.network, clock, 5);
  await world.outboxEmpty();
  await world.stop();
  let hasDied = false;
  world.wrap = (inner) =>
    crashingDatabase(inner, point, () => {
      hasDied = true;
      world.wrap = (healthy) => healthy;
      setImmediate(() => {
        world.abandon().then(
          () => world.start(),
          (cause) => world.failures.push(cause),
        );
      });
    });
  world.launch().catch(() => undefined);
  const signed = await caller.sign();
  const receipt = await story(caller, signed);
  const died = hasDied;
  point.write = Number.POSITIVE_INFINITY;

  const told = peer.results.map((result) => JSON.stringify(result.receipt));
  expect(new Set(told).size, 'one receipt, however often it was told').toBeLessThanOrEqual(1);
  expect(world.edge.redeemed, 'redeemed once').toMatchObject([{ cum: receipt.price, receipts: 1 }]);
  const earnings = await world.node?.execute({ command: 'earnings' });
  expect(earnings).toMatchObject({
    value: { total: receipt.price, earnings: [{ receipts: [{ task: signed.task }] }] },
  });
  expect(world.failures).toEqual([]);
  return died;
}

test.each(['before', 'after'] as const)(
  'a node that is killed just %s any of its commits owes its peers nothing that it said',
  async (when) => {
    for (let write = 1; write <= WRITES_MAX; write += STRIDE) {
      const hasDied = await diesAt({ write, when });
      if (!hasDied) {
        expect(write).toBeGreaterThan(8);
        return;
      }
      await endWorld();
      world = await makeWorld();
    }
    expect.unreachable('the story has more writes than were tried');
  },
);
