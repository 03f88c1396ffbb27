import { once } from 'node:events';
import { connect } from 'node:net';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { deadline } from './deadline.ts';
import { systemPorts } from './testing/adapters/system.ts';

/** Answers whatever it is sent, on a thread of its own. */
const ECHO = `
  const { parentPort } = require('node:worker_threads');
  const server = require('node:net').createServer((socket) => socket.pipe(socket));
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;

test('an answer that came while the process stood still is in time', async () => {
  const echo = new Worker(ECHO, { eval: true });
  try {
    const [port] = await once(echo, 'message');
    const socket = connect(Number(port), '127.0.0.1');
    await once(socket, 'connect');
    socket.write('?');
    await once(socket, 'data');
    const answer = once(socket, 'data').then(() => 'answered');
    const limit = deadline(systemPorts().timers, 100);
    const late = once(limit.signal, 'abort').then(() => 'late');
    socket.write('?');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
    expect(await Promise.race([answer, late])).toBe('answered');
    // It only waits a moment longer: nothing comes any more.
    expect(await late).toBe('late');
    socket.destroy();
  } finally {
    await echo.terminate();
  }
});
