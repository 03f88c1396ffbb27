/** The walls of the house: which package may import which, and where time and chance come in. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

/** What each room may import of the others (architecture.md, The house). */
const MAY_IMPORT: Record<string, readonly string[]> = {
  'packages/shared': [],
  'packages/runtime': ['shared'],
  'packages/discovery': ['shared'],
  'packages/mesh': ['shared'],
  'packages/sdk': ['shared', 'runtime', 'mesh'],
  'apps/executor-node': ['shared', 'runtime', 'mesh', 'sdk'],
  'apps/edge': ['shared', 'discovery'],
};

/** Folders and files that are the shell: they may read the clock, roll dice and set timers. */
const SHELL =
  /(^|\/)(adapters|entry|cli|spec|fixtures|test-support)\/|worker-main\.ts$|\.test\.ts$|\.spec\.ts$/;
const TIME_AND_CHANCE =
  /\bDate\.now\(|\bMath\.random\(|\bnew Date\(\)|\bset(?:Timeout|Interval|Immediate)\(|\bperformance\.now\(|\bcrypto\.getRandomValues\(/;

function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.includes('node_modules') && !path.includes('/assembly/'))
    .filter((path) => !path.endsWith('.as.ts'));
}

/** Code without comments, so that prose about a clock is not a clock. */
function codeOf(path: string): string {
  return readFileSync(path, 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '');
}

const rooms = ['packages', 'apps'].flatMap((floor) =>
  readdirSync(join(ROOT, floor)).map((name) => `${floor}/${name}`),
);

describe.each(rooms)('%s', (room) => {
  const files = sources(join(ROOT, room, 'src'));
  const allowed = MAY_IMPORT[room];

  test('imports only the rooms below it', () => {
    expect(allowed, `${room} has no line in the dependency arrow`).toBeDefined();
    const wrong = files.flatMap((path) =>
      [
        ...codeOf(path).matchAll(
          /from '(@zerostate\/([a-z-]+)[^']*|(?:\.\.\/)+(?:apps|packages)\/[^']*)'/g,
        ),
      ]
        .filter(([, , name]) => name === undefined || !allowed?.includes(name))
        .map(([line]) => `${relative(ROOT, path)}: ${line}`),
    );
    expect(wrong).toEqual([]);
  });

  test('reaches time and chance through its ports alone', () => {
    const wrong = files
      .filter((path) => !SHELL.test(relative(join(ROOT, room), path)))
      .filter((path) => TIME_AND_CHANCE.test(codeOf(path)))
      .map((path) => relative(ROOT, path));
    expect(wrong).toEqual([]);
  });

  test('has no file that a screenful of minutes cannot read', () => {
    const long = files
      .filter((path) => readFileSync(path, 'utf8').split('\n').length > 400)
      .map((path) => relative(ROOT, path));
    expect(long).toEqual([]);
  });
});
