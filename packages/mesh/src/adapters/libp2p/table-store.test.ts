import { Key } from 'interface-datastore';
import { expect, test } from 'vitest';
import { TableStore } from './table-store.ts';

const VALUE = new Uint8Array(100);
const of = (folder: string, nth: number) => new Key(`/${folder}/${nth}`);

test('a flood of the table costs the oldest of it, and nothing else of the node', async () => {
  let shed = 0;
  const store = new TableStore((entries) => {
    shed += entries;
  }, 100_000);
  for (let i = 0; i < 100; i++) store.put(of('peers', i), VALUE);
  for (let i = 0; i < 10_000; i++) store.put(of('dht/provider', i), VALUE);
  const kept = await Array.fromAsync(store.queryKeys({ prefix: '/dht/' }));
  expect(kept.length + shed).toBe(10_000);
  expect(kept.length).toBeGreaterThan(200);
  expect(kept.length).toBeLessThan(300);
  expect(store.has(of('dht/provider', 9_999))).toBe(true);
  expect(store.has(of('dht/provider', 0))).toBe(false);
  expect(await Array.fromAsync(store.queryKeys({ prefix: '/peers/' }))).toHaveLength(100);
});

test('what is told again stays, and what is taken back leaves its room', () => {
  const store = new TableStore(() => undefined, 10_000);
  for (let i = 0; i < 1_000; i++) {
    store.put(of('dht/record', 0), VALUE);
    store.put(of('dht/record', i), VALUE);
    if (i > 0) store.delete(of('dht/record', i));
  }
  expect(store.get(of('dht/record', 0))).toBe(VALUE);
  for (let i = 1; i < 1_000; i++) {
    store.put(of('dht/record', i), VALUE);
    store.put(of('dht/record', 0), VALUE);
  }
  expect(store.has(of('dht/record', 0))).toBe(true);
  expect(() => store.get(of('dht/record', 1))).toThrow(/record/);
});
