/** Collects the checks of the suite: a name for each, and what failed. */
export class Checks {
  passed = 0;
  readonly failed: string[] = [];

  /** Counts a check; a failure is reported by its name. */
  that(name: string, holds: boolean): void {
    if (holds) this.passed++;
    else this.failed.push(name);
  }

  /** As `that`, with both values in the report. */
  equal(name: string, actual: unknown, expected: unknown): void {
    this.that(`${name}: ${String(actual)} instead of ${String(expected)}`, actual === expected);
  }
}

/** Gives the text of a vector file by its path below this folder. */
export type ReadVector = (name: string) => Promise<string>;

/** Bytes of a hexadecimal vector. */
export function hex(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** Pseudo-random bytes that depend on a label alone: the same on every runtime. */
export async function seeded(label: string, length: number): Promise<Uint8Array> {
  const out = new Uint8Array(length);
  for (let at = 0; at < length; at += 64) {
    const block = await crypto.subtle.digest('SHA-512', new TextEncoder().encode(`${label}:${at}`));
    out.set(new Uint8Array(block).subarray(0, Math.min(64, length - at)), at);
  }
  return out;
}
