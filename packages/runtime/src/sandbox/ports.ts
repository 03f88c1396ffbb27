/** What the pool needs of the operating system; the adapter is Node's, tests hand in their own. */
export interface SandboxPorts {
  /** Milliseconds of a clock that never goes back. */
  now(): number;
  /** Calls back once after this many milliseconds; the result cancels it. */
  after(ms: number, call: () => void): () => void;
  /** Starts a worker process. */
  spawn(events: ProcessEvents): WorkerProcess;
  /** Resident bytes of a process, or undefined where that cannot be told. */
  residentBytes(pid: number): Promise<number | undefined>;
}

export interface ProcessEvents {
  /** A piece of what the process wrote to its standard output. */
  data(chunk: Uint8Array): void;
  /** The process is gone; the reason is for people. */
  exit(reason: string): void;
}

export interface WorkerProcess {
  readonly pid: number;
  write(bytes: Uint8Array): void;
  /** Ends it at once, whatever it does (SIGKILL). */
  kill(): void;
  /** Closes its input, at which it ends when it is idle. */
  end(): void;
}
