import type {
  Did,
  Envelope,
  PaychCond,
  TaskAnswer,
  TaskManifest,
  TaskReject,
} from '@zerostate/shared';
import { envelopeField } from '@zerostate/shared';
import type { Cancel } from '../ports.ts';

/** Tasks that one process keeps in mind; those that are over go first. */
const KNOWN_MAX = 1_024;

export interface SentOrder {
  readonly task: string;
  readonly manifest: Envelope<TaskManifest>;
  readonly cond: Envelope<PaychCond>;
}

/** A task that went to its executor directly, and how it is. */
export interface KnownTask extends SentOrder {
  readonly executor: Did;
  answer: TaskAnswer;
  /** ms since the epoch; null before it was accepted. */
  deadline: number | null;
  /** Hash of the output, once it is done. */
  outputHash: string | null;
  /** Calls back at the next news. */
  watch(news: () => void): Cancel;
}

export function isOver({ state }: TaskAnswer): boolean {
  return state === 'done' || state === 'rejected' || state === 'failed';
}

/** The tasks of one process, each as it was heard of last. A result is the last word. */
export class KnownTasks {
  readonly #tasks = new Map<string, KnownTask>();
  readonly #watchers = new Map<string, Set<() => void>>();

  get(task: string): KnownTask | null {
    return this.#tasks.get(task) ?? null;
  }

  add({ task, manifest, cond }: SentOrder, now: number): KnownTask {
    const known = this.#tasks.get(task);
    if (known !== undefined) return known;
    this.#makeRoom();
    const added: KnownTask = {
      task,
      manifest,
      cond,
      executor: manifest.body.executor,
      answer: {
        task,
        state: 'offered',
        manifest: envelopeField.parse(manifest),
        cond: envelopeField.parse(cond),
        accept: null,
        receipt: null,
        objection: null,
        reject: null,
        output: null,
        submitted_at: now,
        accepted_at: null,
        done_at: null,
      },
      deadline: null,
      outputHash: null,
      watch: (news) => this.#watch(task, news),
    };
    this.#tasks.set(task, added);
    return added;
  }

  drop(task: string): void {
    this.#tasks.delete(task);
  }

  byOutput(hash: string): KnownTask | null {
    for (const known of this.#tasks.values()) if (known.outputHash === hash) return known;
    return null;
  }

  accepted(
    known: KnownTask,
    accept: NonNullable<TaskAnswer['accept']>,
    when: { deadline: number; now: number },
  ): TaskAnswer {
    if (known.answer.state === 'offered') {
      known.deadline = when.deadline;
      this.#news(known, { state: 'accepted', accept, accepted_at: when.now });
    }
    return known.answer;
  }

  rejected(known: KnownTask, reject: TaskReject): TaskAnswer {
    if (!isOver(known.answer)) this.#news(known, { state: 'rejected', reject });
    return known.answer;
  }

  done(
    known: KnownTask,
    result: { receipt: NonNullable<TaskAnswer['receipt']>; hash: string; now: number },
  ): TaskAnswer {
    if (known.answer.receipt === null) {
      known.outputHash = result.hash;
      // Bytes are kept by their hash, whatever their size.
      const { receipt, now } = result;
      this.#news(known, { state: 'done', receipt, reject: null, done_at: now });
    }
    return known.answer;
  }

  #news(known: KnownTask, change: Partial<TaskAnswer>): void {
    known.answer = { ...known.answer, ...change };
    for (const tell of this.#watchers.get(known.task) ?? []) tell();
  }

  #watch(task: string, news: () => void): Cancel {
    const watchers = this.#watchers.get(task) ?? new Set();
    this.#watchers.set(task, watchers.add(news));
    return () => {
      watchers.delete(news);
      if (watchers.size === 0) this.#watchers.delete(task);
    };
  }

  #makeRoom(): void {
    if (this.#tasks.size < KNOWN_MAX) return;
    for (const [task, { answer }] of this.#tasks) {
      if (!isOver(answer)) continue;
      this.#tasks.delete(task);
      return;
    }
  }
}
