/** Two private networks that cannot send each other a packet, and a relay between them. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { buildNetworks, RELAY_IN, removeNetworks, setCable } from './networks.ts';
import { Peer } from './peer.ts';

const peers: Peer[] = [];
beforeEach(() => buildNetworks());
afterEach(async () => {
  await Promise.all(peers.splice(0).map((peer) => peer.stop()));
  removeNetworks();
});

async function started(...args: Parameters<typeof Peer.start>) {
  const { peer, hello } = await Peer.start(...args);
  peers.push(peer);
  const addresses = Array.isArray(hello.addresses) ? hello.addresses.map(String) : [];
  return { peer, did: String(hello.did), addresses };
}

async function world() {
  const relay = await started('relay', 'relay', 1);
  const at = (host: string): string =>
    relay.addresses.find((one) => one.includes(`/${host}/`)) ?? `no address at ${host}`;
  const executor = await started('left', 'executor', 2, at(RELAY_IN.left));
  const caller = await started('right', 'caller', 3);
  const direct = executor.addresses.find((one) => one.startsWith('/ip4/10.91.1.2/')) ?? '';
  const peerId = direct.slice(direct.lastIndexOf('/') + 1);
  const through = `${at(RELAY_IN.right)}/p2p-circuit/p2p/${peerId}`;
  return { relay, executor, caller, direct, through };
}

test('a question and its bytes cross the relay where no direct path is', async () => {
  const { executor, caller, direct, through } = await world();
  expect(await caller.peer.ask(`dial ${direct}`)).toMatchObject({ ok: false });
  const answer = await caller.peer.ask(`ask ${executor.did} ${through}`);
  expect(answer).toEqual({ ok: true, bytes: 200_000 });
  const { peers: connections } = await caller.peer.ask('status');
  expect(connections).toContainEqual(
    expect.objectContaining({ did: executor.did, isRelayed: true }),
  );
});

test('an executor whose cable was out is back through its relay by itself', async () => {
  const { executor, caller, through } = await world();
  expect(await caller.peer.ask(`ask ${executor.did} ${through}`)).toMatchObject({ ok: true });
  setCable('left', 'down');
  const lost = async (): Promise<boolean> =>
    JSON.stringify(await executor.peer.ask('status')).includes('"state":"reserved"') === false;
  while (!(await lost()));
  setCable('left', 'up');
  while (await lost());
  for (;;) {
    const answer = await caller.peer.ask(`ask ${executor.did} ${through}`);
    if (answer.ok === true) break;
  }
});
