/** What a workerd isolate holds, by the inspector of wrangler dev. */
import { setTimeout as pause } from 'node:timers/promises';

/** Answer of `Runtime.getHeapUsage` (Chrome DevTools Protocol), bytes. */
export interface HeapUsage {
  /** JavaScript objects, and what the engine has reserved for them. */
  readonly usedSize: number;
  readonly totalSize: number;
  /** Array buffers and strings outside of that heap; wasm memory too on Node, not in workerd. */
  readonly backingStorageSize: number;
}

export interface Peak {
  /** JavaScript heap and backing storage together, the most that was seen and the last. */
  readonly bytes: number;
  readonly lastBytes: number;
  readonly at: HeapUsage;
}

export interface Isolate {
  /** When the inspector first answered. */
  readonly startedAt: number;
  close(): Promise<Peak>;
}

const LOOK_MS = 20;
const OPEN_MS_MAX = 90_000;

/** Waits for the worker and asks it again and again, also while it loads. */
export async function watchIsolate(port: number): Promise<Isolate> {
  const socket = await connect(port);
  const startedAt = Date.now();
  let peak = { bytes: 0, lastBytes: 0, at: { usedSize: 0, totalSize: 0, backingStorageSize: 0 } };
  let isOver = false;
  const watching = (async () => {
    for (let id = 1; !isOver; id++) {
      const at = await heapUsage(socket, id);
      const bytes = at.usedSize + at.backingStorageSize;
      peak = bytes > peak.bytes ? { bytes, lastBytes: bytes, at } : { ...peak, lastBytes: bytes };
      await pause(LOOK_MS);
    }
  })();
  return {
    startedAt,
    async close() {
      isOver = true;
      await watching;
      socket.close();
      return peak;
    },
  };
}

async function connect(port: number): Promise<WebSocket> {
  for (const end = Date.now() + OPEN_MS_MAX; Date.now() < end; await pause(LOOK_MS)) {
    const targets = await listTargets(port);
    const url = targets[0];
    if (url === undefined) continue;
    // Checked border: Node's constructor takes headers, the browser's type does not know them.
    const options = { headers: { origin: 'http://localhost' } } as unknown as string;
    const socket = new WebSocket(url, options);
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.addEventListener('open', () => resolve(true));
      socket.addEventListener('error', () => resolve(false));
    });
    if (isOpen) return socket;
  }
  throw new Error(`no inspector on port ${port}`);
}

async function listTargets(port: number): Promise<string[]> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/json`);
    const targets = (await response.json()) as { webSocketDebuggerUrl: string }[];
    return targets.map(({ webSocketDebuggerUrl }) => webSocketDebuggerUrl);
  } catch {
    return [];
  }
}

function heapUsage(socket: WebSocket, id: number): Promise<HeapUsage> {
  return new Promise((resolve, reject) => {
    const onMessage = ({ data }: MessageEvent) => {
      const answer = JSON.parse(String(data)) as { id?: number; result?: HeapUsage };
      if (answer.id !== id) return;
      socket.removeEventListener('message', onMessage);
      if (answer.result === undefined) reject(new Error(String(data)));
      else resolve(answer.result);
    };
    socket.addEventListener('message', onMessage);
    socket.send(JSON.stringify({ id, method: 'Runtime.getHeapUsage' }));
  });
}
