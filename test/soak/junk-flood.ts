/** Junk from a thread of its own, so that the honest client's clock measures the edge alone. */
import { once } from 'node:events';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import fc from 'fast-check';
import {
  faultOf,
  type JunkRequest,
  type JunkRoute,
  junkRequest,
  toInit,
} from '../../apps/edge/test-support/junk.ts';

interface FloodData {
  readonly url: string;
  readonly connections: number;
  readonly routes: readonly JunkRoute[];
  /** Different requests that the flood repeats. */
  readonly samples: number;
  readonly seed: number;
}

export interface FloodReport {
  readonly sent: number;
  /** Answers that no edge may give, and requests that got none. */
  readonly faults: readonly string[];
}

export interface Flood {
  stop(): Promise<FloodReport>;
}

/** Begins a flood: each connection sends its next junk as soon as the last is answered. */
export async function startFlood(data: FloodData): Promise<Flood> {
  const worker = new Worker(new URL('./junk-flood.ts', import.meta.url), { workerData: data });
  await once(worker, 'message');
  return {
    async stop() {
      const reported = once(worker, 'message');
      worker.postMessage('stop');
      // Checked border: this very file posts it.
      const [report] = (await reported) as [FloodReport];
      await worker.terminate();
      return report;
    },
  };
}

async function flood(data: FloodData, port: NonNullable<typeof parentPort>): Promise<void> {
  const arbitrary = fc.oneof(...data.routes.map((route) => junkRequest(route)));
  const samples = fc.sample(arbitrary, { seed: data.seed, numRuns: data.samples });
  let isOver = false;
  let sent = 0;
  const faults: string[] = [];
  const connection = async (from: number): Promise<void> => {
    for (let i = from; !isOver; i += data.connections) {
      const request = samples[i % samples.length];
      if (request === undefined) return;
      const fault = await send(data.url, request);
      sent++;
      if (sent === data.connections) port.postMessage('flooding');
      if (fault !== null && faults.length < 10) faults.push(`${request.path}: ${fault}`);
    }
  };
  port.once('message', () => {
    isOver = true;
  });
  await Promise.all(Array.from({ length: data.connections }, (_, i) => connection(i)));
  port.postMessage({ sent, faults } satisfies FloodReport);
}

async function send(url: string, request: JunkRequest): Promise<string | null> {
  try {
    const response = await fetch(`${url}${request.path}`, toInit(request));
    const fault = await faultOf(response);
    if (!response.bodyUsed) await response.arrayBuffer();
    return fault;
  } catch (error) {
    return String(error);
  }
}

if (parentPort !== null && workerData?.connections !== undefined) {
  await flood(workerData, parentPort);
}
