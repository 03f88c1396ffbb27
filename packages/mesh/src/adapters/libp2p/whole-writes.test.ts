import { Socket } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { addressOf, TestMesh } from '../../testing/nodes.ts';

const mesh = new TestMesh();
afterEach(async () => {
  vi.restoreAllMocks();
  await mesh.stop();
});

test('a frame is one write to the socket', async () => {
  const [from, to] = [await mesh.node(), await mesh.node()];
  await from.connect(addressOf(to));
  const [connection] = from.wire.connections();
  if (connection === undefined) throw new Error('not connected');
  const lengths: number[] = [];
  const write = Socket.prototype.write;
  vi.spyOn(Socket.prototype, 'write').mockImplementation(function (this: Socket, ...args) {
    const [data] = args;
    if (data instanceof Uint8Array) lengths.push(data.length);
    return Reflect.apply(write, this, args);
  });
  for (let n = 0; n < 5; n++) {
    expect(await from.wire.probe(connection.id, AbortSignal.timeout(10_000))).toBe(true);
  }
  // A length and a tag, at least; the length alone would be two bytes.
  expect(lengths.length).toBeGreaterThanOrEqual(10);
  expect(Math.min(...lengths)).toBeGreaterThan(18);
});
