/** One caller: the real client of the SDK with its wallet, and somebody who uses it. */
import {
  type Client,
  connect,
  createInProcessRerun,
  createMemoryModules,
  type WalletStore,
} from '@zerostate/sdk';
import type { Signer } from '@zerostate/shared';
import { type Network, ORIGIN } from './network.ts';
import type { Life, Scheduler } from './scheduler.ts';

export interface CallerPlace {
  scheduler: Scheduler;
  network: Network;
  life: Life;
  store: WalletStore;
  signer: Signer;
  rng: { bytes(length: number): Uint8Array };
  random: () => number;
  offMs: number;
  /** Agents that it may ask. */
  executors: readonly string[];
  failed: (what: string) => void;
}

export interface SimCaller {
  readonly life: Life;
  /** Orders no more work. */
  rest(): void;
  /** Answers for everything that is open, and closes every channel. */
  settle(): Promise<void>;
}

const AT_ONCE = 3;
const THINK_MS = 4_000;
const RETRY_MS = 2_000;
/** A cooperative close that fails this often is given up for the window. */
const CLOSES_MAX = 5;
const WINDOW_MS = 600_000;

export function startCaller(place: CallerPlace): SimCaller {
  const { scheduler, life, random } = place;
  const pause = (ms: number) =>
    new Promise<void>((resolve) => scheduler.after(ms, life, `${life.name} timer`, resolve));
  const resting = new AbortController();
  const running = new Set<Promise<void>>();
  const connected = connectUntil(place, pause);
  live().catch((cause: unknown) => {
    place.failed(`${life.name} ${cause instanceof Error ? cause.stack : String(cause)}`);
  });

  async function live(): Promise<void> {
    const client = await connected;
    while (!resting.signal.aborted) {
      await pause(random() * THINK_MS);
      if (resting.signal.aborted) return;
      if (random() < 0.04) await closeOne(client, random);
      else if (running.size < AT_ONCE) order(client);
    }
  }

  function order(client: Client): void {
    const did = place.executors[Math.floor(random() * place.executors.length)] ?? '';
    const run = client
      .run({
        agent: { did, agent: 'hello' },
        budget: 20_000n,
        verify: random() < 0.3 ? 'always' : 'never',
        channel: {
          fund: BigInt(200 + Math.floor(random() * 2_000)),
          windowMs: WINDOW_MS,
          claimMs: 60_000,
        },
      })
      .then((done) => {
        scheduler.note(`${life.name} ${done.ok ? `paid ${done.value.price}` : done.code}`);
      })
      .catch((cause: unknown) => {
        place.failed(`${life.name} ${cause instanceof Error ? cause.stack : String(cause)}`);
      })
      .finally(() => running.delete(run));
    running.add(run);
  }

  return {
    life,
    rest: () => resting.abort(),
    async settle() {
      const client = await connected;
      while (running.size > 0) await Promise.all(running);
      for (let turn = 0; ; turn++) {
        await client.recover();
        const left = await closeAll(client, turn >= CLOSES_MAX);
        const pending = await client.wallet.pending();
        if (left === 0 && pending.length === 0) return;
        await pause(turn < CLOSES_MAX ? RETRY_MS : 60_000);
      }
    },
  };
}

async function connectUntil(
  place: CallerPlace,
  pause: (ms: number) => Promise<void>,
): Promise<Client> {
  const { scheduler, life, network, store, signer, rng } = place;
  const fetch = network.fetchFrom(life, life.name);
  for (;;) {
    const client = await connect(ORIGIN, signer, {
      store,
      fetch,
      rng,
      clock: { now: () => Math.floor(scheduler.now) + place.offMs },
      timers: { after: (ms, f) => scheduler.after(ms, life, `${life.name} timer`, f) },
      rerun: createInProcessRerun(),
      modules: createMemoryModules(),
    });
    if (client.ok) return client.value;
    await pause(RETRY_MS);
  }
}

async function closeOne(client: Client, random: () => number): Promise<void> {
  const channels = (await client.wallet.channels()).filter(
    ({ budget }) => budget.phase !== 'closed',
  );
  const channel = channels[Math.floor(random() * channels.length)];
  if (channel !== undefined) {
    await client.closeChannel(channel.ch, { unilateral: random() < 0.2 });
  }
}

/** How many channels are not closed yet. */
async function closeAll(client: Client, unilateral: boolean): Promise<number> {
  let left = 0;
  for (const { ch, budget } of await client.wallet.channels()) {
    if (budget.phase === 'closed') continue;
    const closed = await client.closeChannel(ch, { unilateral });
    // One that never reached the ledger is dropped by `recover`, once it is too late for it.
    if (!closed.ok || closed.value.state !== 'closed') left += 1;
  }
  return left;
}
