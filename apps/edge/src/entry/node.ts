/** The edge on Node. */
import { pinoLog } from '../adapters/log-pino.ts';
import { prometheusMetrics } from '../adapters/metrics-prometheus.ts';
import { serveNode } from './node-server.ts';
import { runProcess } from './process.ts';

runProcess(serveNode, { log: pinoLog, metrics: prometheusMetrics });
