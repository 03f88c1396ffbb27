import type { Err } from '@zerostate/shared';

/** Exit codes of every command (sysexits(3) for 78, the shell's 128 + SIGINT for 130). */
export const EXIT = { ok: 0, failed: 1, usage: 2, configuration: 78, interrupted: 130 } as const;

const CONFIGURATION = new Set([
  'state-missing',
  'state-readable',
  'state-foreign',
  'key-missing',
  'key-readable',
  'key-invalid',
  'edge-pinned',
  'role-wrong',
  'sandbox-missing',
  'address-invalid',
]);

/** An expected failure that ends a command. */
export class CliFailure extends Error {
  readonly code: string;
  readonly exitCode: number;

  constructor(failure: Err<string>) {
    super(failure.detail ?? failure.code);
    this.code = failure.code;
    this.exitCode = CONFIGURATION.has(failure.code) ? EXIT.configuration : EXIT.failed;
  }
}

/** The value, or the end of the command. */
export function must<T>(result: { ok: true; value: T } | Err<string>): T {
  if (!result.ok) throw new CliFailure(result);
  return result.value;
}
