/**
 * A libSQL server for local work and tests: Hrana 2 and 3 over HTTP in JSON, around the embedded
 * library. `wrangler dev` and the workerd tests speak to it as to any libSQL server.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { cursorBody, pipelineBody } from './hrana-messages.ts';
import { HranaStream, toHranaError } from './hrana-stream.ts';
import { LibsqlConnection } from './libsql-connection.ts';

export type HranaOptions = {
  /** Path of the database file. A memory database would be another one on each stream. */
  file: string;
  synchronous: 'full' | 'normal';
  host?: string;
  /** 0 takes any free port. */
  port?: number;
  /** When given, every request must bear it. */
  authToken?: string;
};

export type HranaServer = { url: string; close(): Promise<void> };

/** A stream that nobody continues is rolled back after this. */
const IDLE_MS = 10_000;
const STREAMS_MAX = 128;
/** Connections kept open for the next stream. */
const POOL_MAX = 16;
/** A batch that stores an 8 MiB blob in base64 fits. */
const BODY_BYTES_MAX = 16 * 1024 * 1024;

/** Listens on 127.0.0.1 by default. */
export async function startHranaServer(options: HranaOptions): Promise<HranaServer> {
  const host = options.host ?? '127.0.0.1';
  const streams = new Streams(options);
  const server = createServer((request, response) => {
    void serve({ request, response, streams, options });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP address');
  return {
    url: `http://${host}:${address.port}`,
    async close() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      streams.close();
    },
  };
}

type Exchange = {
  request: IncomingMessage;
  response: ServerResponse;
  streams: Streams;
  options: HranaOptions;
};

async function serve({ request, response, streams, options }: Exchange): Promise<void> {
  try {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    if (!isAuthorized(request, options.authToken)) {
      return send(response, 401, { message: 'a bearer token is needed', code: 'UNAUTHORIZED' });
    }
    if (request.method === 'GET' && /^\/(v2|v3)?\/?$/.test(path)) return send(response, 200, {});
    const kind = /^\/v[23]\/(pipeline|cursor)$/.exec(path)?.[1];
    if (kind === undefined || request.method !== 'POST') {
      return send(response, 404, { message: 'no such endpoint', code: 'NOT_FOUND' });
    }
    const body = await readBody(request);
    if (body === null) {
      return send(response, 413, { message: 'the body is too large', code: 'BODY_TOO_LARGE' });
    }
    if (kind === 'pipeline') await pipeline(body, streams, response);
    else await cursor(body, streams, response);
  } catch (error) {
    if (!response.headersSent) send(response, 400, toHranaError(error));
    else response.destroy();
  }
}

async function pipeline(body: unknown, streams: Streams, response: ServerResponse): Promise<void> {
  const { baton, requests } = pipelineBody.parse(body);
  const stream = streams.take(baton ?? null);
  if (typeof stream === 'string') return refuseStream(response, stream);
  let closed = false;
  const results: unknown[] = [];
  for (const request of requests) {
    closed ||= request.type === 'close';
    try {
      results.push({ type: 'ok', response: await stream.answer(request) });
    } catch (error) {
      results.push({ type: 'error', error: toHranaError(error) });
    }
  }
  send(response, 200, { baton: streams.put(stream, closed), base_url: null, results });
}

/** Hrana 3: the results of one batch as newline-delimited JSON. */
async function cursor(body: unknown, streams: Streams, response: ServerResponse): Promise<void> {
  const { baton, batch } = cursorBody.parse(body);
  const stream = streams.take(baton ?? null);
  if (typeof stream === 'string') return refuseStream(response, stream);
  const result = await stream.batch(batch);
  const lines: unknown[] = [{ baton: streams.put(stream, false), base_url: null }];
  for (const [step, done] of result.step_results.entries()) {
    const error = result.step_errors[step];
    if (error) lines.push({ type: 'step_error', step, error });
    if (done === null) continue;
    lines.push({ type: 'step_begin', step, cols: done.cols });
    lines.push(...done.rows.map((row) => ({ type: 'row', row })));
    const { affected_row_count, last_insert_rowid } = done;
    lines.push({ type: 'step_end', affected_row_count, last_insert_rowid });
  }
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.end(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

function refuseStream(response: ServerResponse, code: 'BATON_UNKNOWN' | 'STREAMS_FULL'): void {
  const status = code === 'STREAMS_FULL' ? 503 : 400;
  send(response, status, { message: 'this stream cannot be had', code });
}

/** Streams between two requests, by the baton that continues each; a baton is used once. */
class Streams {
  readonly #options: HranaOptions;
  readonly #waiting = new Map<string, { stream: HranaStream; timer: NodeJS.Timeout }>();
  readonly #idle: HranaStream[] = [];
  #open = 0;
  #closed: boolean = false;

  constructor(options: HranaOptions) {
    this.#options = options;
  }

  take(baton: string | null): HranaStream | 'BATON_UNKNOWN' | 'STREAMS_FULL' {
    if (baton !== null) {
      const held = this.#waiting.get(baton);
      if (held === undefined) return 'BATON_UNKNOWN';
      clearTimeout(held.timer);
      this.#waiting.delete(baton);
      return held.stream;
    }
    if (this.#open >= STREAMS_MAX) return 'STREAMS_FULL';
    this.#open += 1;
    const { file, synchronous } = this.#options;
    return this.#idle.pop() ?? new HranaStream(new LibsqlConnection(file, synchronous));
  }

  /** The baton for the next request, or null when the client has closed the stream. */
  put(stream: HranaStream, closed: boolean): string | null {
    if (closed || this.#closed) {
      this.#release(stream);
      return null;
    }
    const baton = randomBytes(24).toString('base64url');
    const timer = setTimeout(() => {
      this.#waiting.delete(baton);
      this.#release(stream);
    }, IDLE_MS);
    timer.unref();
    this.#waiting.set(baton, { stream, timer });
    return baton;
  }

  close(): void {
    this.#closed = true;
    for (const { stream, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      this.#release(stream);
    }
    this.#waiting.clear();
    for (const stream of this.#idle.splice(0)) stream.connection.close();
  }

  #release(stream: HranaStream): void {
    this.#open -= 1;
    stream.reset();
    if (this.#closed || this.#idle.length >= POOL_MAX) stream.connection.close();
    else this.#idle.push(stream);
  }
}

function isAuthorized(request: IncomingMessage, token: string | undefined): boolean {
  if (token === undefined) return true;
  const given = Buffer.from(request.headers.authorization ?? '');
  const expected = Buffer.from(`Bearer ${token}`);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** The parsed body; null when it is too long. Throws on what is not JSON. */
async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError('the body is not bytes');
    length += chunk.length;
    if (length > BODY_BYTES_MAX) return null;
    chunks.push(Buffer.from(chunk));
  }
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
