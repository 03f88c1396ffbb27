/** The command line of `npm start`. */
import { parseArgs } from 'node:util';

export const USAGE = `Usage: npm start -- [options]

Starts a local network (an edge, three executor nodes), runs the main job once before your eyes,
and stays up until Ctrl-C.

  --once         run the main job once and stop; exit 0 only if every step was verified
  --json         print one JSON object on stdout, messages on stderr (with --once)
  --port N       port of the edge (default 8787; the next free one if it is taken)
  --state DIR    where databases, keys and logs live (default ./.zerostate)
  --workers      run the edge in workerd through wrangler instead of Node
  --help

Examples:
  npm start
  npm start -- --once --json
  npm start -- --port 9000 --state /var/lib/zerostate`;

export interface StartOptions {
  readonly once: boolean;
  readonly json: boolean;
  readonly workers: boolean;
  readonly port: number;
  readonly state: string;
}

export type Parsed =
  | { readonly ok: true; readonly options: StartOptions }
  | { readonly ok: false; readonly help: boolean; readonly message: string };

export function parseOptions(args: readonly string[]): Parsed {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        once: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        workers: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
        port: { type: 'string', default: '8787' },
        state: { type: 'string', default: '.zerostate' },
      },
    });
    if (values.help) return { ok: false, help: true, message: USAGE };
    const port = Number(values.port);
    if (!Number.isInteger(port) || port < 0 || port > 65_535) {
      return { ok: false, help: false, message: `--port ${values.port} is not a port` };
    }
    const { once, json, workers, state } = values;
    return { ok: true, options: { once, json, workers, port, state } };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { ok: false, help: false, message: `${message}\n\n${USAGE}` };
  }
}
