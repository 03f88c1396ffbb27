import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** A peer's module, or undefined when it is not installed or does not load on this machine. */
export function peerModule(name: string): Record<string, unknown> | undefined {
  try {
    return require(name) as Record<string, unknown>;
  } catch {
    return undefined;
  }
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
