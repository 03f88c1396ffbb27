/** A structured log of JSON lines through the console: what every platform collects. */
import type { Log, LogFields } from '../ports.ts';

const LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LEVELS)[number];

export function lineLog(level: LogLevel, write: (line: string) => void): Log {
  const least = LEVELS.indexOf(level);
  const at = (own: LogLevel) => {
    if (LEVELS.indexOf(own) < least) return () => {};
    return (event: string, fields: LogFields = {}, error?: unknown) => {
      const time = new Date().toISOString();
      write(JSON.stringify({ level: own, time, event, ...fields, ...describe(error) }));
    };
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function describe(error: unknown): Record<string, string> {
  if (error === undefined) return {};
  if (!(error instanceof Error)) return { error: String(error) };
  return { error: error.message, stack: error.stack ?? '' };
}
