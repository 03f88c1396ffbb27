/** A real HTTP server on a free port, for tests. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Seen = { method: string; path: string; headers: IncomingHttpHeaders; body: Buffer };
export type Handler = (seen: Seen, response: ServerResponse) => void;

export interface TestServer {
  url: string;
  seen: Seen[];
  /** Resolves at the next request whose path has this part. */
  asked(part: string): Promise<void>;
  stop(): Promise<void>;
}

export async function startServer(handler: Handler): Promise<TestServer> {
  const seen: Seen[] = [];
  const waiting: { part: string; resolve: () => void }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      const entry = { method, path, headers, body: Buffer.concat(chunks) };
      seen.push(entry);
      for (const { part, resolve } of waiting) if (path.includes(part)) resolve();
      handler(entry, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // Checked border: a TCP server's address is an AddressInfo.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    asked: (part) => new Promise((resolve) => waiting.push({ part, resolve })),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function answer(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  const type = status < 400 ? 'application/json' : 'application/problem+json';
  response.writeHead(status, { 'content-type': type, ...headers });
  response.end(JSON.stringify(body));
}

export function problem(status: number, code: string, detail?: string) {
  return {
    type: 'about:blank',
    title: code,
    status,
    code,
    ...(detail === undefined ? {} : { detail }),
  };
}
