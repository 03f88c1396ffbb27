/**
 * One piece of the main job, with its proof: find an agent, fund a channel, have the work done,
 * verify it, pay, close, and check that the ledger says what it should.
 */
import type { Client, RunValue } from '@zerostate/sdk';

export interface JobOptions {
  readonly query: string;
  readonly input: Uint8Array;
  /** The most it may cost, micro-units. */
  readonly budget: bigint;
  /** For people: one line a step. */
  readonly say: (step: string, tookMs: number, proof: string) => void;
  /** ms that only run forward. */
  readonly elapsed: () => number;
}

interface Standing {
  readonly n: number;
  readonly score: number;
}

export interface JobReport {
  readonly search: readonly { did: string; agent: string; name: string; score: number }[];
  readonly channel: string;
  readonly task: string;
  readonly receipt: string;
  readonly verified: boolean;
  readonly status: string;
  readonly gas: string;
  readonly pages: string;
  readonly price: string;
  readonly balances: {
    readonly before: { readonly caller: string; readonly executor: string };
    readonly after: { readonly caller: string; readonly executor: string };
  };
  /** Sum of all credits less sum of all debits: "0". */
  readonly conservation: string;
  readonly reputation: { readonly before: Standing; readonly after: Standing };
  readonly timings_ms: Readonly<Record<string, number>>;
}

export type JobResult =
  | { readonly ok: true; readonly report: JobReport; readonly output: Uint8Array }
  | { readonly ok: false; readonly step: string; readonly why: string };

class StepFailed extends Error {
  readonly step: string;
  constructor(step: string, why: string) {
    super(why);
    this.step = step;
  }
}

/** The value of an expected success; anything else ends the job with the step's name. */
function need<T>(
  step: string,
  result: { ok: true; value: T } | { ok: false; code: string; detail?: string },
): T {
  if (result.ok) return result.value;
  throw new StepFailed(step, `${result.code}${result.detail ? `: ${result.detail}` : ''}`);
}

function hold(step: string, holds: boolean, why: string): void {
  if (!holds) throw new StepFailed(step, why);
}

export async function runJob(client: Client, options: JobOptions): Promise<JobResult> {
  try {
    return await stepsOf(client, options);
  } catch (error) {
    if (error instanceof StepFailed) return { ok: false, step: error.step, why: error.message };
    throw error;
  }
}

async function stepsOf(client: Client, options: JobOptions): Promise<JobResult> {
  const timings: Record<string, number> = {};
  const timed = async <T>(step: string, work: () => Promise<T>, proof: (value: T) => string) => {
    const start = options.elapsed();
    const value = await work();
    timings[step] = options.elapsed() - start;
    options.say(step, timings[step], proof(value));
    return value;
  };
  const found = await timed(
    'search',
    async () => need('search', await client.search({ text: options.query, k: 5 })).results,
    (results) => `"${options.query}" finds ${results.map(({ name }) => name).join(', ')}`,
  );
  const best = found[0];
  if (best === undefined) throw new StepFailed('search', 'no agent was found');
  const before = await standing(client, best.did);
  const run = await timed(
    'run',
    () => work(client, options, best),
    (value) => `${value.agent.name}: ${value.status}, ${value.output.length} bytes`,
  );
  for (const [step, ms] of Object.entries(run.timings_ms)) timings[`run.${step}`] = ms;
  await timed(
    'verify',
    () => proveReceipt(client, run),
    () => `receipt ${short(run.receiptId)} holds: run again, same bytes, ${run.gas} gas`,
  );
  await timed(
    'settle',
    () => settle(client, run),
    () => `channel ${short(run.ch)} closed, ${run.price} micro-units moved`,
  );
  const after = await standing(client, best.did);
  checkLedger(run, before, after);
  options.say('ledger', 0, `credits - debits = ${after.conservation}; reputation ${after.score}`);
  return { ok: true, output: run.output, report: reportOf(found, run, before, after, timings) };
}

async function work(
  client: Client,
  { query, input, budget }: JobOptions,
  agent: { did: string; agent: string },
): Promise<RunValue> {
  const run = await client.run({ query, agent, input, budget, verify: 'always' });
  const value = need('run', run);
  hold('run', value.status === 'ok', `the program ended with ${value.status}`);
  hold('run', value.verified, 'the result was not run again');
  hold('run', value.delivered, 'the edge does not have the voucher');
  return value;
}

/** The bundle as a stranger would check it, from signatures to a run of its own. */
async function proveReceipt(client: Client, run: RunValue): Promise<void> {
  const verdict = await client.verifyReceipt(run.bundle);
  hold('verify', verdict.verdict === 'valid', verdict.reason ?? verdict.verdict);
}

async function settle(client: Client, run: RunValue): Promise<void> {
  const channel = need('settle', await client.closeChannel(run.ch));
  hold('settle', channel.state === 'closed', `the channel is ${channel.state}`);
  const held = `${channel.escrow_a}/${channel.escrow_b}`;
  hold('settle', held === '0/0', `the channel still holds ${held}`);
}

async function standing(client: Client, executor: string) {
  const { edge } = client;
  const [own, theirs] = [await edge.account(client.did), await edge.account(executor)];
  const score = need('ledger', await edge.reputation(executor));
  const sums = need('ledger', await edge.conservation());
  const total = ({ available, escrow }: { available: string; escrow: string }) =>
    BigInt(available) + BigInt(escrow);
  return {
    caller: total(need('ledger', own)),
    executor: total(need('ledger', theirs)),
    conservation: sums.difference,
    n: score.n,
    score: score.score,
  };
}

type Standings = Awaited<ReturnType<typeof standing>>;

function checkLedger(run: RunValue, before: Standings, after: Standings): void {
  hold('ledger', after.conservation === '0', `credits - debits is ${after.conservation}`);
  hold('ledger', before.caller - after.caller === run.price, 'the caller did not pay the price');
  hold('ledger', after.executor - before.executor === run.price, 'the executor was not paid');
  hold('ledger', after.n === before.n + 1, `evidence went from ${before.n} to ${after.n}`);
}

function reportOf(
  found: readonly { did: string; agent: string; name: string; score: number }[],
  run: RunValue,
  before: Standings,
  after: Standings,
  timings: Record<string, number>,
): JobReport {
  const money = ({ caller, executor }: Standings) => ({
    caller: String(caller),
    executor: String(executor),
  });
  return {
    search: found.map(({ did, agent, name, score }) => ({ did, agent, name, score })),
    channel: run.ch,
    task: run.task,
    receipt: run.receiptId,
    verified: run.verified,
    status: run.status,
    gas: String(run.gas),
    pages: String(run.pagesPeak),
    price: String(run.price),
    balances: { before: money(before), after: money(after) },
    conservation: after.conservation,
    reputation: {
      before: { n: before.n, score: before.score },
      after: { n: after.n, score: after.score },
    },
    timings_ms: Object.fromEntries(
      Object.entries(timings).map(([step, ms]) => [step, Math.round(ms * 100) / 100]),
    ),
  };
}

function short(id: string): string {
  return `${id.slice(0, 8)}…`;
}
