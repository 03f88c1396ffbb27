import { afterEach, beforeEach, expect, test } from 'vitest';
import { sql } from '../state/database.ts';
import { World } from '../testing/world.ts';

let world: World;
beforeEach(async () => {
  world = await World.make();
});
afterEach(async () => {
  await world.end();
  expect(world.failures).toEqual([]);
});

const rejected = (task: string) => world.edge.message('task.reject', (body) => body.task === task);
const accepted = (task: string) =>
  world.edge.message('task.accept', (body) => JSON.stringify(body).includes(task));

test('one host fault is bad luck: the task is run again, and paid', async () => {
  const caller = await world.ready();
  const { run } = world.sandbox;
  world.sandbox.run = () => {
    world.sandbox.run = run;
    return Promise.resolve({ ok: false, code: 'worker-died' });
  };
  const { task } = await caller.offer();
  expect((await caller.result(task)).status).toBe('ok');
  expect(world.edge.received.some(({ type }) => type === 'task.reject')).toBe(false);
});

test('an accepted task whose module is gone after a restart is given up to the edge', async () => {
  const caller = await world.ready();
  const never = new Promise<void>(() => {});
  world.sandbox.gate = never;
  const { task } = await caller.offer();
  await accepted(task);
  await world.outboxEmpty();
  await world.state?.database.write([sql('DELETE FROM module')]);
  await world.abandon();
  world.sandbox.gate = Promise.resolve();
  await world.start();
  expect((await rejected(task)).body).toMatchObject({ task, code: 'module-unavailable' });
  // Told once, and not again at each start.
  await world.outboxEmpty();
  await world.stop();
  await world.start();
  await world.settle();
  const told = world.edge.received.filter(({ type }) => type === 'task.reject');
  expect(told).toHaveLength(1);
});
