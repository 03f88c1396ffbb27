/** A peer that sends a byte now and then, never hangs up, and never reads in order to go on. */
import { connect, type Socket } from 'node:net';

/** Between two bytes: often enough to look alive, and to notice that the edge has hung up. */
const DRIBBLE_MS = 1_000;

/** What a slow peer has sent before it begins to dribble, and what it dribbles. */
export const SLOW = {
  /** A request line and half a header. */
  headers: {
    start: 'POST /v1/search HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ',
    dribble: 'a',
  },
  /** All headers and half a body. */
  body: {
    start:
      'POST /v1/search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n' +
      'Content-Length: 4096\r\n\r\n{"text":"',
    dribble: 'a',
  },
  /** Nothing at all. */
  silence: { start: '', dribble: '' },
} as const;

export interface SlowPeer {
  /** Resolves when the edge has really let go: our own end stays open until its reset arrives. */
  readonly closed: Promise<void>;
  destroy(): void;
}

/** Resolves when the connection stands and the first bytes are on their way. */
export async function startSlowPeer(url: string, kind: keyof typeof SLOW): Promise<SlowPeer> {
  const { start, dribble } = SLOW[kind];
  const socket = await dial(url);
  socket.write(start);
  const timer = setInterval(() => {
    if (dribble !== '') socket.write(dribble);
  }, DRIBBLE_MS);
  // A silent peer cannot meet a reset: the end of the edge's side is all that it can see.
  if (dribble === '') socket.on('end', () => socket.destroy());
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      clearInterval(timer);
      resolve();
    });
  });
  socket.on('error', () => socket.destroy());
  socket.resume();
  return { closed, destroy: () => socket.destroy() };
}

function dial(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    // Half-open: what the edge ends, this side does not.
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true }, () => {
      socket.off('error', reject);
      resolve(socket);
    });
    socket.once('error', reject);
  });
}
