/**
 * Loaded into a measured process before its own code: on SIGUSR2 it collects what is garbage and
 * writes what is left to the file of ZS_BENCH_MEMORY.
 */
import { renameSync, writeFileSync } from 'node:fs';

declare const Bun: { gc(isSync: boolean): void } | undefined;

const ROUNDS = 3;

function collect(): void {
  if (typeof Bun !== 'undefined') Bun.gc(true);
  // Checked border: Node has it with --expose-gc, and takes these options.
  const { gc } = globalThis as { gc?: (options: object) => void };
  gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}

process.on('SIGUSR2', () => {
  let left = ROUNDS;
  const round = (): void => {
    collect();
    left--;
    // What was freed may free more once its finalizers have run.
    if (left > 0) setTimeout(round, 100);
    else write();
  };
  round();
});

function write(): void {
  const path = process.env.ZS_BENCH_MEMORY;
  if (path === undefined) return;
  writeFileSync(`${path}.new`, JSON.stringify(process.memoryUsage()));
  renameSync(`${path}.new`, path);
}
