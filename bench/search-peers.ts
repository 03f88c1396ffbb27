import { createRequire } from 'node:module';

/** Packages of the project itself, then those that `npm run bench:peers` installed. */
const PLACES = [
  () => import.meta.url,
  (name: string) => new URL(`./.cache/peers/${name}/package.json`, import.meta.url),
];

/** A peer's module, or undefined when it is not installed or does not load on this machine. */
export function peerModule(name: string): Record<string, unknown> | undefined {
  for (const place of PLACES) {
    try {
      return createRequire(place(name))(name) as Record<string, unknown>;
    } catch {
      // Not there, or not for this machine: the next place, then `missing`.
    }
  }
  return undefined;
}

/** A class of a peer's module; what it makes is described by the caller. */
export function peerClass<T>(
  module: Record<string, unknown>,
  name: string,
): new (
  ...args: unknown[]
) => T {
  const found = module[name];
  if (typeof found !== 'function') throw new TypeError(`peer has no class ${name}`);
  return found as new (
    ...args: unknown[]
  ) => T;
}
