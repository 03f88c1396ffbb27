#!/usr/bin/env node
/** The command `zs`: wires the process to the program, and nothing else. */
import { writeSync } from 'node:fs';
import { EXIT } from './exit.ts';
import { runProgram } from './program.ts';

const abort = new AbortController();
process.on('SIGINT', () => {
  // The first one ends the waiting in good order; who insists gets out at once.
  if (abort.signal.aborted) process.exit(EXIT.interrupted);
  abort.abort();
});
process.on('SIGTERM', () => abort.abort());

process.exitCode = await runProgram(process.argv.slice(2), {
  stdin: process.stdin,
  out: (data) => write(1, data),
  err: (line) => write(2, `${line}\n`),
  isTerminal: process.stderr.isTTY === true,
  env: process.env,
  signal: abort.signal,
});

/** Writes all of it before it returns, so that no exit can cut it off. */
function write(fd: number, data: string | Uint8Array): void {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (cause) {
      const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
      // Whoever reads the pipe has seen enough.
      if (code === 'EPIPE') process.exit(EXIT.ok);
      if (code !== 'EAGAIN') throw cause;
    }
  }
}
