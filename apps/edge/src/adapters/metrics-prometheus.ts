/** Metrics by prom-client, for runtimes with a process to scrape. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { METRICS } from '../observe/metrics-names.ts';
import type { Metrics } from '../ports.ts';

/** Seconds: a signature check takes some 0.2 ms, a caller waits up to 30 s. */
const BUCKETS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
  30,
];

type Series = Counter | Gauge | Histogram;

export function prometheusMetrics(): Metrics {
  const registry = new Registry();
  const series = new Map<string, Series>();
  for (const [name, { kind, help, labels, buckets = BUCKETS }] of Object.entries(METRICS)) {
    const options = { name, help, labelNames: [...labels], registers: [registry] };
    if (kind === 'counter') series.set(name, new Counter(options));
    else if (kind === 'gauge') series.set(name, new Gauge(options));
    else series.set(name, new Histogram({ ...options, buckets: [...buckets] }));
  }
  const find = (name: string): Series => {
    const found = series.get(name);
    if (found === undefined) throw new Error(`metric ${name} has no row in METRICS`);
    return found;
  };
  return {
    count(name, labels = {}, by = 1) {
      const counter = find(name);
      if (counter instanceof Counter) counter.inc({ ...labels }, by);
    },
    gauge(name, value, labels = {}) {
      const gauge = find(name);
      if (gauge instanceof Gauge) gauge.set({ ...labels }, value);
    },
    observe(name, value, labels = {}) {
      const histogram = find(name);
      if (histogram instanceof Histogram) histogram.observe({ ...labels }, value);
    },
    time(name, labels = {}) {
      const histogram = find(name);
      const stop = histogram instanceof Histogram ? histogram.startTimer({ ...labels }) : null;
      return () => void stop?.();
    },
    render: () => registry.metrics(),
  };
}
