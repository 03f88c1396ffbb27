/** What a node learns of its own reach: neighbours on its cable, and addresses that others dial. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PUBLIC_HOSTS } from './networks.ts';
import type { Peer } from './peer.ts';
import { at, NetworkWorld, timeUntil } from './world.ts';

const world = new NetworkWorld();
beforeEach(() => world.open());
afterEach(() => world.close());

test('two nodes on one cable find each other by multicast DNS alone', async () => {
  // Private addresses that strangers name are refused; those of neighbours are what is asked for.
  const config = { listen: ['/ip4/0.0.0.0/tcp/0'], mdns: true, allowPrivate: false };
  const one = await world.start('left', { seed: 21, ...config });
  const two = await world.start('left', { seed: 22, ...config });
  const status = () => one.ask({ do: 'status' });
  const met = async () => JSON.stringify((await status()).peers).includes(two.did);
  await timeUntil('they are connected', met, status);
  // A node without it is found by nobody.
  const quiet = await world.start('left', { seed: 23, ...config, mdns: false });
  expect((await quiet.ask({ do: 'status' })).peers).toEqual([]);
});

test('an address that others could dial back is told to others, one behind a NAT is not', async () => {
  const hosts = await Promise.all(
    PUBLIC_HOSTS.map((host, i) => {
      const address = `/ip4/${host}/tcp/4001`;
      return world.start('hosts', { seed: 31 + i, listen: [address], announce: [address] });
    }),
  );
  const bootstrap = hosts.map((host, i) => at(host, PUBLIC_HOSTS[i] ?? ''));
  // One address of its own: a peer dials back where it sees a node come from, and nowhere else.
  const config = { seed: 41, listen: ['/ip4/45.0.3.1/tcp/4001'], bootstrap };
  const open = await world.start('relay', config);
  const behind = { seed: 42, listen: ['/ip4/0.0.0.0/tcp/4001'], bootstrap };
  const hidden = await world.start('left', behind);
  const status = () => open.ask({ do: 'status' });
  const told = async () => String((await status()).addresses).includes('/45.0.3.1/');
  await timeUntil('a peer has dialled it', told, status);
  const metAll = (peer: Peer) => async () => {
    const { peers } = await peer.ask({ do: 'status' });
    return Array.isArray(peers) && peers.length >= PUBLIC_HOSTS.length;
  };
  for (const one of [open, hidden]) {
    // Whoever dials back does not end the connection over which it was asked to.
    await timeUntil('everybody is met', metAll(one), () => one.ask({ do: 'status' }));
  }
  expect(String((await hidden.ask({ do: 'status' })).addresses)).not.toContain('45.0.1.2');
});
