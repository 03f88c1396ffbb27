import { Socket } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { until } from '../../testing/adapters/system.ts';
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
  // Who is dialled has it a moment later. Other connections begin in clear.
  const dialled = await until(() => to.wire.connections()[0]);
  const own = Number(/\/tcp\/(\d+)/.exec(dialled.address)?.[1]);
  const lengths: number[] = [];
  const write = Socket.prototype.write;
  vi.spyOn(Socket.prototype, 'write').mockImplementation(function (this: Socket, ...args) {
    const [data] = args;
    const isOfIt = this.localPort === own || this.remotePort === own;
    if (isOfIt && data instanceof Uint8Array) lengths.push(data.length);
    return Reflect.apply(write, this, args);
  });
  for (let n = 0; n < 5; n++) {
    expect(await from.wire.probe(connection.id, AbortSignal.timeout(10_000))).toBe(true);
  }
  // A length and a tag, at least; the length alone would be two bytes.
  expect(lengths.length).toBeGreaterThanOrEqual(10);
  expect(Math.min(...lengths)).toBeGreaterThan(18);
});
