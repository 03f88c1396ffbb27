import { afterEach, expect, test } from 'vitest';
import { addressOf, TestMesh } from '../../testing/nodes.ts';

const mesh = new TestMesh();
afterEach(() => mesh.stop());

test('an answer to a probe that comes too late costs nobody the connection', async () => {
  const [from, to] = [await mesh.node(), await mesh.node()];
  await from.connect(addressOf(to));
  const [connection] = from.wire.connections();
  if (connection === undefined) throw new Error('not connected');
  for (let tried = 0; tried < 3; tried++) {
    const impatient = new AbortController();
    const late = from.wire.probe(connection.id, impatient.signal);
    impatient.abort();
    expect(await late).toBe(false);
  }
  // It comes after the late ones, over the same connection.
  expect(await from.wire.probe(connection.id, AbortSignal.timeout(10_000))).toBe(true);
  expect(from.wire.connections().map(({ id }) => id)).toContain(connection.id);
  await to.stop();
  expect(await from.wire.probe(connection.id, AbortSignal.timeout(10_000))).toBe(false);
});
