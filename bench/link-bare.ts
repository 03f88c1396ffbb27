/** The peer of the link bench: the runtime's usual WebSocket server, which answers pings. */
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

type BareBun = {
  serve(options: object): { port: number };
};
declare const Bun: BareBun | undefined;

const PING = '{"t":"ping"}';
const PONG = '{"t":"pong"}';
const HOST = '127.0.0.1';

/** One line for whoever started this process, as the edge says it. */
function listening(port: number): void {
  process.stdout.write(
    `${JSON.stringify({ event: 'listening', url: `http://${HOST}:${port}` })}\n`,
  );
}

if (typeof Bun === 'undefined') {
  const server = createServer();
  const sockets = new WebSocketServer({ server, perMessageDeflate: false, clientTracking: false });
  sockets.on('connection', (socket) => {
    socket.on('message', (data) => {
      if (String(data) === PING) socket.send(PONG);
    });
  });
  server.listen(0, HOST, () => {
    const address = server.address();
    if (typeof address === 'object' && address !== null) listening(address.port);
  });
} else {
  type Socket = { send(text: string): void };
  const { port } = Bun.serve({
    hostname: HOST,
    port: 0,
    fetch: (request: Request, self: { upgrade(request: Request): boolean }) =>
      self.upgrade(request) ? undefined : new Response(null, { status: 426 }),
    websocket: {
      perMessageDeflate: false,
      message: (socket: Socket, message: unknown) => {
        if (message === PING) socket.send(PONG);
      },
    },
  });
  listening(port);
}
