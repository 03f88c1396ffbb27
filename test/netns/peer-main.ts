/**
 * A node in a namespace: `peer-main.ts CONFIG`, where CONFIG is JSON. A line of JSON out for the
 * start and for each line of JSON in.
 */
import { createInterface } from 'node:readline';
import { DEFAULT_RELAY_POLICY, startMesh } from '@zerostate/mesh';
import { systemPorts } from '../../packages/mesh/src/testing/adapters/system.ts';
import type { Command, PeerConfig } from './peer-config.ts';

const TASK = 'A'.repeat(43);
const BODY_BYTES = 200_000;
const config: PeerConfig = JSON.parse(process.argv[2] ?? '{}');
const say = (value: unknown): void => console.log(JSON.stringify(value));
const warnings: string[] = [];
const none = (): void => undefined;
const warn = (event: string, fields: Record<string, unknown> = {}): void => {
  warnings.push(`${event} ${JSON.stringify(fields)}`);
};

/** Over `ms` after there is a direct connection to a peer. */
async function direct(peer: string, ms: number): Promise<void> {
  const isDirect = () =>
    mesh.wire.connections().some(({ did, isRelayed }) => did === peer && !isRelayed);
  while (!isDirect()) await new Promise((resolve) => setTimeout(resolve, 10));
  await new Promise((resolve) => setTimeout(resolve, ms));
}

const started = await startMesh({
  seed: new Uint8Array(32).fill(config.seed),
  network: config.isRelay === true ? '' : 'zs-aaaaaaaaaaaaaaaa',
  config: {
    listen: config.listen ?? [],
    relays: config.relays ?? [],
    bootstrap: config.bootstrap ?? [],
    mdns: config.mdns === true,
    allowPrivate: config.allowPrivate !== false,
    ...(config.announce === undefined ? {} : { announce: config.announce }),
  },
  ports: systemPorts({ info: none, error: warn, warn }),
  ...(config.isRelay === true ? { relay: DEFAULT_RELAY_POLICY } : {}),
});
if (!started.ok) throw new Error(`${started.code}: ${started.detail ?? ''}`);
const mesh = started.value;
mesh.tasks.handle('task.cancel', async ({ from, body }) => {
  if (config.answersAfterDirectMs !== undefined) await direct(from, config.answersAfterDirectMs);
  return {
    ok: true,
    value: {
      message: { type: 'task.progress', body: { task: TASK, gas: String(body.length) } },
      body: body.toReversed(),
    },
  };
});
say({ did: mesh.did, addresses: mesh.addresses() });

for await (const line of createInterface({ input: process.stdin })) {
  const command: Command = JSON.parse(line);
  if (command.do === 'status') {
    const { relays, problems, addresses } = mesh.status();
    say({ relays, problems, addresses, peers: mesh.wire.connections(), warnings });
  } else if (command.do === 'dial') {
    say(await mesh.connect(command.address, command.withinMs));
  } else {
    await mesh.wire.learn(command.did, command.addresses);
    const body = new Uint8Array(BODY_BYTES).fill(7);
    const message = { type: 'task.cancel', body: { task: TASK } } as const;
    const { withinMs } = command;
    const answered = await mesh.tasks.ask(command.did, message, { body, withinMs });
    say(answered.ok ? { ok: true, bytes: answered.value.body.length } : answered);
  }
}
await mesh.stop();
