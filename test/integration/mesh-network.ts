/** Executor daemons with a mesh, as processes beside a real edge. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createEdgeClient, createKeyFile, createSigner } from '@zerostate/sdk/node';
import type { Result } from '@zerostate/shared';
import { z } from 'zod';
import { makeOpen } from '../../apps/edge/test-support/documents.ts';
import { askControl } from '../../apps/executor-node/src/adapters/control-socket.ts';
import { openDatabase } from '../../apps/executor-node/src/adapters/database.ts';
import {
  systemClock,
  systemRng,
  systemTimers,
} from '../../apps/executor-node/src/adapters/system.ts';
import { ask } from '../../apps/executor-node/src/cli/ask.ts';
import type { Command } from '../../apps/executor-node/src/commands.ts';
import { initNode } from '../../apps/executor-node/src/state/init.ts';
import { readHolder } from '../../apps/executor-node/src/state/lock.ts';
import { type Child, startChild } from '../../scripts/start/child.ts';
import { type Channel, FUND, MONEY, must, type Party, ROOT, until } from './dispute-network.ts';

const NODE_CLI = join(ROOT, 'apps/executor-node/src/cli/main.ts');

const statusSchema = z.looseObject({
  link: z.looseObject({ state: z.string() }),
  mesh: z
    .looseObject({
      state: z.string(),
      addresses: z.array(z.string()).optional(),
      problems: z.array(z.string()),
      gateway: z.object({ carried: z.number(), answered: z.number() }).loose(),
    })
    .nullable(),
  cards: z.array(z.looseObject({ agent: z.string(), state: z.string() })),
  channels: z.number(),
  tasks: z.record(z.string(), z.number()),
  earned: z.string(),
  held: z.string(),
  redeemed: z.string(),
});
export type NodeStatus = z.infer<typeof statusSchema>;

export interface MeshNode extends Party {
  readonly child: Child;
  /** Its first address in the mesh. */
  readonly address: string;
  status(): Promise<NodeStatus>;
  /** What the CLI would ask of the daemon. */
  execute(command: Command): Promise<Result<unknown, string>>;
}

/** A party with a key of its own. */
export async function keyedParty(state: string, name: string, url: string): Promise<Party> {
  const folder = join(state, name);
  const signer = await createSigner(must(await createKeyFile(folder, systemRng)));
  return { did: signer.did, folder, signer, edge: createEdgeClient({ url, signer }) };
}

/** A daemon with its agents published and its mesh on loopback. */
export async function startMeshNode(
  state: string,
  name: string,
  edge: string,
  started: (child: Child) => void,
  about: { agents: readonly string[]; bootstrap: readonly string[]; options?: readonly string[] },
): Promise<MeshNode> {
  const party = await keyedParty(state, name, edge);
  const at = ['--state', party.folder];
  const clients = { clock: systemClock, rng: systemRng, timers: systemTimers };
  const adapters = { ...clients, edge: party.edge, openDatabase, pid: process.pid };
  must(await initNode(party.folder, edge, adapters));
  must(await party.edge.faucet(MONEY));
  for (const agent of about.agents) {
    const folder = join(ROOT, 'agents', agent);
    must(await ask(party.folder, { command: 'card-add', folder }));
  }
  const child = await startChild({
    name,
    command: process.execPath,
    args: [
      ...[NODE_CLI, 'start', ...at, '--workers', '1', '--mesh', '--allow-private'],
      ...['--mesh-listen', '/ip4/127.0.0.1/tcp/0'],
      ...about.bootstrap.flatMap((address) => ['--bootstrap', address]),
      ...(about.options ?? []),
    ],
    log: join(state, 'logs', `${name}.log`),
  });
  started(child);
  // Asked only once it listens: whoever asks before would hold the state that it wants to open.
  const control = await until(async () => (await readHolder(party.folder))?.control ?? undefined);
  const execute = (command: Command) => askControl(control, command);
  const status = async () => statusSchema.parse(must(await execute({ command: 'status' })));
  const address = await until(async () => (await status()).mesh?.addresses?.[0]);
  await until(async () => (await status()).link.state === 'up');
  return { ...party, child, address, status, execute };
}

/** A channel that a creator proposes and its executor co-signs by itself. */
export async function proposeChannel(creator: Party, executor: MeshNode): Promise<Channel> {
  const { network, genesis } = must(await creator.edge.network());
  const terms = { now: Date.now(), asset: genesis.asset, fund: String(FUND) };
  const { open, ch, dir } = await makeOpen(network, creator.signer, executor.signer, terms);
  const sigs = open.sigs.filter(({ by }) => by === creator.did);
  must(await creator.edge.openChannel({ ...open, sigs }));
  await until(async () => {
    const channel = await creator.edge.channel(ch);
    return channel.ok && channel.value.state === 'active';
  });
  await until(async () => (await executor.status()).channels > 0);
  return { ch, dir };
}

/** A way to a port that a test cuts: what goes through it loses its connections. */
export class Cable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isCut: boolean;

  constructor(port: () => number) {
    this.#isCut = false;
    this.#server = createServer((near) => {
      if (this.#isCut) return void near.destroy();
      const far = connect(port(), '127.0.0.1');
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          this.#sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
      }
      near.pipe(far).pipe(near);
    });
  }

  /** Its own port. */
  async lay(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    if (typeof address !== 'object' || address === null) throw new Error('no port');
    return address.port;
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  async remove(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
