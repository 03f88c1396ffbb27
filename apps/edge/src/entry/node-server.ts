/** HTTP and WebSocket on Node: limits on slow and greedy peers, and an orderly end. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { getRequestListener } from '@hono/node-server';
import { CONNECTIONS_MAX, FRAME_BYTES_MAX } from '@zerostate/shared';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import type { Edge } from '../app.ts';
import { type ProblemCode, problemOf } from '../http/problem.ts';
import type { LinkSession } from '../hub/link-session.ts';
import type { Caller, Links, Place } from '../hub/links.ts';
import { LINK_PATH } from '../hub/routes.ts';
import { problemResponse } from './upgrade.ts';

/** A peer that sends its headers slower than this is let go, and one that sends its body so. */
const HEADERS_MS = 10_000;
const REQUEST_MS = 60_000;
const CHECK_MS = 1_000;
const KEEP_ALIVE_MS = 65_000;
/**
 * Connections that the kernel keeps until they are accepted, if it is set to keep so many. Past it a
 * peer hears nothing and tries again after seconds: too few when every executor dials at once.
 */
const BACKLOG = 4_096;
/** After our last word a peer has this long to hang up by itself, then its socket is destroyed. */
const LINGER_MS = 1_000;
/** After the stop begins: peers that have not sent their request by then are cut ... */
const STOP_UNSENT_MS = 2_000;
/** ... and then whoever does not take the answer. Within the time that a process has to drain. */
const STOP_ALL_MS = 8_000;
/** Past this `ws` itself closes with 1009; up to it the session says which limit it was. */
const PAYLOAD_MAX = FRAME_BYTES_MAX * 2;

export type NodeServer = {
  url: string;
  /**
   * Takes no new connections and resolves when the last request is answered. Peers that are slow
   * to send or to read do not hold it up: their sockets are cut.
   */
  close(): Promise<void>;
  /** Cuts what is left. */
  destroy(): void;
};

export async function serveNode(
  edge: { app: Edge['app']; links: Links },
  at: { host: string; port: number; connectionsMax?: number },
): Promise<NodeServer> {
  const listener = getRequestListener(
    (request, env) => edge.app.fetch(request, { address: env.incoming.socket.remoteAddress ?? '' }),
    // What is thrown before the app sees a request: its URL or Host is not one.
    { errorHandler: () => problemResponse('invalid-request', 'not an HTTP request for this host') },
  );
  const connections = new Connections();
  const server = createServer(
    {
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      connectionsCheckingInterval: CHECK_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
    (request, response) => {
      connections.asks(request, response);
      listener(request, response).catch(() => response.destroy());
    },
  );
  // Past it the kernel's connections are closed unread: memory and descriptors are for those inside.
  server.maxConnections = at.connectionsMax ?? CONNECTIONS_MAX;
  server.on('connection', (socket) => connections.add(socket));
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const isLate = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
    refuse(socket, isLate ? 'body-timeout' : 'invalid-request');
  });
  takeUpgrades(server, edge.links);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port: at.port, host: at.host, backlog: BACKLOG }, resolve);
  });
  return {
    url: urlOf(server, at.host),
    close: () => stop(server, connections),
    destroy: () => connections.cutAll(),
  };
}

/** Every socket of the server, upgraded or not, and what it asks just now. */
class Connections {
  readonly #open = new Set<Socket>();
  /** One listener for all of them. */
  readonly #closed: (this: Socket) => void;
  readonly #asking = new Map<Socket, IncomingMessage>();

