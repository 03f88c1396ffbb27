/** A WebSocket that is opened by hand, never says hello, and ignores the close. */
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import type { Duplex } from 'node:stream';

export type Dialled =
  | { readonly held: true; readonly closed: Promise<void>; destroy(): void }
  | { readonly held: false; readonly status: number; readonly code: unknown };

/** Dials the edge's link from one loopback address. */
export function dialSilently(url: string, localAddress: string): Promise<Dialled> {
  return new Promise((resolve, reject) => {
    const asked = request(`${url}/v1/link`, {
      localAddress,
      agent: false,
      headers: {
        connection: 'upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': randomBytes(16).toString('base64'),
      },
    });
    asked.once('error', reject);
    asked.once('upgrade', (_response, socket) => resolve({ held: true, ...hold(socket) }));
    asked.once('response', (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += String(chunk);
      });
      response.once('error', reject);
      response.once('end', () => {
        const problem: unknown = JSON.parse(text);
        const isProblem = typeof problem === 'object' && problem !== null && 'code' in problem;
        resolve({
          held: false,
          status: response.statusCode ?? 0,
          code: isProblem ? problem.code : undefined,
        });
      });
    });
    asked.end();
  });
}

function hold(socket: Duplex): { closed: Promise<void>; destroy(): void } {
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
  });
  socket.on('error', () => socket.destroy());
  socket.resume();
  return { closed, destroy: () => socket.destroy() };
}
