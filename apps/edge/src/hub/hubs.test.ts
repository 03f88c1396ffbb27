import { expect, test } from 'vitest';
import type { Timers } from '../ports.ts';
import { hubName } from './hub-name.ts';
import { createRemoteHub, type HubObject } from './remote-hub.ts';
import { createTopics } from './topics.ts';
import { readUntil } from './wait.ts';

const NEVER: Timers = { after: () => () => {}, every: () => () => {} };

test('every key has one hub, and keys spread over all of them', () => {
  const names = Array.from({ length: 2_000 }, (_, i) => hubName(`did:key:z6Mk${i}`, 64));
  expect(new Set(names).size).toBe(64);
  expect(hubName('did:key:z6Mk1', 64)).toBe(names[1]);
});

test('a wake between the watch and the wait is not lost', async () => {
  const topics = createTopics(NEVER);
  const watch = topics.watch('task:1');
  topics.wake('task:1');
  expect(await watch.changed(30_000)).toBe(true);
});

test('a stopping worker answers everybody who waits', async () => {
  const topics = createTopics(NEVER);
  const waiting = topics.watch('task:1').changed(30_000);
  topics.stop();
  expect(await waiting).toBe(false);
  expect(await topics.watch('task:2').changed(30_000)).toBe(false);
});

test('a caller that waits reads again after each wake, until it is settled', async () => {
  const topics = createTopics(NEVER);
  const hub = { wake: () => {}, wakeTopic: () => {}, watch: topics.watch };
  let reads = 0;
  const read = async () => {
    reads++;
    if (reads < 4) queueMicrotask(() => topics.wake('t'));
    return reads;
  };
  const clock = { now: () => 0 };
  const last = await readUntil({ hub, clock }, { topic: 't', waitMs: 9 }, read, (n) => n === 4);
  expect(last).toBe(4);
});

test('a remote hub carries wakes and waits to the object of their key', async () => {
  const topics = createTopics(NEVER);
  const asked: string[] = [];
  const object: HubObject = {
    wake: async (did) => {
      asked.push(did);
    },
    wakeTopic: async (topic) => topics.wake(topic),
    async waitTopic(topic, ms) {
      await topics.watch(topic).changed(ms);
    },
  };
  const hub = createRemoteHub({
    objectOf: (key) => {
      asked.push(`object of ${key}`);
      return object;
    },
    background: (work) => void work,
    after: () => () => {},
  });
  hub.wake('did:1');
  expect(asked).toEqual(['object of did:1', 'did:1']);
  const waiting = hub.watch('task:1').changed(1_000);
  hub.wakeTopic('task:1');
  expect(await waiting).toBe(true);
});
