import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Mesh, type MeshConfig, startMesh } from '@zerostate/mesh';
import { createEdgeClient } from '@zerostate/sdk';
import { digestSha256 } from '@zerostate/shared';
import { z } from 'zod';
import { openDatabase } from '../adapters/database.ts';
import { systemRng, systemTimers } from '../adapters/system.ts';
import { dialWebSocket } from '../adapters/websocket.ts';
import { type MeshOfNode, type RunningNode, startNode } from '../node.ts';
import type { Log } from '../ports.ts';
import type { Database } from '../state/database.ts';
import { initNode } from '../state/init.ts';
import { readKeyFile } from '../state/keys.ts';
import { type OpenState, openState } from '../state/open.ts';
import { DEFAULT_EXPOSURE, type ExposurePolicy } from '../wallet/context.ts';
import { nextTurn } from './adapters/turn.ts';
import { Caller } from './caller.ts';
import { TestEdge } from './edge.ts';
import { inProcessSandbox } from './sandbox.ts';
import { TestTime } from './time.ts';

/** (module (func (export "hello") (result i32) i32.const 42)) */
export const HELLO = Uint8Array.from(
  '0061736d010000000105016000017f030201000709010568656c6c6f00000a06010400412a0b'.match(/../g) ?? [],
  (byte) => Number.parseInt(byte, 16),
);

const AGENT = {
  agent: 'hello',
  name: 'Hello',
  version: '1.0.0',
  description: 'Answers 42',
  tags: ['hello'],
  skills: [{ id: 'greet', name: 'Greeting', description: 'Says 42', tags: [] }],
  price: { base: '1000', per_mgas: '100', per_page: '10' },
  limits: {
    gas_max: '1000000',
    pages_max: '64',
    wall_ms_max: '600000',
    input_max: '100000',
    output_max: '1048576',
  },
  regions: [],
  programs: [{ skill: 'greet', file: 'hello.wasm', abi: 'call', fn: 'hello' }],
};

/** When every test begins, ms. */
const START = 1_800_000_000_000;
/** Turns of the event loop that a message needs to the edge and back, with some to spare. */
const TURNS = 10;

const statusSchema = z.looseObject({
  link: z.object({ state: z.string(), problem: z.string().nullable() }),
  outbox: z.number(),
});
type Status = z.infer<typeof statusSchema>;

/** What a test may put between the node and its disk. */
export type WrapDatabase = (database: Database) => Database;

/** One node on a real folder and a real socket, its edge, a caller, and time that a test moves. */
export class World {
  readonly root: string;
  readonly edge: TestEdge;
  time: TestTime;
  readonly module: string;
  readonly lines: { event: string; fields: Record<string, unknown> }[] = [];
  readonly failures: unknown[] = [];
  sandbox = inProcessSandbox();
  exposure: ExposurePolicy = DEFAULT_EXPOSURE;
  wrap: WrapDatabase = (database) => database;
  /** Multiaddrs of the node's mesh; null without one. */
  listen: readonly string[] | null = null;
  meshConfig: Partial<MeshConfig> = {};
  /** The node's mesh, while it runs. */
  mesh: Mesh | null = null;
  state: OpenState | null = null;
  node: RunningNode | null = null;

  #life = 0;

  private constructor(root: string, edge: TestEdge, module: string) {
    this.root = root;
    this.edge = edge;
    this.module = module;
    this.time = new TestTime(START);
    edge.now = () => this.time.now();
  }

  get folder(): string {
    return join(this.root, 'node');
  }

  get agentFolder(): string {
    return join(this.root, 'hello');
  }

  static async make(): Promise<World> {
    const root = await mkdtemp(join(tmpdir(), 'zs-node-'));
    const world = new World(root, await TestEdge.start(), await digestSha256(HELLO));
    await mkdir(world.agentFolder);
    await writeFile(join(world.agentFolder, 'hello.wasm'), HELLO);
    await writeFile(join(world.agentFolder, 'agent.json'), JSON.stringify(AGENT));
    const made = await initNode(world.folder, world.edge.url, {
      clock: world.time,
      rng: systemRng,
      edge: createEdgeClient({ url: world.edge.url }),
      openDatabase,
      pid: process.pid,
    });
    if (!made.ok) throw new Error(made.code);
    return world;
  }

