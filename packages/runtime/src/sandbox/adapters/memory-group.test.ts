import { expect, test } from 'vitest';
import { findMemoryGroups, type GroupFiles } from './memory-group.ts';

/** A kernel that lets groups be made in one folder. */
function kernel(lines: string, writable: string): GroupFiles & { done: string[] } {
  const done: string[] = [];
  return {
    done,
    read: (path) => (path === '/proc/self/cgroup' ? lines : undefined),
    write: (path, text) => {
      if (!path.startsWith(`${writable}/zerostate-`)) return false;
      done.push(`${path} ${text}`);
      return true;
    },
    makeFolder: (path) => path.startsWith(`${writable}/zerostate-`),
    removeFolder: (path) => {
      done.push(`remove ${path}`);
    },
  };
}

test.each([
  ['2', '0::/system.slice/node.service\n', '/sys/fs/cgroup/system.slice', 'memory.max'],
  [
    '1',
    '9:name=systemd:/\n4:cpu,memory:/process\n0::/\n',
    '/sys/fs/cgroup/memory/process',
    'memory.limit_in_bytes',
  ],
])('a worker is held by a group of version %s', (_, lines, folder, limitFile) => {
  const files = kernel(lines, folder);
  const groups = findMemoryGroups(files, 7);
  files.done.length = 0;
  const release = groups?.hold(42, 1_000_000);
  const group = `${folder}/zerostate-7-42`;
  expect(files.done).toEqual([`${group}/${limitFile} 1000000`, `${group}/cgroup.procs 42`]);
  release?.();
  expect(files.done.at(-1)).toBe(`remove ${group}`);
});

test.each([
  ['has none', ''],
  ['has none for memory', '1:cpu:/\n'],
  ['lets us make none', '0::/a/b\n4:memory:/a\n'],
])('no group is used where the kernel %s', (_, lines) => {
  expect(findMemoryGroups(kernel(lines, '/elsewhere'), 7)).toBeUndefined();
});
