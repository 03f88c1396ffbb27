/** An executor that only relays reach, a caller, and two relay processes that die and freeze. */
import type { Mesh } from '@zerostate/mesh';
import { until } from '../../packages/mesh/src/testing/adapters/system.ts';
import { TestMesh } from '../../packages/mesh/src/testing/nodes.ts';
import { RelayProcess } from './relay-process.ts';

const ECHO = '/test/echo/1';
/** What a call may take: less than an address costs that does not answer (DIAL_ADDRESS_MS). */
const ANSWER_MS = 2_000;
/** Nothing here takes a fifth of this, however busy the machine is. */
const WAIT_MS = 60_000;
const LOOK_MS = 5;

/** How long it took from the death or freeze on, in ms. */
export interface Moved {
  readonly moved: number;
  /** From the relay's return on. */
  readonly reservedAgain: number;
}

export class RelayWorld {
  readonly executor: Mesh;
  readonly #caller: Mesh;
  readonly #mesh: TestMesh;
  readonly #relays: readonly [RelayProcess, RelayProcess];

  private constructor(
    mesh: TestMesh,
    relays: readonly [RelayProcess, RelayProcess],
    ends: { executor: Mesh; caller: Mesh },
  ) {
    this.#mesh = mesh;
    this.#relays = relays;
    this.executor = ends.executor;
    this.#caller = ends.caller;
  }

  static async make(): Promise<RelayWorld> {
    const mesh = new TestMesh();
    const [first, second] = [new RelayProcess(101), new RelayProcess(102)];
    await Promise.all([first.start(), second.start()]);
    const executor = await mesh.node({ listen: [], relays: [first.address, second.address] });
    await executor.wire.handle(ECHO, 64, async (stream) => {
      const { signal } = new AbortController();
      const bytes = await stream.read(signal);
      if (bytes.ok && bytes.value !== null) await stream.write(bytes.value, signal);
      await stream.end(signal);
    });
    await until(() => executor.status().relays.every(({ state }) => state === 'reserved'));
    const caller = await mesh.node({ listen: [] });
    const addresses = await until(() => {
      const found = executor.addresses().filter((one) => one.includes('/p2p-circuit/'));
      return found.length >= 2 ? found : null;
    });
    await caller.wire.learn(executor.did, addresses);
    return new RelayWorld(mesh, [first, second], { executor, caller });
  }

  /** The two relays take turns. */
  victim(round: number): RelayProcess {
    return this.#relays[round % 2 === 0 ? 0 : 1];
  }

  /** Waits until both relays hold a reservation of the executor. */
  async rest(round: number): Promise<void> {
    const areReserved = () => this.#relays.every((relay) => this.isReserved(relay));
    await this.timeUntil(`round ${round} begins`, areReserved);
  }

  /** A relay dies, and comes back once traffic takes the other way. */
  async kill(round: number): Promise<Moved> {
    const victim = this.victim(round);
    await victim.kill();
    const moved = await this.timeUntil('traffic has moved', () => this.answers());
    await victim.start();
    const isBack = () => this.isReserved(victim);
    return { moved, reservedAgain: await this.timeUntil('it is reserved again', isBack) };
  }

  isReserved(relay: RelayProcess): boolean {
    const { relays } = this.executor.status();
    return relays.some((one) => one.relay === relay.address && one.state === 'reserved');
  }

  /** One round trip by whatever path there is; false when it does not come back in its time. */
  async answers(): Promise<boolean> {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const opened = await this.#caller.wire.open(this.executor.did, ECHO, signal);
    if (!opened.ok) return false;
    await opened.value.write(Uint8Array.of(1), signal);
    const back = await opened.value.read(signal);
    opened.value.abort('done');
    return back.ok && back.value !== null;
  }

  /** ms until `found`; what never comes fails with its name and the state of all there is. */
  async timeUntil(what: string, found: () => boolean | Promise<boolean>): Promise<number> {
    const start = performance.now();
    while (!(await found())) {
      if (performance.now() - start > WAIT_MS) {
        throw new Error(`waited ${WAIT_MS} ms until ${what}: ${this.#seen()}`);
      }
      await new Promise<void>((resolve) => setTimeout(resolve, LOOK_MS));
    }
    return performance.now() - start;
  }

  async stop(): Promise<void> {
    await this.#mesh.stop();
    for (const relay of this.#relays) {
      relay.thaw();
      await relay.kill();
    }
  }

  #seen(): string {
    const of = (node: Mesh) => {
      const { relays: reserved, peers, condemned } = node.status();
      return { reserved, peers, condemned, addresses: node.addresses() };
    };
    const ended = this.#relays.map((relay) => relay.ended);
    return JSON.stringify(
      { ended, executor: of(this.executor), caller: of(this.#caller) },
      null,
      1,
    );
  }
}
