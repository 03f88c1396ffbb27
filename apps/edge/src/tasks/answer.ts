import type { TaskRow } from './store.ts';

/**
 * A task as GET and POST answer it (`taskAnswerSchema`). The envelopes are JSON text in the row and
 * are put in as they stand: reading and writing them again would cost more than the whole request.
 */
export function taskAnswer(task: TaskRow): string {
  const { manifest, cond, accept, receipt, objection, reject } = task;
  return (
    `{"task":"${task.id}","state":"${task.state}","manifest":${manifest},"cond":${cond},` +
    `"accept":${accept},"receipt":${receipt},"objection":${objection},"reject":${reject},` +
    `"output":${task.output === null ? null : `"${task.output}"`},` +
    `"submitted_at":${task.submittedAt},"accepted_at":${task.acceptedAt},"done_at":${task.doneAt}}`
  );
}

/** Nothing but an objection happens to it any more. */
export function isOver(task: TaskRow): boolean {
  return task.state === 'done' || task.state === 'rejected' || task.state === 'failed';
}