  /** Starts the node and waits until it is linked. */
  async start(): Promise<RunningNode> {
    const hellos = this.edge.hellos.length;
    const node = await this.launch();
    await this.edge.until(() => this.edge.hellos.length > hellos);
    return node;
  }

  /** Starts the node without waiting for its link. */
  async launch(): Promise<RunningNode> {
    const life = this.#life;
    const state = await openState(this.folder, {
      clock: this.time,
      openDatabase: async (url) => this.wrap(await openDatabase(url)),
      pid: process.pid,
    });
    if (!state.ok) throw new Error(`${state.code}: ${state.detail}`);
    this.state = state.value;
    this.node = await startNode({
      state: state.value,
      sandbox: this.sandbox,
      exposure: this.exposure,
      fatal: (cause) => {
        // What a dead node complains about is of its closed disk.
        if (life === this.#life) this.failures.push(cause);
      },
      ports: {
        clock: this.time,
        rng: systemRng,
        timers: this.time,
        dial: dialWebSocket,
        log: this.log,
      },
      ...(this.listen === null ? {} : { mesh: await this.#mesh(this.listen) }),
    });
    return this.node;
  }

  /** A real mesh on real sockets, whose records are dated by the time of the test. */
  async #mesh(listen: readonly string[]): Promise<MeshOfNode> {
    const seed = await readKeyFile(this.folder);
    if (!seed.ok) throw new Error(seed.code);
    return {
      allowPrivate: true,
      fetch: (url, init) => fetch(url, init),
      launch: async () => {
        const started = await startMesh({
          seed: seed.value,
          network: this.edge.network,
          config: { listen, allowPrivate: true, isDhtServer: true, ...this.meshConfig },
          ports: { clock: this.time, rng: systemRng, timers: systemTimers, log: this.log },
        });
        if (started.ok) this.mesh = started.value;
        return started;
      },
    };
  }

  /** A started node with its card, and a caller with an open channel. */
  async ready(): Promise<Caller> {
    const node = await this.start();
    const added = await node.execute({ command: 'card-add', folder: this.agentFolder });
    if (!added.ok) throw new Error(`${added.code}: ${added.detail}`);
    const clock = { now: () => this.time.now() };
    const caller = await Caller.make(this.edge, clock, node.did, this.module);
    await caller.open();
    return caller;
  }

  /** Waits until every acknowledgement of the edge is on disk. */
  outboxEmpty(): Promise<void> {
    return this.passUntil(250, async () => (await this.status()).outbox === 0);
  }

  /**
   * Moves time on in steps until `test` holds. Sockets and disk get some turns of the event loop
   * in each step, so that their work does not look slow beside the clock.
   */
  async passUntil(stepMs: number, test: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await test())) {
      this.time.advance(stepMs);
      for (let i = 0; i < TURNS; i++) await nextTurn();
    }
  }

  /** Lets everything happen that happens without time: a message has its effects. */
  async settle(): Promise<void> {
    for (let i = 0; i < 20 * TURNS; i++) await nextTurn();
  }

  async status(): Promise<Status> {
    const answer = await this.node?.execute({ command: 'status' });
    if (answer === undefined || !answer.ok) throw new Error('the node does not run');
    return statusSchema.parse(answer.value);
  }

  /**
   * Ends the node as `kill -9` would: nothing of it acts any more. Its link is cut, its timers
   * belong to a time that has stopped, and `wrap` sees to it that its writes go nowhere.
   */
  async abandon(): Promise<void> {
    this.#life += 1;
    this.edge.hangUp();
    this.time = new TestTime(this.time.now());
    await this.mesh?.stop();
    this.mesh = null;
    await this.state?.close();
    this.node = null;
    this.state = null;
  }

  async stop(): Promise<void> {
    await this.node?.stop(0);
    await this.state?.close();
    this.mesh = null;
    this.node = null;
    this.state = null;
  }

  async end(): Promise<void> {
    await this.stop();
    await this.edge.stop();
    await rm(this.root, { recursive: true, force: true });
  }

  get log(): Log {
    const note = (event: string, fields: Record<string, unknown> = {}): void => {
      this.lines.push({ event, fields });
    };
    return { info: note, warn: note, error: note };
  }
}
