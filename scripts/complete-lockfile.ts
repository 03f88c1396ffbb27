/**
 * Completes package-lock.json after a dependency change.
 *
 * A registry that does not serve a platform's package makes `npm install` leave it out of the lock
 * without a word, and `npm ci` then refuses the lock on every machine. This adds an entry for each
 * optional dependency that is missing, with the platform its name states, so that npm knows what to
 * skip. Usage: node scripts/complete-lockfile.ts [--check]
 */
import { readFileSync, writeFileSync } from 'node:fs';

interface LockEntry {
  version?: string;
  link?: boolean;
  dev?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  optionalDependencies?: Record<string, string>;
}
interface Lock {
  packages: Record<string, LockEntry>;
}

const LOCK = new URL('../package-lock.json', import.meta.url);
const OTHER_OS = /(darwin|android|freebsd|openbsd|netbsd|sunos|aix|openharmony)/;
const CPU = /(arm64|aarch64|loong64|mips64el|ppc64|riscv64|s390x|ia32|wasm32|arm)/;

/** Where npm would find `dependency` from the package at `from`, or undefined. */
function resolve(packages: Lock['packages'], from: string, dependency: string): string | undefined {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    const key = `${at === '' ? '' : `${at}/`}node_modules/${dependency}`;
    if (packages[key]) return key;
    if (at === '') return undefined;
    if (!at.includes('/node_modules/')) at = '';
  }
}

function platformOf(name: string): { os: string[]; cpu: string[] } {
  const os = /win32|windows/.test(name) ? 'win32' : (OTHER_OS.exec(name)?.[1] ?? 'linux');
  const cpu = CPU.exec(name)?.[1] ?? 'x64';
  return { os: [os], cpu: [cpu === 'aarch64' ? 'arm64' : cpu] };
}

const lock: Lock = JSON.parse(readFileSync(LOCK, 'utf8'));
const added: string[] = [];
for (const [at, entry] of Object.entries(lock.packages)) {
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    if (entry.link || resolve(lock.packages, at, name)) continue;
    lock.packages[`node_modules/${name}`] = {
      version: range.replace(/^[\^~]/, ''),
      ...(entry.dev ? { dev: true } : {}),
      optional: true,
      ...platformOf(name),
    };
    added.push(`${name}@${range}`);
  }
}
if (process.argv.includes('--check')) {
  if (added.length > 0) {
    console.error(`package-lock.json lacks ${added.join(', ')}: run npm run lock`);
    process.exit(1);
  }
} else {
  lock.packages = Object.fromEntries(
    Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)),
  );
  writeFileSync(LOCK, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(added.length === 0 ? 'complete' : `added ${added.join(', ')}`);
}
