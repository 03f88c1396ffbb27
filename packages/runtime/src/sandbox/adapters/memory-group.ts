import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Files of the kernel's control groups. What cannot be done there gives undefined or false. */
export interface GroupFiles {
  read(path: string): string | undefined;
  write(path: string, text: string): boolean;
  makeFolder(path: string): boolean;
  removeFolder(path: string): void;
}

export interface MemoryGroups {
  /** Puts a process into a group of its own; the result removes the group behind it. */
  hold(pid: number, bytesMax: number): () => void;
}

const ROOT = '/sys/fs/cgroup';

/** Where groups may be made, and the file that limits them there. */
interface Place {
  readonly folder: string;
  readonly limitFile: string;
}

/**
 * Finds out whether this process may make groups that limit memory (cgroups(7)). Version 2 allows
 * no groups below one that has processes, so those stand beside our own.
 */
export function findMemoryGroups(
  files: GroupFiles = systemFiles,
  self: number = process.pid,
): MemoryGroups | undefined {
  const place = placesOf(files.read('/proc/self/cgroup') ?? '').find((candidate) => {
    const trial = join(candidate.folder, `zerostate-${self}`);
    if (!files.makeFolder(trial)) return false;
    const limited = files.write(join(trial, candidate.limitFile), String(2 ** 30));
    files.removeFolder(trial);
    return limited;
  });
  if (place === undefined) return undefined;
  return {
    hold: (pid, bytesMax) => {
      const group = join(place.folder, `zerostate-${self}-${pid}`);
      files.makeFolder(group);
      files.write(join(group, place.limitFile), String(bytesMax));
      files.write(join(group, 'cgroup.procs'), String(pid));
      return () => files.removeFolder(group);
    },
  };
}

/** Lines are `number:controllers:path`; version 2 names no controllers. */
function placesOf(lines: string): Place[] {
  return lines.split('\n').flatMap((line): Place[] => {
    const [, controllers = '-', ...rest] = line.split(':');
    const path = rest.join(':');
    if (controllers === '') {
      return [{ folder: dirname(join(ROOT, path)), limitFile: 'memory.max' }];
    }
    return controllers.split(',').includes('memory')
      ? [{ folder: join(ROOT, 'memory', path), limitFile: 'memory.limit_in_bytes' }]
      : [];
  });
}

function attempt(action: () => void): boolean {
  try {
    action();
    return true;
  } catch {
    // Not there, not ours, or read-only: another place, or the watchdog alone, has to do.
    return false;
  }
}

const systemFiles: GroupFiles = {
  read: (path) => {
    let text: string | undefined;
    attempt(() => {
      text = readFileSync(path, 'latin1');
    });
    return text;
  },
  write: (path, text) => attempt(() => writeFileSync(path, text)),
  makeFolder: (path) => attempt(() => mkdirSync(path)),
  removeFolder: (path) => {
    attempt(() => rmdirSync(path));
  },
};
