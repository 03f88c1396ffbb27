/** The edge on Deno. */

import { CONNECTIONS_MAX } from '@zerostate/shared';
import { lineLog } from '../adapters/log-lines.ts';
import { prometheusMetrics } from '../adapters/metrics-prometheus.ts';
import { type ConnectionCap, createConnectionCap } from '../http/connection-cap.ts';
import type { Links } from '../hub/links.ts';
import { runProcess, type Serve } from './process.ts';
import { isLinkUpgrade, problemResponse, waitForPlace } from './upgrade.ts';

type DenoServer = { addr: { port: number }; shutdown(): Promise<void> };
type DenoInfo = { remoteAddr: { hostname: string } };
type DenoOptions = { hostname: string; port: number; onListen: () => void };
/** The part of Deno's own API that is used here. */
declare const Deno: {
  serve(
    options: DenoOptions,
    handler: (request: Request, info: DenoInfo) => Response | Promise<Response>,
  ): DenoServer;
  upgradeWebSocket(
    request: Request,
    options: { idleTimeout: number },
  ): { socket: WebSocket; response: Response };
};

const serveDeno: Serve = async ({ app, links }, { host, port }) => {
  const options = { hostname: host, port, onListen: () => {} };
  const cap = createConnectionCap(CONNECTIONS_MAX);
  const server = Deno.serve(options, (request, { remoteAddr }) => {
    const address = remoteAddr.hostname;
    return isLinkUpgrade(request)
      ? upgrade(request, links, address, cap)
      : cap.serve(
          () => app.fetch(request, { address }),
          () => problemResponse('busy'),
        );
  });
  const name = host.includes(':') ? `[${host}]` : host;
  return { url: `http://${name}:${server.addr.port}`, close: () => server.shutdown() };
};

async function upgrade(
  request: Request,
  links: Links,
  address: string,
  cap: ConnectionCap,
): Promise<Response> {
  const leave = cap.enter();
  if (leave === null) return problemResponse('busy');
  const forwardedFor = request.headers.get('x-forwarded-for');
  const place = await waitForPlace(links, { address, forwardedFor });
  if (place === null) {
    leave();
    return problemResponse('busy');
  }
  const { origin } = new URL(request.url);
  // The session has its own heartbeat.
  const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
  socket.binaryType = 'arraybuffer';
  socket.onopen = () => {
    const session = place.accept(
      {
        send: (text) => {
          if (socket.readyState === WebSocket.OPEN) socket.send(text);
        },
        close: (code, reason) => closeSocket(socket, code, reason),
      },
      origin,
    );
    socket.onmessage = ({ data }) => session.receive(data);
    socket.onclose = () => {
      session.gone();
      leave();
    };
  };
  socket.onclose = () => {
    place.leave();
    leave();
  };
  socket.onerror = () => {};
  return response;
}

/** The web's `close` takes 1000 and 3000 to 4999: the codes of RFC 6455 are moved up by 3000. */
function closeSocket(socket: WebSocket, code: number, reason: string): void {
  try {
    socket.close(code, reason);
  } catch {
    socket.close(3000 + code, reason);
  }
}

runProcess(serveDeno, {
  log: (level) => lineLog(level, (line) => console.error(line)),
  metrics: prometheusMetrics,
});
