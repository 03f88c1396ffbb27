import { HELLO_MS_MAX, SOCKETS_UNAUTHENTICATED_PER_ADDRESS_MAX } from '@zerostate/shared';
import { expect, test } from 'vitest';
import { createEdgeWorld, ORIGIN } from '../../test-support/world.ts';
import type { Place } from './links.ts';

const ADDRESS = '192.0.2.1';

test('a peer that never says hello and ignores its close keeps its place until it is cut', async () => {
  const world = await createEdgeWorld();
  const closes: number[] = [];
  const socket = { send: () => {}, close: (code: number) => closes.push(code) };
  const places: Place[] = [];
  for (let i = 0; i < SOCKETS_UNAUTHENTICATED_PER_ADDRESS_MAX; i++) {
    const place = world.sockets.admit({ address: ADDRESS });
    if (place === null) throw new Error('no place');
    place.accept(socket, ORIGIN, 'closed');
    places.push(place);
  }
  await world.pass(HELLO_MS_MAX + 1);
  await world.hub.tick();
  expect(closes).toHaveLength(places.length);
  expect(world.sockets.admit({ address: ADDRESS })).toBeNull();
  places[0]?.leave();
  places[0]?.leave();
  expect(world.sockets.admit({ address: ADDRESS })).not.toBeNull();
  expect(world.sockets.admit({ address: ADDRESS })).toBeNull();
  await world.close();
});

test('behind a trusted proxy each executor has its own places, and a stranger cannot claim them', async () => {
  const world = await createEdgeWorld({ trustedProxies: ['10.0.0.1'] });
  const fill = (caller: { address: string; forwardedFor?: string }) => {
    let count = 0;
    while (count < 50 && world.sockets.admit(caller) !== null) count++;
    return count;
  };
  const through = (forwardedFor: string) => fill({ address: '10.0.0.1', forwardedFor });
  expect(through('198.51.100.7')).toBe(SOCKETS_UNAUTHENTICATED_PER_ADDRESS_MAX);
  expect(through('198.51.100.8')).toBe(SOCKETS_UNAUTHENTICATED_PER_ADDRESS_MAX);
  expect(through('203.0.113.5, 198.51.100.7')).toBe(0);
  const spoofed = ['198.51.100.20', '198.51.100.21'].map((forwardedFor) =>
    fill({ address: '192.0.2.9', forwardedFor }),
  );
  expect(spoofed).toEqual([SOCKETS_UNAUTHENTICATED_PER_ADDRESS_MAX, 0]);
  await world.close();
});
