/** The structured log of the Node entry. */
import { pino } from 'pino';
import type { Log } from '../ports.ts';
import type { LogLevel } from './log-lines.ts';

export function pinoLog(level: LogLevel): Log {
  // stderr: what a start prints for its operator on stdout stays readable.
  const logger = pino({ level, base: null, messageKey: 'event' }, pino.destination(2));
  return {
    debug: (event, fields = {}) => logger.debug(fields, event),
    info: (event, fields = {}) => logger.info(fields, event),
    warn: (event, fields = {}) => logger.warn(fields, event),
    error: (event, fields = {}, err?: unknown) => logger.error({ ...fields, err }, event),
  };
}
