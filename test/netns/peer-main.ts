/** A node in a namespace: `peer-main.ts executor|caller|relay SEED [ADDRESS]`, JSON lines out. */
import { createInterface } from 'node:readline';
import { DEFAULT_RELAY_POLICY, startMesh } from '@zerostate/mesh';
import { systemPorts, until } from '../../packages/mesh/src/testing/adapters/system.ts';

const [role = '', seed = '1', relay = ''] = process.argv.slice(2);
const TASK = 'A'.repeat(43);
const say = (value: unknown): void => console.log(JSON.stringify(value));

const started = await startMesh({
  seed: new Uint8Array(32).fill(Number(seed)),
  network: role === 'relay' ? '' : 'zs-aaaaaaaaaaaaaaaa',
  config: {
    listen: role === 'caller' ? [] : ['/ip4/0.0.0.0/tcp/4001'],
    relays: role === 'executor' ? [relay] : [],
    allowPrivate: true,
  },
  ports: systemPorts(),
  ...(role === 'relay' ? { relay: DEFAULT_RELAY_POLICY } : {}),
});
if (!started.ok) throw new Error(`${started.code}: ${started.detail ?? ''}`);
const mesh = started.value;
mesh.tasks.handle('task.cancel', async ({ body }) => ({
  ok: true,
  value: {
    message: { type: 'task.progress', body: { task: TASK, gas: String(body.length) } },
    body: body.toReversed(),
  },
}));
if (role === 'executor') {
  await until(() => mesh.status().relays[0]?.state === 'reserved');
  await until(() => mesh.addresses().some((one) => one.includes('/p2p-circuit/')));
}
say({ did: mesh.did, addresses: mesh.addresses() });

/** Each line is a question: `ask DID ADDRESS`, `dial ADDRESS` or `status`. */
for await (const line of createInterface({ input: process.stdin })) {
  const [command, ...words] = line.split(' ');
  if (command === 'status') say({ relays: mesh.status().relays, peers: mesh.wire.connections() });
  if (command === 'dial') say(await mesh.connect(words[0] ?? '', 3_000));
  if (command !== 'ask') continue;
  const [did = '', address = ''] = words;
  await mesh.wire.learn(did, [address]);
  const body = new Uint8Array(200_000).fill(7);
  const answered = await mesh.tasks.ask(
    did,
    { type: 'task.cancel', body: { task: TASK } },
    { body },
  );
  say(answered.ok ? { ok: true, bytes: answered.value.body.length } : answered);
}
await mesh.stop();
