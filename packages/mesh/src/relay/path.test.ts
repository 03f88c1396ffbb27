import { expect, test } from 'vitest';
import { peerIdFromDid } from '../adapters/libp2p/identity.ts';
import { RELAY_DISTRUST_MS } from '../limits.ts';
import { author } from '../testing/cards.ts';
import { PathMemory, relayOf } from './path.ts';

const [x, y, z] = await Promise.all([author(1), author(2), author(3)]);
const idOf = (did: string): string => {
  const id = peerIdFromDid(did);
  return id.ok ? id.value : '';
};
const through = (did: string): string =>
  `/ip4/8.8.8.8/tcp/1/p2p/${idOf(did)}/p2p-circuit/p2p/${idOf(z.did)}`;
const direct = `/ip4/8.8.8.8/tcp/1/p2p/${idOf(z.did)}`;

test('addresses are tried direct first, then by how well their relay has lately been', () => {
  expect([relayOf(through(x.did)), relayOf(direct)]).toEqual([x.did, null]);

  const clock = { at: 1_000_000, now: () => clock.at };
  const paths = new PathMemory(clock);
  const best = () => [through(y.did), through(x.did), direct].sort((a, b) => paths.order(a, b));
  paths.failed(x.did);
  expect(best()).toEqual([direct, through(y.did), through(x.did)]);
  clock.at += 1;
  // Both failed: the one that failed longer ago is likelier to be back.
  paths.failed(y.did);
  expect(best()).toEqual([direct, through(x.did), through(y.did)]);
  paths.answered(y.did);
  expect(best()).toEqual([direct, through(y.did), through(x.did)]);
  clock.at += RELAY_DISTRUST_MS + 1;
  expect(paths.order(through(x.did), through(y.did))).toBe(0);
});

test('of relays that are well the faster is tried first, and one that is busy with dials later', () => {
  const clock = { at: 1_000_000, now: () => clock.at };
  const paths = new PathMemory(clock);
  const dial = (did: typeof x.did, ms: number, end: 'connected' | 'answered' | 'failed') => {
    const ended = paths.dialling(did);
    clock.at += ms;
    ended(end);
  };
  const best = () => [through(y.did), through(x.did), direct].sort((a, b) => paths.order(a, b));
  for (let n = 0; n < 10; n++) {
    dial(x.did, 40, 'connected');
    dial(y.did, 100, 'connected');
  }
  expect(best()).toEqual([direct, through(x.did), through(y.did)]);
  const under = Array.from({ length: 4 }, () => paths.dialling(x.did));
  expect(best()).toEqual([direct, through(y.did), through(x.did)]);
  for (const ended of under) ended('answered');
  expect(best()).toEqual([direct, through(x.did), through(y.did)]);
  dial(x.did, 1_000, 'failed');
  expect(best()).toEqual([direct, through(y.did), through(x.did)]);
  clock.at += 20 * RELAY_DISTRUST_MS;
  expect(best()).toEqual([direct, through(x.did), through(y.did)]);
});
