/** Exit codes: sysexits.h where it has one. */
export const EXIT = { ok: 0, failed: 1, usage: 2, configuration: 78, interrupted: 130 } as const;

/** Failures that the person at the terminal cures by configuration, not by trying again. */
const CONFIGURATION = [
  'key-missing',
  'key-readable',
  'key-invalid',
  'key-exists',
  'edge-url-invalid',
  'wallet-unreadable',
  'order-file-invalid',
  'audit-file-invalid',
  'network-file-invalid',
  'network-invalid',
  'network-differs',
  'bootstrap-missing',
  'address-invalid',
  'wallet-of-another-identity',
  'wallet-of-another-network',
];

/** Ends a command with a message; everything else that is thrown is a bug. */
export class CommandFailure extends Error {
  override name = 'CommandFailure';
  readonly code: string;
  readonly exitCode: number;

  constructor(code: string, message: string, exitCode?: number) {
    super(message);
    this.code = code;
    this.exitCode = exitCode ?? exitCodeOf(code);
  }
}

function exitCodeOf(code: string): number {
  if (code === 'aborted') return EXIT.interrupted;
  if (code === 'usage' || code === 'amount-invalid') return EXIT.usage;
  return CONFIGURATION.includes(code) ? EXIT.configuration : EXIT.failed;
}

type Outcome<T> = { ok: true; value: T } | { ok: false; code: string; detail?: string };

/** The value, or the end of the command with what to do about it. */
export function orFail<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value;
  const { code, detail } = outcome;
  throw new CommandFailure(code, describe(code, detail));
}

/** A code for programs, a detail for people, and advice where there is some. */
export function describe(code: string, detail?: string): string {
  const advice = ADVICE[code];
  return [code, detail, advice].filter((part) => part !== undefined).join(': ');
}

const ADVICE: Readonly<Record<string, string>> = {
  'edge-unreachable': 'is the edge running? Name another with --edge URL or ZS_EDGE',
  'funds-insufficient': 'on a local network, zs account faucet AMOUNT gives play money',
  'agent-not-found': 'no agent on line matches; try other words, or zs search',
  'reference-used': 'it moved money before, and does not again',
  'rail-closed': 'nobody pays out on this network',
  'mesh-no-peers': 'does a --bootstrap node run, and can this machine reach it?',
  'bootstrap-missing': 'give --bootstrap MULTIADDR or ZS_BOOTSTRAP, or --mdns',
  'gateway-none': 'name a --bootstrap node that has an edge, or use --edge',
  'executor-unreachable': 'its node cannot be reached over the mesh; try again, or another agent',
  'executor-offline': 'its node is not connected to this edge; try again later',
  'wallet-of-another-network': 'use another --state for this network',
  'wallet-of-another-identity': 'use another --state for this key',
};

type Parsed<T> =
  | { success: true; data: T }
  | { success: false; error: { issues: readonly { path: PropertyKey[]; message: string }[] } };

/** What the options make, or which of them cannot be. */
export function wellFormed<T>(parsed: Parsed<T>): T {
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new CommandFailure('usage', `${issue?.path.join('.')}: ${issue?.message}`);
}
