/** A small load generator: keep-alive connections that each have one request under way. */
import { Agent, request } from 'node:http';
import { quantile } from './report.ts';

export interface Load {
  readonly url: string;
  readonly method?: 'GET' | 'POST';
  /** The body of the n-th request. */
  readonly body?: (n: number) => string;
  readonly connections: number;
  readonly forMs: number;
}

export interface LoadResult {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Asks until the time is over; any answer but 200 ends the bench. */
export async function load(options: Load): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: options.connections });
  const took: number[] = [];
  const begin = performance.now();
  const until = begin + options.forMs;
  let n = 0;
  const ask = async (): Promise<void> => {
    while (performance.now() < until) {
      const start = performance.now();
      await once(agent, options, n++);
      took.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: options.connections }, ask));
  const seconds = (performance.now() - begin) / 1000;
  agent.destroy();
  return {
    perSecond: took.length / seconds,
    p50Ms: quantile(took, 0.5),
    p99Ms: quantile(took, 0.99),
  };
}

function once(agent: Agent, { url, method = 'GET', body }: Load, n: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const payload = body?.(n);
    const headers =
      payload === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) };
    const asked = request(url, { agent, method, headers }, (answer) => {
      answer.resume();
      answer.once('end', () => {
        if (answer.statusCode === 200) resolve();
        else reject(new Error(`${method} ${url}: ${answer.statusCode}`));
      });
    });
    asked.once('error', reject);
    asked.end(payload);
  });
}
