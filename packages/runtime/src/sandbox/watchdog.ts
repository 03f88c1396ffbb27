import type { SandboxPorts } from './ports.ts';

/** Milliseconds between looks at a busy worker. */
const LOOK_MS = 50;

/**
 * Watches the resident memory of a process while it works and calls back when it is over the limit.
 * The meter already bounds what a guest can ask for; this holds whatever an engine takes beside it.
 * Gives a function that ends the watch.
 */
export function watchMemory(
  ports: SandboxPorts,
  pid: number,
  bytesMax: number,
  exceeded: (bytes: number) => void,
): () => void {
  let ended: boolean = false;
  let cancel = ports.after(LOOK_MS, look);

  function look(): void {
    ports.residentBytes(pid).then(judge, () => judge(undefined));
  }

  function judge(bytes: number | undefined): void {
    if (ended) return;
    if (bytes !== undefined && bytes > bytesMax) {
      ended = true;
      exceeded(bytes);
    } else cancel = ports.after(LOOK_MS, look);
  }

  return () => {
    ended = true;
    cancel();
  };
}
