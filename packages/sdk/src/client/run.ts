import { type Attempt, attemptAt } from './attempt.ts';
import type { AgentRef } from './candidates.ts';
import { type AgentChoice, isExecutorsFault, queueDepthOf } from './choice.ts';
import { type ClientContext, type Failure, fail } from './context.ts';
import type { Openings } from './order.ts';
import { createSteps, type Steps } from './progress.ts';
import type { RunFailure, RunOptions, RunResult, Tried } from './run-model.ts';

/** Agents that one run asks at most, and those that it chooses among. */
const ASKED_MAX = 5;
const FOUND_MAX = 16;

/** What runs of one client share. */
export interface RunState {
  readonly openings: Openings;
  readonly choice: AgentChoice;
}

/** An agent to ask, and how many tasks are ahead at its executor. */
type Chosen = AgentRef & { queueDepth: number };

type Done<T> = { ok: true; value: T } | Failure;

/** Find, fund, order, wait, check, pay: the six steps for one piece of work. */
export async function runTask(
  context: ClientContext,
  state: RunState,
  options: RunOptions,
): Promise<RunResult> {
  const steps = createSteps(context.clock, options.onProgress);
  if (options.verify !== 'never') context.rerun.warm?.();
  const tried: Tried[] = [];
  const failed = (failure: Failure, task?: string): RunFailure => ({
    ...failure,
    tried,
    ...(task === undefined ? {} : { task }),
    timings_ms: steps.timings(),
  });
  const refs = await agentsFor(context, state.choice, options, steps);
  if (!refs.ok) return failed(refs);
  // Conds that are neither paid nor turned down may still cost their cap.
  let left = options.budget;
  let last: Failure = fail('agent-not-found', options.query);
  for (const { queueDepth, ...ref } of refs.value) {
    if (options.signal?.aborted) return failed(fail('aborted'));
    const attempt = await learning(state.choice, { did: ref.did, queueDepth }, steps, () =>
      attemptAt(context, state.openings, ref, { ...options, budget: left }, steps),
    );
    if (attempt.ok) {
      return { ok: true, value: { ...attempt.value, tried, timings_ms: steps.timings() } };
    }
    const { code, detail, isFinal, task, held = 0n } = attempt;
    last = fail(code, detail);
    if (isFinal) return failed(last, task);
    tried.push({ ...ref, ...(detail === undefined ? { code } : { code, detail }) });
    left -= held;
  }
  return failed(last);
}

/** Remembers how long the executor took and whether it failed; a crash of this process is neither. */
async function learning(
  choice: AgentChoice,
  { did, queueDepth }: { did: string; queueDepth: number },
  steps: Steps,
  ask: () => Promise<Attempt>,
): Promise<Attempt> {
  const before = workedMs(steps);
  choice.started(did);
  let outcome: 'good' | 'fault' | 'none' = 'none';
  try {
    const attempt = await ask();
    if (attempt.ok) outcome = 'good';
    else if (isExecutorsFault(attempt.code)) outcome = 'fault';
    return attempt;
  } finally {
    choice.ended(did, { ms: workedMs(steps) - before, queueDepth, outcome });
  }
}

/** From handing the task over to having its output: neither the channel nor the check. */
function workedMs(steps: Steps): number {
  const { submit = 0, wait = 0, output = 0 } = steps.timings();
  return submit + wait + output;
}

async function agentsFor(
  { edge }: ClientContext,
  choice: AgentChoice,
  { agent, query, tags, skill, budget, signal }: RunOptions,
  steps: Steps,
): Promise<Done<Chosen[]>> {
  if (agent !== undefined) return { ok: true, value: [{ ...agent, queueDepth: 0 }] };
  if (query === undefined) return fail('query-missing', 'give a query or an agent');
  const request = {
    text: query,
    k: FOUND_MAX,
    filters: {
      online: true,
      price_max: String(budget),
      ...(tags === undefined ? {} : { tags: [...tags] }),
      ...(skill === undefined ? {} : { skills: [skill] }),
    },
  };
  const found = await steps.take(
    'search',
    { query },
    () => edge.search(request, { signal }),
    ({ results }) => ({ found: String(results.length), best: results[0]?.name ?? '' }),
  );
  if (!found.ok) return found;
  const ordered = await choice.order(found.value.results);
  if (ordered.length === 0) return fail('agent-not-found', query);
  const value = ordered.slice(0, ASKED_MAX).map((result) => {
    const { did, agent: name } = result;
    return { did, agent: name, queueDepth: queueDepthOf(result) };
  });
  return { ok: true, value };
}
