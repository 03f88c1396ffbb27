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
    const place = world.sockets.admit(ADDRESS);
    if (place === null) throw new Error('no place');
    place.accept(socket, { address: ADDRESS, origin: ORIGIN }, 'closed');
    places.push(place);
  }
  await world.pass(HELLO_MS_MAX + 1);
  await world.hub.tick();
  expect(closes).toHaveLength(places.length);
  expect(world.sockets.admit(ADDRESS)).toBeNull();
  places[0]?.leave();
  places[0]?.leave();
  expect(world.sockets.admit(ADDRESS)).not.toBeNull();
  expect(world.sockets.admit(ADDRESS)).toBeNull();
  await world.close();
});
