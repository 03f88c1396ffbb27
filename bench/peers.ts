/**
 * `npm run bench:peers`: installs the libraries that benches are run beside into bench/.cache/peers
 * (not part of the project: native code that only the benches load). Exact versions, so that
 * figures can be compared; what fails to build is named and left out of the benches.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const PEERS = { 'hnswlib-node': '3.0.0', usearch: '2.26.2' };
const FOLDER = new URL('.cache/peers/', import.meta.url);

function install(name: string, version: string): boolean {
  const folder = new URL(`${name}/`, FOLDER);
  mkdirSync(folder, { recursive: true });
  const manifest = {
    name: `peer-${name}`,
    private: true,
    dependencies: { [name]: version },
    // Only the peer itself builds native code.
    allowScripts: { [name]: true },
  };
  writeFileSync(new URL('package.json', folder), JSON.stringify(manifest));
  const options = ['--no-audit', '--no-fund', '--foreground-scripts'];
  const { status } = spawnSync('npm', ['install', ...options], {
    cwd: fileURLToPath(folder),
    stdio: 'inherit',
  });
  return status === 0;
}

const failed = Object.entries(PEERS).filter(([name, version]) => !install(name, version));
for (const [name] of failed) console.error(`${name} is not installed: the benches go without it`);
process.exitCode = failed.length === 0 ? 0 : 1;