  constructor() {
    const open = this.#open;
    this.#closed = function closed() {
      open.delete(this);
    };
  }

  add(socket: Socket): void {
    this.#open.add(socket);
    socket.once('close', this.#closed);
  }

  asks(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    this.#asking.set(socket, request);
    response.once('close', () => {
      if (this.#asking.get(socket) === request) this.#asking.delete(socket);
    });
  }

  /** Cuts the peers whose request is not complete: nothing was promised to them. */
  cutUnsent(): void {
    for (const socket of this.#open) {
      if (this.#asking.get(socket)?.complete !== true) socket.destroy();
    }
  }

  cutAll(): void {
    for (const socket of this.#open) socket.destroy();
  }
}

/** Node stops its own header and body timeouts when a server closes: from then on these count. */
async function stop(server: Server, connections: Connections): Promise<void> {
  const timers = [
    setTimeout(() => connections.cutUnsent(), STOP_UNSENT_MS),
    setTimeout(() => connections.cutAll(), STOP_ALL_MS),
  ];
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  for (const timer of timers) clearTimeout(timer);
}

function urlOf(server: Server, host: string): string {
  const address = server.address();
  // Checked border: a server that listens on a port has an AddressInfo.
  const { port } = address as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/**
 * A link's socket and all that is kept of it: its listeners are shared by all links, and nothing
 * holds on to the request that it began with.
 */
class LinkWebSocket extends WebSocket {
  #socket: Duplex | null = null;
  #place: Place | null = null;
  #session: LinkSession | null = null;

  begin(socket: Duplex, place: Place, origin: string): void {
    this.#socket = socket;
    this.#place = place;
    this.on('message', this.#heard);
    this.on('close', this.#over);
    this.on('error', this.#failed);
    this.#session = place.accept(this, origin, 'closed');
  }

  override send(text: string): void {
    if (this.#socket !== null) corkThisTurn(this.#socket);
    super.send(text);
  }

  override close(code?: number, reason?: string | Buffer): void {
    super.close(code, reason);
    if (this.#socket !== null) cutLater(this.#socket);
  }

  #heard(data: RawData, isBinary: boolean): void {
    this.#session?.receive(isBinary ? data : data.toString());
  }

  #failed(): void {
    this.#session?.gone();
  }

  #over(): void {
    this.#session?.gone();
    this.#place?.leave();
  }
}

function takeUpgrades(server: Server, links: Links): void {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: PAYLOAD_MAX,
    perMessageDeflate: false,
    clientTracking: false,
    WebSocket: LinkWebSocket,
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', destroy);
    if (request.url?.split('?')[0] !== LINK_PATH) return refuse(socket, 'not-found');
    const forwardedFor = [request.headers['x-forwarded-for']].flat().join(',') || undefined;
    const address = request.socket.remoteAddress ?? '';
    waitForPlace(links, { address, forwardedFor }, socket, (place) => {
      if (place === null) return refuse(socket, 'busy');
      const leave = () => place.leave();
      socket.once('close', leave);
      corkThisTurn(socket);
      sockets.handleUpgrade(request, socket, head, (ws) => {
        ws.begin(socket, place, `http://${request.headers.host ?? ''}`);
        socket.off('close', leave);
        socket.off('error', destroy);
      });
    });
  });
}

function waitForPlace(
  links: Links,
  caller: Caller,
  socket: Duplex,
  answer: (place: Place | null) => void,
): void {
  let isAnswered = false;
  let stopWatching = () => {};
  const giveUp = links.wait(caller, (place) => {
    isAnswered = true;
    stopWatching();
    answer(place);
  });
  if (isAnswered) return;
  stopWatching = () => {
    socket.off('data', destroy).off('end', destroy).off('close', giveUp);
  };
  // Until it is answered a peer has nothing to say; reading tells when it hangs up.
  socket.on('data', destroy).on('end', destroy).on('close', giveUp);
}

/** What is sent in one turn leaves in one write. */
function corkThisTurn(socket: Duplex): void {
  if (socket.writableCorked > 0) return;
  socket.cork();
  process.nextTick(uncork, socket);
}

function uncork(socket: Duplex): void {
  socket.uncork();
}

function destroy(this: Duplex): void {
  this.destroy();
}

/** Answers on a socket that no response belongs to. */
function refuse(socket: Duplex, code: ProblemCode): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const problem = problemOf(code, {});
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${problem.status} ${problem.title}\r\ncontent-type: application/problem+json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
  cutLater(socket);
}

/** Not at once: what the peer still sends would reset the connection before it reads our answer. */
function cutLater(socket: Duplex): void {
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
}
