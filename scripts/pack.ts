/**
 * `npm run pack`: builds what others install, as tarballs under dist/pack.
 *
 * In the repository every runtime reads `.ts`; under node_modules Node refuses it, so a package is
 * emitted as JavaScript with declarations, its assets (.wasm, .sql) copied beside, and its
 * `exports` turned from `.ts` to `.js`. Nothing is bundled: a stack trace names the file it means.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureEncoder } from '../packages/discovery/scripts/build-encoder.ts';
import { buildHnswlib } from '../packages/discovery/scripts/build-hnswlib.ts';

const ROOT = join(import.meta.dirname, '..');
const OUT = join(ROOT, 'dist/pack');
const ROOMS = [
  'packages/shared',
  'packages/runtime',
  'packages/discovery',
  'packages/mesh',
  'packages/sdk',
  'apps/executor-node',
];
/** What a package carries beside its sources: from where in the repository, to where in it. */
const CARRIED: Record<string, readonly { from: string; to: string }[]> = {
  'packages/discovery': [
    { from: 'packages/discovery/wasm', to: 'wasm' },
    { from: 'packages/discovery/dist/encoder', to: 'dist/encoder' },
    { from: 'node_modules/hnswlib-wasm/LICENSE.txt', to: 'dist/hnswlib/LICENSE.txt' },
  ],
  'apps/executor-node': [{ from: 'drizzle/executor', to: 'drizzle/executor' }],
};
/** Not for those who install: tests and the parties they play, and AssemblyScript. */
const LEFT_OUT = ['**/*.test.ts', '**/*.spec.ts', '**/test/**', '**/testing/**', '**/assembly/**'];

interface Manifest {
  name: string;
  version: string;
  private?: boolean;
  exports?: unknown;
  bin?: Record<string, string>;
  files?: string[];
}

/** `./src/x.ts` is `./src/x.js` once emitted; conditions keep their shape. */
function emitted(entry: unknown): unknown {
  if (typeof entry === 'string') return entry.replace(/\.ts$/, '.js');
  if (typeof entry !== 'object' || entry === null) return entry;
  return Object.fromEntries(Object.entries(entry).map(([key, value]) => [key, emitted(value)]));
}

function files(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Import specifier of each export of the rooms built so far, to its declarations. */
const built = new Map<string, string[]>();

function remember(name: string, exported: unknown, target: string): void {
  if (typeof exported !== 'object' || exported === null) return;
  for (const [key, entry] of Object.entries(exported)) {
    if (typeof entry !== 'string') continue;
    built.set(join(name, key), [join(target, entry.replace(/\.ts$/, '.d.ts'))]);
  }
}

function emit(room: string, target: string): void {
  const config = join(OUT, `tsconfig.${room.replaceAll('/', '-')}.json`);
  writeFileSync(
    config,
    JSON.stringify({
      extends: join(ROOT, 'tsconfig.json'),
      compilerOptions: {
        noEmit: false,
        declaration: true,
        rewriteRelativeImportExtensions: true,
        allowImportingTsExtensions: true,
        rootDir: join(ROOT, room),
        outDir: target,
        // Other rooms are read as the packages they have become, not pulled into this one.
        paths: Object.fromEntries(built),
      },
      include: [join(ROOT, room, 'src')],
      exclude: LEFT_OUT.map((glob) => join(ROOT, room, glob)),
    }),
  );
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  execFileSync(tsc, ['-p', config], { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
  for (const path of files(target)) {
    if (!path.endsWith('.d.ts')) continue;
    const text = readFileSync(path, 'utf8').replace(
      /(from '|import\(')(\.[^']*)\.ts'/g,
      "$1$2.js'",
    );
    writeFileSync(path, text);
  }
}

function copyAssets(room: string, target: string): void {
  const source = join(ROOT, room, 'src');
  for (const path of files(source)) {
    if (path.endsWith('.ts')) continue;
    const to = join(target, 'src', relative(source, path));
    mkdirSync(dirname(to), { recursive: true });
    cpSync(path, to);
  }
  for (const { from, to } of CARRIED[room] ?? []) {
    cpSync(join(ROOT, from), join(target, to), { recursive: true });
  }
  if (room === 'packages/discovery') {
    buildHnswlib(pathToFileURL(join(target, 'dist/hnswlib/')));
  }
  cpSync(join(ROOT, 'LICENSE'), join(target, 'LICENSE'));
}

function pack(room: string): string {
  const target = join(OUT, room.replaceAll('/', '-'));
  mkdirSync(target, { recursive: true });
  const manifest: Manifest = JSON.parse(readFileSync(join(ROOT, room, 'package.json'), 'utf8'));
  emit(room, target);
  copyAssets(room, target);
  remember(manifest.name, manifest.exports, target);
  const { private: _private, bin, ...rest } = manifest;
  const published = {
    ...rest,
    exports: emitted(manifest.exports),
    ...(bin === undefined ? {} : { bin: emitted(bin) }),
    engines: { node: '>=22.18' },
  };
  writeFileSync(join(target, 'package.json'), `${JSON.stringify(published, null, 2)}\n`);
  const [answer] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--pack-destination', OUT], {
      cwd: target,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  );
  return join(OUT, answer.filename);
}

rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT, { recursive: true });
await ensureEncoder(['w8', 'w4']);
for (const room of ROOMS) console.log(relative(ROOT, pack(room)));
