/** The edge on Bun. */
import { CONNECTIONS_MAX, FRAME_BYTES_MAX } from '@zerostate/shared';
import { lineLog } from '../adapters/log-lines.ts';
import { prometheusMetrics } from '../adapters/metrics-prometheus.ts';
import { createConnectionCap } from '../http/connection-cap.ts';
import type { LinkSession } from '../hub/link-session.ts';
import type { Place } from '../hub/links.ts';
import { runProcess, type Serve } from './process.ts';
import { isLinkUpgrade, problemResponse, waitForPlace } from './upgrade.ts';

type SocketData = {
  place: Place;
  leave: () => void;
  origin: string;
  session: LinkSession | null;
};
type BunSocket = {
  data: SocketData;
  send(text: string): void;
  close(code: number, reason: string): void;
};
type BunServer = {
  url: URL;
  requestIP(request: Request): { address: string } | null;
  upgrade(request: Request, options: { data: SocketData }): boolean;
  stop(): Promise<void>;
};
type BunOptions = {
  hostname: string;
  port: number;
  idleTimeout: number;
  maxRequestBodySize: number;
  fetch(request: Request, server: BunServer): Promise<Response | undefined>;
  websocket: {
    maxPayloadLength: number;
    perMessageDeflate: boolean;
    open(socket: BunSocket): void;
    message(socket: BunSocket, message: string | Uint8Array): void;
    close(socket: BunSocket): void;
  };
};
/** The part of Bun's own API that is used here. */
declare const Bun: { serve(options: BunOptions): BunServer };

/** Seconds: longer than the longest wait of a caller. */
const IDLE_S = 60;
/** A little more than the largest blob: past it Bun itself ends the request. */
const BODY_MAX = 16_777_216;

const serveBun: Serve = async ({ app, links }, { host, port }) => {
  const cap = createConnectionCap(CONNECTIONS_MAX);
  const upgrade = async (request: Request, address: string, self: BunServer) => {
    const leave = cap.enter();
    if (leave === null) return problemResponse('busy');
    const forwardedFor = request.headers.get('x-forwarded-for');
    const place = await waitForPlace(links, { address, forwardedFor });
    if (place === null) {
      leave();
      return problemResponse('busy');
    }
    const { origin } = new URL(request.url);
    if (self.upgrade(request, { data: { place, leave, origin, session: null } })) return;
    place.leave();
    leave();
    return problemResponse('upgrade-required');
  };
  const server = Bun.serve({
    hostname: host,
    port,
    idleTimeout: IDLE_S,
    maxRequestBodySize: BODY_MAX,
    fetch(request, self) {
      const address = self.requestIP(request)?.address ?? '';
      if (!isLinkUpgrade(request)) {
        return cap.serve(
          () => app.fetch(request, { address }),
          () => problemResponse('busy'),
        );
      }
      return upgrade(request, address, self);
    },
    websocket: {
      maxPayloadLength: FRAME_BYTES_MAX * 2,
      perMessageDeflate: false,
      open(socket) {
        const { place, origin } = socket.data;
        socket.data.session = place.accept(socket, origin);
      },
      message: ({ data }, message) => data.session?.receive(message),
      close({ data }) {
        data.session?.gone();
        data.place.leave();
        data.leave();
      },
    },
  });
  return { url: server.url.origin, close: () => server.stop() };
};

runProcess(serveBun, {
  log: (level) => lineLog(level, (line) => console.error(line)),
  metrics: prometheusMetrics,
});
