import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createEdgeWorld } from '../../test-support/world.ts';
import { serveNode } from '../entry/node-server.ts';
import { createConnectionCap } from './connection-cap.ts';

test('a request past the cap is told to come later, and the next one after an end is served', async () => {
  const cap = createConnectionCap(2);
  const waiting = Promise.withResolvers<Response>();
  const busy = () => new Response('busy', { status: 503 });
  const slow = [1, 2].map(() => cap.serve(() => waiting.promise, busy));
  const over = await cap.serve(() => new Response('served'), busy);
  expect(over.status).toBe(503);
  waiting.resolve(new Response('done'));
  await Promise.all(slow);
  expect((await cap.serve(() => new Response('served'), busy)).status).toBe(200);
});

test('a place is given back once, also by a request that throws', async () => {
  const cap = createConnectionCap(1);
  const busy = () => new Response('busy', { status: 503 });
  await expect(cap.serve(() => Promise.reject(new Error('bug')), busy)).rejects.toThrow('bug');
  const leave = cap.enter();
  expect(cap.enter()).toBeNull();
  leave?.();
  leave?.();
  expect(cap.enter()).not.toBeNull();
  expect(cap.enter()).toBeNull();
});

test('a Node server closes connections past its cap and keeps those inside', async () => {
  const world = await createEdgeWorld();
  const at = { host: '127.0.0.1', port: 0, connectionsMax: 2 };
  const server = await serveNode({ app: world.app, links: world.sockets }, at);
  const dial = async (): Promise<Socket> => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    await once(socket, 'connect');
    return socket;
  };
  const [first] = [await dial(), await dial()];
  onTestFinished(async () => {
    server.destroy();
    await server.close();
    await world.close();
  });
  const third = await dial();
  third.on('error', () => {});
  await once(third, 'close');
  first?.write('GET /healthz HTTP/1.1\r\nhost: edge.test\r\n\r\n');
  const [answer] = await once(first, 'data');
  expect(String(answer)).toMatch(/^HTTP\/1\.1 200/);
});
