import type { Call, RunLimits } from '../src/outcome.ts';
import { HOSTILE_ADMISSION } from './hostile-admission.ts';
import { HOSTILE_GUESTS } from './hostile-guests.ts';
import { HOSTILE_HOST_CALLS } from './hostile-host-calls.ts';

/** A module written to harm its host, and the only way in which its run may end. */
export interface Attack {
  /** One of the ten classes that the issue of the sandbox names. */
  readonly class: string;
  readonly name: string;
  readonly wasm: () => Uint8Array<ArrayBuffer>;
  /** Default: ABI call of `run` without arguments. */
  readonly call?: Call;
  readonly limits?: Partial<RunLimits>;
  /** A guest status, `code:…` for a refusal, `fault:…` for a fault of the host. */
  readonly ends: string;
}

export const ATTACKS: readonly Attack[] = [
  ...HOSTILE_ADMISSION,
  ...HOSTILE_GUESTS,
  ...HOSTILE_HOST_CALLS,
];
