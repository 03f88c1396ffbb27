/**
 * The main job in a process of its own, over HTTP like any caller.
 *
 *     node scripts/start/main-job.ts --edge URL --state DIR [--once]
 *
 * Real input: the repository's README becomes a page, a fractal becomes a thumbnail, the page gets
 * a digest. With --once only the first. Lines for people on stderr, one JSON object on stdout.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Client, connectFromState, createKeyFile, systemRng } from '@zerostate/sdk/node';
import { type JobReport, type JobResult, runJob } from './job.ts';

const ROOT = join(import.meta.dirname, '../..');
/** Play money of the local network: enough for any of the jobs, and what is topped up to. */
const FUND = 100_000_000n;
const BUDGET = 5_000_000n;
const elapsed = () => performance.now();

function say(step: string, tookMs: number, proof: string): void {
  console.error(`  ${step.padEnd(8)} ${tookMs.toFixed(1).padStart(9)} ms  ${proof}`);
}

async function connect(edge: string, state: string): Promise<Client> {
  const key = await createKeyFile(state, systemRng);
  if (!key.ok && key.code !== 'key-exists') throw new Error(key.detail ?? key.code);
  const client = await connectFromState(edge, state);
  if (!client.ok) throw new Error(`${client.code}: ${client.detail ?? ''}`);
  const account = await client.value.edge.account(client.value.did);
  if (!account.ok) throw new Error(account.code);
  if (BigInt(account.value.available) < FUND / 2n) {
    const paid = await client.value.edge.faucet(FUND);
    if (!paid.ok) throw new Error(`faucet: ${paid.code}`);
  }
  await settleEarlier(client.value);
  return client.value;
}

/** What an interrupted job still owes leaves its channel first: the next counts its own price alone. */
async function settleEarlier(client: Client): Promise<void> {
  for (const { ch, budget } of await client.wallet.channels()) {
    if (budget.phase === 'closed') continue;
    const closed = await client.closeChannel(ch);
    if (!closed.ok) console.error(`  channel ${ch} stays open: ${closed.code}`);
  }
}

async function piece(client: Client, query: string, input: Uint8Array): Promise<JobResult> {
  console.error(`\n${query}`);
  const result = await runJob(client, { query, input, budget: BUDGET, say, elapsed });
  if (!result.ok) console.error(`  ${result.step} failed: ${result.why}`);
  return result;
}

/** Every piece in turn; the first that fails ends the job. */
async function job(client: Client, once: boolean, out: string): Promise<JobReport[] | null> {
  const readme = await readFile(join(ROOT, 'README.md'));
  const page = await piece(client, 'Render a Markdown README to HTML', readme);
  if (!page.ok) return null;
  await writeFile(join(out, 'README.html'), page.output);
  if (once) return [page.report];
  const picture = await piece(client, 'Draw a Mandelbrot fractal as a PNG', new Uint8Array());
  if (!picture.ok) return null;
  const small = await piece(client, 'Make a thumbnail of a PNG picture', picture.output);
  if (!small.ok) return null;
  await writeFile(join(out, 'thumbnail.png'), small.output);
  const digest = await piece(client, 'SHA-256 checksum of a file', page.output);
  if (!digest.ok) return null;
  const said = new TextDecoder().decode(digest.output);
  const expected = createHash('sha256').update(page.output).digest('hex');
  if (!said.includes(expected)) {
    console.error(`  the digest is wrong: ${said}`);
    return null;
  }
  return [page, picture, small, digest].map(({ report }) => report);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      edge: { type: 'string' },
      state: { type: 'string' },
      once: { type: 'boolean', default: false },
    },
  });
  if (values.edge === undefined || values.state === undefined) {
    console.error('Usage: main-job.ts --edge URL --state DIR [--once]');
    return 2;
  }
  const start = elapsed();
  const client = await connect(values.edge, values.state);
  const out = join(values.state, 'out');
  await mkdir(out, { recursive: true });
  try {
    const reports = await job(client, values.once, out);
    const [first] = reports ?? [];
    if (reports === null || first === undefined) return 1;
    const total = Math.round(elapsed() - start);
    const { timings_ms, ...rest } = first;
    const also = reports.slice(1);
    console.log(
      JSON.stringify({
        ...rest,
        timings_ms: { ...timings_ms, total },
        ...(also.length === 0 ? {} : { also }),
        out,
      }),
    );
    return 0;
  } finally {
    await client.close();
  }
}

process.exitCode = await main();
