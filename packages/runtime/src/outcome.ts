/** What a run asks for. */
export type Call =
  | {
      /** WASI preview 1 command: `_start`, with `agent` before the arguments as args[0]. */
      abi: 'wasi';
      args: readonly string[];
      /** Standard input. */
      input: Uint8Array;
    }
  | {
      /** Plain call of an exported function; arguments are decimal i32 or i64. */
      abi: 'call';
      fn: string;
      args: readonly string[];
    };

/** The most that a run may take. */
export interface RunLimits {
  gasMax: bigint;
  /** Pages of 64 KiB. */
  pagesMax: number;
  /** Milliseconds; kept by the sandbox, which alone can stop a run from outside. */
  wallMsMax: number;
  /** Bytes of output. */
  outputMax: number;
}

/** What a guest did: the same on every engine. */
export interface Outcome {
  /** ok | exit:N | trap:kind | out-of-gas | stack-limit | memory-limit | output-limit */
  status: string;
  /** ABI `wasi`: standard output. ABI `call`: the results in decimal, one a line. */
  output: Uint8Array;
  /** Standard error, for people; no receipt binds it. */
  stderr: Uint8Array;
  gas: bigint;
  pagesPeak: number;
  /** sha256 of the whole memory at the end, base64url, where it was asked for. */
  memoryHash?: string;
}

/** The host failed, not the guest: no receipt, try elsewhere. */
export type HostFault =
  | 'host-memory'
  | 'host-stack'
  | 'wall-limit'
  | 'worker-died'
  /** The engine ended a run in a way that the meter does not know. */
  | 'engine';

/** The call does not fit the module or the limits; nothing ran. */
export type CallCode =
  | 'function-unknown'
  | 'signature-unsupported'
  | 'argument-count'
  | 'argument-kind'
  | 'argument-size'
  | 'input-size'
  | 'memory-minimum'
  | 'limits-invalid'
  /** Over what this node allows; the detail names the limit. */
  | 'limits-exceeded';

export type RunFault = { ok: false; fault: HostFault; detail: string };
export type RunRefusal<C extends string = CallCode> = {
  ok: false;
  code: C;
  detail: string;
  /** Byte of the module, where the refusal has a place. */
  offset?: number;
};
export type RunResult = { ok: true; outcome: Outcome } | RunFault | RunRefusal;

/**
 * What engines say at a trap, by kind: V8 (two generations), JavaScriptCore, SpiderMonkey. The
 * first that matches decides.
 */
const TRAP_MESSAGES: readonly (readonly [kind: string, message: RegExp])[] = [
  ['unreachable', /^unreachable/i],
  ['divide-by-zero', /^(integer )?(divide|remainder|division) by zero/i],
  ['integer-overflow', /^(divide result unrepresentable|integer overflow)/i],
  ['invalid-conversion', /^(float unrepresentable|out of bounds trunc|invalid conversion)/i],
  // "Out of bounds call_indirect" (JavaScriptCore) is "table index is out of bounds" (V8).
  ['table-out-of-bounds', /^out of bounds call_indirect/i],
  // Engines do not agree on whether it was null or of another type.
  ['indirect-call', /^(null function|function signature|call_indirect|indirect call)/i],
  ['table-out-of-bounds', /table|^element/i],
  ['memory-out-of-bounds', /memory|data segment|^index out of bounds/i],
];

/** The kind of a trap, or undefined for a message that no known engine gives. */
export function trapKind(message: string): string | undefined {
  // JavaScriptCore adds the source text of the call, which could hold any word.
  const [said = ''] = message.split(' (evaluating');
  return TRAP_MESSAGES.find(([, pattern]) => pattern.test(said))?.[0];
}
