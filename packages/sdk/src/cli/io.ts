import { readFile, writeFile } from 'node:fs/promises';
import { CommandFailure } from './exit.ts';

/** The terminal as the commands see it. */
export interface Terminal {
  readonly stdin: AsyncIterable<unknown>;
  out(data: string | Uint8Array): void;
  err(line: string): void;
  /** Whether a person watches standard error. */
  readonly isTerminal: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

/** Bytes of a file, or of standard input for `-`. */
export async function readInput(terminal: Terminal, path: string): Promise<Uint8Array> {
  if (path === '-') return readAll(terminal.stdin);
  try {
    return await readFile(path);
  } catch (cause) {
    throw new CommandFailure('input-unreadable', `cannot read ${path}: ${reason(cause)}`);
  }
}

async function readAll(stream: AsyncIterable<unknown>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) {
    if (chunk instanceof Uint8Array) chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** Bytes into a file, or to standard output for `-`. */
export async function writeOutput(
  terminal: Terminal,
  path: string,
  data: string | Uint8Array,
): Promise<void> {
  if (path === '-') {
    terminal.out(data);
    return;
  }
  try {
    await writeFile(path, data);
  } catch (cause) {
    throw new CommandFailure('output-unwritable', `cannot write ${path}: ${reason(cause)}`);
  }
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** One JSON document for programs, or text for people. */
export function show(terminal: Terminal, json: boolean, value: unknown, text: () => string): void {
  terminal.out(json ? `${JSON.stringify(value, null, 2)}\n` : text());
}

/** Rows under a heading, columns as wide as their widest cell; the last one is not padded. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join('  ');
  return `${rows.map(line).join('\n')}\n`;
}

/** A stranger's text on one line, without control characters that would move the cursor. */
export function plain(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ');
}
