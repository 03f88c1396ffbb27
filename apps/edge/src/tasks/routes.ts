import {
  cancelTaskRequestSchema,
  hashField,
  objectionRequestSchema,
  REQUEST_BYTES_MAX,
  submitTaskRequestSchema,
  taskAnswerSchema,
} from '@zerostate/shared';
import type { Context } from 'hono';
import { z } from 'zod';
import type { EdgeEnv } from '../http/env.ts';
import { fail } from '../http/problem.ts';
import { waitField, waitMsOf } from '../http/query.ts';
import { createRouter, type Router, type RouterDeps } from '../http/router.ts';
import { readUntil } from '../hub/wait.ts';
import { isOver, taskAnswer } from './answer.ts';
import { cancelTask } from './cancel.ts';
import { type TaskDeps, taskTopic } from './deps.ts';
import { objectTask } from './objection.ts';
import { readTask, type TaskRow } from './store.ts';
import { submitTask } from './submit.ts';

const params = z.strictObject({ task: hashField });
const query = z.strictObject({ wait: waitField });

export function taskRoutes(deps: TaskDeps & RouterDeps): Router {
  const router = createRouter(deps);
  addSubmit(router, deps);
  addGet(router, deps);
  addObjection(router, deps);
  addCancel(router, deps);
  return router;
}

function addSubmit(router: Router, deps: TaskDeps): void {
  router.add(
    {
      method: 'post',
      path: '/v1/tasks',
      tag: 'tasks',
      summary: 'Give an executor a task',
      description:
        'The task is stored before it is answered; its id makes repeating it harmless. With `wait` ' +
        'the answer comes as soon as the task is over.',
      query,
      body: submitTaskRequestSchema,
      bodyBytesMax: REQUEST_BYTES_MAX,
      answers: {
        200: { description: 'This task was stored before', schema: taskAnswerSchema },
        202: { description: 'Stored by this request', schema: taskAnswerSchema },
      },
      failures: [
        'signature-invalid',
        'task-terms',
        'task-expired',
        'task-exists',
        'task-input-missing',
        'task-input-wrong',
        'agent-unknown',
        'channel-unknown',
        'channel-not-active',
        'channel-not-party',
        'blob-quota',
        'busy',
      ],
    },
    async (c, { body, query: { wait } }) => {
      const submitted = await submitTask(deps, body);
      if (!submitted.ok) return fail(c, submitted.code, submitted.detail);
      const { task, isNew } = submitted.value;
      const latest = isOver(task) ? task : await readUntilOver(deps, task.id, waitMsOf(wait), task);
      return answer(c, latest, isNew ? 202 : 200);
    },
  );
}

function addGet(router: Router, deps: TaskDeps): void {
  router.add(
    {
      method: 'get',
      path: '/v1/tasks/{task}',
      tag: 'tasks',
      summary: 'A task, now or as soon as it is over',
      description: 'For its creator, its executor and arbiters.',
      params,
      query,
      signed: 'required',
      answers: { 200: { description: 'The task', schema: taskAnswerSchema } },
      failures: ['task-unknown'],
    },
    async (c, input) => {
      const { task: id } = input.params;
      const task = await readUntil(
        deps,
        { topic: taskTopic(id), waitMs: waitMsOf(input.query.wait) },
        () => readTask(deps.directory, id),
        (found) => found === null || !isReader(deps, found, input.signer) || isOver(found),
      );
      // To strangers it does not exist.
      if (task === null || !isReader(deps, task, input.signer)) return fail(c, 'task-unknown');
      return answer(c, task, 200);
    },
  );
}

/** A task that was just stored, once it is over or the time is. */
async function readUntilOver(
  deps: TaskDeps,
  id: string,
  waitMs: number,
  stored: TaskRow,
): Promise<TaskRow> {
  if (waitMs === 0) return stored;
  const wait = { topic: taskTopic(id), waitMs };
  const read = () => readTask(deps.directory, id);
  return (await readUntil(deps, wait, read, (found) => found === null || isOver(found))) ?? stored;
}

function addObjection(router: Router, deps: TaskDeps): void {
  router.add(
    {
      method: 'post',
      path: '/v1/tasks/{task}/objection',
      tag: 'tasks',
      summary: 'Object to the receipt of a task',
      params,
      body: objectionRequestSchema,
      answers: { 200: { description: 'The task', schema: taskAnswerSchema } },
      failures: ['task-unknown', 'task-terms', 'task-state', 'signer-missing'],
    },
    async (c, { params: { task: id }, body }) => {
      const task = await objectTask(deps, id, body.objection);
      return task.ok ? answer(c, task.value, 200) : fail(c, task.code, task.detail);
    },
  );
}

function addCancel(router: Router, deps: TaskDeps): void {
  router.add(
    {
      method: 'post',
      path: '/v1/tasks/{task}/cancel',
      tag: 'tasks',
      summary: 'Ask the executor to drop an offered task',
      description: 'For its creator. The task is rejected when its executor says so.',
      params,
      body: cancelTaskRequestSchema,
      answers: { 200: { description: 'The task', schema: taskAnswerSchema } },
      failures: ['task-unknown', 'task-terms', 'task-state', 'signer-missing', 'busy'],
    },
    async (c, { params: { task: id }, body }) => {
      const task = await cancelTask(deps, id, body.cancel);
      return task.ok ? answer(c, task.value, 200) : fail(c, task.code, task.detail);
    },
  );
}

function isReader(deps: TaskDeps, task: TaskRow, did: string): boolean {
  return did === task.creator || did === task.executor || deps.arbiters.includes(did);
}

function answer(c: Context<EdgeEnv>, task: TaskRow, status: 200 | 202): Response {
  c.header('cache-control', 'private, no-store');
  c.header('content-type', 'application/json');
  return c.body(taskAnswer(task), status);
}
