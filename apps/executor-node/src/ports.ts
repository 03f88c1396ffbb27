/** What the node needs from its surroundings. The real ones are in adapters/. */

export interface Clock {
  /** ms since the epoch. */
  now(): number;
}

export interface Rng {
  /** Bytes that nobody can guess: sessions and jitter are made of them. */
  bytes(length: number): Uint8Array;
}

/** Stops what a timer would have done; harmless afterwards. */
export type Cancel = () => void;

export interface Timers {
  after(ms: number, f: () => void): Cancel;
  every(ms: number, f: () => void): Cancel;
}

/** One WebSocket. After `close` nothing is heard of it but `closed`. */
export interface Socket {
  send(text: string): void;
  close(): void;
}

export interface SocketEvents {
  open(): void;
  message(text: string): void;
  /** Once, however the socket ended. `reason` is for people. */
  closed(reason: string): void;
}

export type Dial = (url: string, events: SocketEvents) => Socket;

/** A line of the node's journal: what happened, and its figures. */
export interface Log {
  info(event: string, fields?: Record<string, unknown>): void;
  warn(event: string, fields?: Record<string, unknown>): void;
  error(event: string, fields?: Record<string, unknown>): void;
}

/** How a module is called: execution.md, Running. */
export type SandboxCall =
  | { abi: 'wasi'; args: readonly string[]; stdin: Uint8Array }
  | { abi: 'call'; fn: string; args: readonly string[] };

export interface SandboxLimits {
  gasMax: bigint;
  pagesMax: number;
  wallMsMax: number;
  outputMax: number;
}

export interface SandboxTask {
  wasm: Uint8Array;
  call: SandboxCall;
  limits: SandboxLimits;
  taskId: string;
}

/** What a guest did; the same wherever it runs. */
export interface GuestOutcome {
  ok: true;
  /** `ok`, `exit:N`, `trap:kind`, `out-of-gas` … */
  status: string;
  output: Uint8Array;
  gas: bigint;
  pagesPeak: number;
  wallMs: number;
}

/** The host failed, the guest is not to blame: no receipt. */
export interface HostFault {
  ok: false;
  /** `wall-limit`, `host-memory`, `worker-died` … */
  code: string;
  detail?: string;
}

/** Runs WASM of strangers outside of this process. */
export interface Sandbox {
  /** `netns`: no network at all. `imports-only`: no import reaches the network. */
  readonly mode: 'netns' | 'imports-only';
  /** `cgroup`: the kernel ends what takes too much memory. `watchdog`: it is looked at. */
  readonly memory: 'cgroup' | 'watchdog';
  /** Names the cost table that gas is counted with. */
  readonly meter: string;
  /** Tasks it runs at the same time. */
  readonly capacity: number;
  /** The most that a task may ask for here. */
  readonly limits: SandboxLimits;
  admit(wasm: Uint8Array): Promise<{ ok: true } | { ok: false; code: string; detail?: string }>;
  /** Whether a call fits its module and its limits; asked before a task is accepted. */
  check(task: SandboxTask): Promise<{ ok: true } | { ok: false; code: string; detail?: string }>;
  run(task: SandboxTask): Promise<GuestOutcome | HostFault>;
  close(): Promise<void>;
}
