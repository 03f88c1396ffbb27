/** The edge on Node: wiring, signals and exit codes, nothing else. */
import { installedDocsScript } from '../adapters/docs-script.ts';
import { pinoLog } from '../adapters/log-pino.ts';
import { prometheusMetrics } from '../adapters/metrics-prometheus.ts';
import { EXIT_CONFIG, readConfig } from '../config.ts';
import { WrongLedgerKey } from '../ledger/genesis.ts';
import { serveNode } from './node-server.ts';
import { StartRefused, startWorker } from './worker.ts';

/** From the signal to the end, whatever is still going on. */
const DRAIN_MS = 10_000;

async function main(): Promise<void> {
  const read = readConfig(process.env);
  if (!read.ok) {
    for (const { name, detail } of read.mistakes) process.stderr.write(`${name} ${detail}\n`);
    process.exitCode = EXIT_CONFIG;
    return;
  }
  const config = read.value;
  const log = pinoLog(config.logLevel);
  const metrics = prometheusMetrics();
  const worker = await startWorker(config, { log, metrics, docsScript: installedDocsScript });
  const server = await serveNode(worker, config);
  // One line for whoever started this process: where to find it.
  process.stdout.write(`${JSON.stringify({ event: 'listening', url: server.url })}\n`);
  const stop = async (signal: string) => {
    log.info('stopping', { signal });
    setTimeout(() => {
      log.warn('not drained in time');
      process.exit(1);
    }, DRAIN_MS).unref();
    worker.drain();
    const answered = server.close();
    await worker.stopLinks();
    await answered;
    await worker.stop();
    log.info('stopped');
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      stop(signal).catch((error: unknown) => {
        log.error('stop failed', {}, error);
        process.exit(1);
      });
    });
  }
}

main().catch((error: unknown) => {
  const isRefused = error instanceof StartRefused || error instanceof WrongLedgerKey;
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`${isRefused ? error.message : message}\n`);
  process.exit(isRefused ? EXIT_CONFIG : 1);
});
