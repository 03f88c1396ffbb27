import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type BenchResult, median } from './report.ts';
import { cachePath, round } from './search-cache.ts';

const CHILD = fileURLToPath(new URL('./search-load-child.ts', import.meta.url));
const LOADS = 8;

/**
 * CPU of loading a kept snapshot, in a process that holds nothing else, as a worker does when it
 * starts: beside a hundred thousand cards of the bench the collector would be measured. What the
 * kernel takes to hand out zeroed pages is not the loader's, and stands beside; so does the first
 * load, which runs while the engine still compiles it.
 */
export async function measureLoads(name: string, label: string): Promise<BenchResult[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    CHILD,
    cachePath(name),
    String(LOADS),
  ]);
  // Checked border: the child is this bench's own.
  const [first, ...warm] = JSON.parse(stdout) as { user: number; system: number }[];
  const ms = (what: string, value: number): BenchResult => ({
    name: `snapshot.${label}.${what}`,
    value: round(value),
    unit: 'ms',
    better: 'lower',
  });
  return [
    ms('load_cpu_ms', median(warm.map(({ user }) => user))),
    ms('load_system_ms', median(warm.map(({ system }) => system))),
    ms('first_load_cpu_ms', first?.user ?? 0),
  ];
}
