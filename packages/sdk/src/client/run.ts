import { attemptAt } from './attempt.ts';
import type { AgentRef } from './candidates.ts';
import { type ClientContext, type Failure, fail } from './context.ts';
import type { Openings } from './order.ts';
import { createSteps, type Steps } from './progress.ts';
import type { RunFailure, RunOptions, RunResult, Tried } from './run-model.ts';

/** Agents that one run asks at most. */
const CANDIDATES_MAX = 5;
/**
 * An agent stands in for the best one only when it matches nearly as well: whoever ranks far below
 * does something else, and would be paid for it.
 */
const ALIKE = 0.8;

type Done<T> = { ok: true; value: T } | Failure;

/** Find, fund, order, wait, check, pay: the six steps for one piece of work. */
export async function runTask(
  context: ClientContext,
  openings: Openings,
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
  const refs = await agentsFor(context, options, steps);
  if (!refs.ok) return failed(refs);
  // Conds that are neither paid nor turned down may still cost their cap.
  let left = options.budget;
  let last: Failure = fail('agent-not-found', options.query);
  for (const ref of refs.value) {
    if (options.signal?.aborted) return failed(fail('aborted'));
    const attempt = await attemptAt(context, openings, ref, { ...options, budget: left }, steps);
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

async function agentsFor(
  { edge }: ClientContext,
  { agent, query, tags, skill, budget, signal }: RunOptions,
  steps: Steps,
): Promise<Done<AgentRef[]>> {
  if (agent !== undefined) return { ok: true, value: [agent] };
  if (query === undefined) return fail('query-missing', 'give a query or an agent');
  const request = {
    text: query,
    k: CANDIDATES_MAX,
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
  const [best] = found.value.results;
  if (best === undefined) return fail('agent-not-found', query);
  const alike = found.value.results.filter(({ score }) => score >= best.score * ALIKE);
  return { ok: true, value: alike.map(({ did, agent: name }) => ({ did, agent: name })) };
}
