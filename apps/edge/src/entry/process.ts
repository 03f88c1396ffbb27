/** What a process around the edge does on Node, Bun and Deno: configuration, signals, exit codes. */
import process from 'node:process';
import { installedDocsScript } from '../adapters/docs-script.ts';
import type { LogLevel } from '../adapters/log-lines.ts';
import { EXIT_CONFIG, readConfig } from '../config.ts';
import { WrongLedgerKey } from '../ledger/genesis.ts';
import type { Log, Metrics } from '../ports.ts';
import { StartRefused, startWorker, type Worker } from './worker.ts';

/** A listener of one runtime. */
export type Server = {
  url: string;
  /** Takes no new connections and resolves when the last request is answered. */
  close(): Promise<void>;
};

export type Serve = (
  worker: Pick<Worker, 'app' | 'links'>,
  at: { host: string; port: number },
) => Promise<Server>;

/** From the signal to the end, whatever is still going on. */
const DRAIN_MS = 10_000;

/** Runs the edge until SIGTERM or SIGINT. Exit 0 when drained, 78 when the configuration is wrong. */
export function runProcess(
  serve: Serve,
  runtime: { log: (level: LogLevel) => Log; metrics: () => Metrics },
): void {
  start(serve, runtime).catch((error: unknown) => {
    const isRefused = error instanceof StartRefused || error instanceof WrongLedgerKey;
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`${isRefused ? error.message : message}\n`);
    process.exit(isRefused ? EXIT_CONFIG : 1);
  });
}

async function start(serve: Serve, runtime: Parameters<typeof runProcess>[1]): Promise<void> {
  const read = readConfig(process.env);
  if (!read.ok) {
    for (const { name, detail } of read.mistakes) process.stderr.write(`${name} ${detail}\n`);
    process.exit(EXIT_CONFIG);
  }
  const config = read.value;
  const log = runtime.log(config.logLevel);
  const worker = await startWorker(config, {
    log,
    metrics: runtime.metrics(),
    docsScript: installedDocsScript,
  });
  const server = await serve(worker, config);
  // One line for whoever started this process: where to find it.
  process.stdout.write(`${JSON.stringify({ event: 'listening', url: server.url })}\n`);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      stop(worker, server, log).catch((error: unknown) => {
        log.error('stop failed', {}, error);
        process.exit(1);
      });
    });
  }
}

async function stop(worker: Worker, server: Server, log: Log): Promise<void> {
  log.info('stopping');
  setTimeout(() => {
    log.warn('not drained in time');
    process.exit(1);
  }, DRAIN_MS);
  worker.drain();
  // In this order: nothing new comes in, links say goodbye, the last answers go out, then the disk.
  const answered = server.close();
  await worker.stopLinks();
  await answered;
  await worker.stop();
  log.info('stopped');
  process.exit(0);
}
