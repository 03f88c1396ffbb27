/** Builds the whole search index anew: `npm run index:build -- --help`. */
import { parseArgs } from 'node:util';
import { Int8Hnsw, ngramHash384 } from '@zerostate/discovery';
import { loadEncoder } from '@zerostate/discovery/encoder/load';
import { loadInt8Hnsw } from '@zerostate/discovery/load';
import { commandTimers } from '../apps/edge/src/adapters/command-timers.ts';
import { openDatabase } from '../apps/edge/src/adapters/libsql.ts';
import { fileSnapshotStore } from '../apps/edge/src/adapters/snapshots-files.ts';
import { systemClock, systemRng } from '../apps/edge/src/adapters/system.ts';
import type { Log } from '../apps/edge/src/ports.ts';
import { type BuildProgress, buildSnapshot } from '../apps/edge/src/search/build.ts';
import { DELTA_DEFAULT } from '../apps/edge/src/search/ports.ts';
import { rowSnapshotStore } from '../apps/edge/src/search/snapshot-rows.ts';

const HELP = `Usage: npm run index:build -- [--json] [--quiet]

Reads every card of the directory, builds the search index from nothing and writes it as the newest
snapshot. Workers take it up by themselves. Run it after changing the embedder, or to give back the
room of cards that were replaced; new cards alone need no command.

Environment
  DIRECTORY_URL    database of the directory: a file:, http(s): or libsql: URL
  DIRECTORY_TOKEN  its bearer token
  INDEX_STORE      where snapshots lie: rows (the default), or file: and a folder
  SEMANTIC         off: leave the second vectors alone; they need npm run build:encoder

Options
  --json   one JSON object on stdout: {"outcome", "id", "rev", "cards", "shards", "ms"}
  --quiet  no progress on stderr
  --help   this text

Exit code 0 when the snapshot is written, 1 when it is not, 2 for a wrong option, 75 while another
worker builds.`;

const EXIT_BUSY = 75;
const SAY_MS = 1_000;

type Options = { json: boolean; quiet: boolean; help: boolean };

function readOptions(): Options {
  const flag = { type: 'boolean', default: false } as const;
  try {
    return parseArgs({ options: { json: flag, quiet: flag, help: flag } }).values;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exit(2);
  }
}

const quietly = () => {};
const log: Log = {
  debug: quietly,
  info: quietly,
  warn: (event, fields) => console.error(event, fields),
  error: (event, fields, error) => console.error(event, fields, error),
};

function progress(quiet: boolean): (progress: BuildProgress) => void {
  let saidAt = 0;
  let saidOf = '';
  return ({ step, done }) => {
    const now = systemClock.now();
    if (quiet || (step === saidOf && now - saidAt < SAY_MS)) return;
    saidAt = now;
    saidOf = step;
    const what = step === 'write' ? 'chunks' : 'cards';
    console.error(`${step}: ${done} ${what}`);
  };
}

async function run({ json, quiet }: Options): Promise<number> {
  const url = process.env.DIRECTORY_URL ?? '';
  if (url === '') {
    console.error('DIRECTORY_URL is not set');
    return 1;
  }
  const authToken = process.env.DIRECTORY_TOKEN;
  const store = process.env.INDEX_STORE ?? 'rows';
  const module = await loadInt8Hnsw();
  const encoder = process.env.SEMANTIC === 'off' ? null : await loadEncoder();
  const directory = openDatabase({ url, authToken, synchronous: 'normal' });
  const startedAt = systemClock.now();
  try {
    const search = {
      embedder: ngramHash384,
      ...(encoder?.ok === true ? { semantic: encoder.encoder } : {}),
      engine: (dims: number, capacity: number) => new Int8Hnsw({ module, dims, capacity }),
      snapshots: store.startsWith('file:')
        ? fileSnapshotStore(store.slice('file:'.length))
        : rowSnapshotStore(directory),
      timers: commandTimers,
      delta: DELTA_DEFAULT,
    };
    const deps = { directory, clock: systemClock, rng: systemRng, log, search };
    const built = await buildSnapshot(deps, { full: true, progress: progress(quiet) });
    if (built.outcome !== 'written') {
      console.error('another worker builds: try again in a minute');
      return EXIT_BUSY;
    }
    const { id, rev, cards, shards } = built.snapshot;
    const ms = systemClock.now() - startedAt;
    const report = { outcome: built.outcome, id, rev, cards, shards: shards.length, ms };
    if (json) console.log(JSON.stringify(report));
    else console.log(`${cards} cards at rev ${rev} in ${shards.length} shards, ${ms} ms: ${id}`);
    return 0;
  } finally {
    await directory.close();
  }
}

const options = readOptions();
if (options.help) console.log(HELP);
else process.exitCode = await run(options);
