import { createServer, type Server } from 'node:http';
import type { Mesh } from '@zerostate/mesh';

type Status = ReturnType<Mesh['status']>;

/** A relay's counts in the text format of Prometheus (exposition format 0.0.4). */
export function relayMetrics(status: Status): string {
  const { relay, peers, condemned, counters } = status;
  const lines = [
    ...family('zerostate_relay_connections', 'gauge', [['', peers.length]]),
    ...family('zerostate_relay_reservations', 'gauge', [['', relay?.reservations ?? 0]]),
    ...family('zerostate_relay_circuits', 'gauge', [['', relay?.circuits ?? 0]]),
    ...family('zerostate_relay_bytes_total', 'counter', [['', relay?.bytes ?? 0]]),
    ...family('zerostate_relay_peers', 'gauge', [['', relay?.peers ?? 0]]),
    ...family('zerostate_relay_condemned_total', 'counter', [['', condemned]]),
    ...family('zerostate_relay_refused_total', 'counter', labelled('reason', relay?.refused ?? {})),
    ...family('zerostate_mesh_events_total', 'counter', labelled('event', counters)),
  ];
  return `${lines.join('\n')}\n`;
}

function labelled(label: string, counts: Record<string, number>): [string, number][] {
  return Object.entries(counts).map(([name, count]) => [`{${label}="${name}"}`, count]);
}

function family(name: string, type: string, values: [string, number][]): string[] {
  if (values.length === 0) return [];
  return [
    `# TYPE ${name} ${type}`,
    ...values.map(([labels, value]) => `${name}${labels} ${value}`),
  ];
}

/** Serves `/metrics` on loopback; the port that was given, or a free one for 0. */
export async function serveMetrics(
  port: number,
  text: () => string,
): Promise<{ url: string; close: () => Promise<void> }> {
  const server: Server = createServer((request, response) => {
    const isMetrics = request.method === 'GET' && request.url === '/metrics';
    response.writeHead(isMetrics ? 200 : 404, { 'content-type': 'text/plain; version=0.0.4' });
    response.end(isMetrics ? text() : 'metrics are at /metrics\n');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://127.0.0.1:${bound}/metrics`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
