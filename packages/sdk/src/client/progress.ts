import type { Clock } from '../ports.ts';

/** The steps of a run, in their order. Some repeat when an executor turns a task down. */
export type Step =
  | 'search'
  | 'card'
  | 'channel'
  | 'submit'
  | 'wait'
  | 'output'
  | 'verify'
  | 'pay'
  | 'object';

export interface ProgressEvent {
  step: Step;
  state: 'started' | 'done' | 'failed';
  /** ms since the run began. */
  at_ms: number;
  /** ms that the step took; absent when it starts. */
  took_ms?: number;
  /** What the step is about or came to: ids, amounts, codes. */
  about: Readonly<Record<string, string>>;
}

export type OnProgress = (event: ProgressEvent) => void;

/** Names a step's outcome for people, once it is there. */
export type About<T> = (value: T) => Readonly<Record<string, string>>;

type Outcome = { ok: true; value: unknown } | { ok: false; code: string };

/** ms by step, and in all. */
export type Timings = { total: number } & Partial<Record<Step, number>>;

export interface Steps {
  /** Reports a step's start and end, and adds its time up. Passes the outcome through. */
  take<R extends Outcome>(
    step: Step,
    about: Readonly<Record<string, string>>,
    work: () => Promise<R>,
    found?: About<Extract<R, { ok: true }>['value']>,
  ): Promise<R>;
  timings(): Timings;
}

export function createSteps(clock: Clock, onProgress: OnProgress = () => undefined): Steps {
  const elapsed = () => clock.elapsed?.() ?? clock.now();
  const begun = elapsed();
  const sums = new Map<Step, number>();
  return {
    async take(step, about, work, found) {
      const start = elapsed();
      onProgress({ step, state: 'started', at_ms: start - begun, about });
      const outcome = await work();
      const end = elapsed();
      sums.set(step, (sums.get(step) ?? 0) + end - start);
      const ended = { step, at_ms: end - begun, took_ms: end - start };
      if (outcome.ok) {
        // Checked border: TypeScript does not narrow a type parameter by its discriminant.
        const value = outcome.value as Extract<typeof outcome, { ok: true }>['value'];
        onProgress({ ...ended, state: 'done', about: { ...about, ...found?.(value) } });
      } else {
        onProgress({ ...ended, state: 'failed', about: { ...about, code: outcome.code } });
      }
      return outcome;
    },
    timings: () => ({ ...Object.fromEntries(sums), total: elapsed() - begun }),
  };
}
