/** Every number that bounds a module or a run, with its reason. */

/**
 * What admission refuses by size. A node may lower these; it never changes what an admitted module
 * computes, so two nodes with different limits still agree on every receipt.
 */
export interface AdmitLimits {
  /** Bytes of the module: what a blob may hold (protocol.md, Blobs). */
  readonly moduleBytesMax: number;
  readonly typesMax: number;
  readonly importsMax: number;
  readonly exportsMax: number;
  readonly functionsMax: number;
  readonly globalsMax: number;
  readonly tablesMax: number;
  readonly dataSegmentsMax: number;
  readonly elementSegmentsMax: number;
  /** Function references in all element segments. */
  readonly elementsMax: number;
  /** Parameters, or results, of a function type. */
  readonly aritiesMax: number;
  /** Parameters and locals of a function: each is a slot of the native frame. */
  readonly localsMax: number;
  /** Bytes of a function body: optimising compilers take more than linear time and memory in it. */
  readonly bodyBytesMax: number;
  /** Nesting of blocks: some validators and compilers keep a state for each open block. */
  readonly nestingMax: number;
  /** Height of the operand stack: each operand is a slot of the native frame in baseline tiers. */
  readonly operandsMax: number;
  /** Targets of a br_table. */
  readonly branchTableMax: number;
  /** Frame slots times branch targets: baseline compilers merge every slot at every target. */
  readonly mergesMax: number;
}

export const ADMIT_LIMITS: AdmitLimits = {
  moduleBytesMax: 8 * 1024 * 1024,
  typesMax: 10_000,
  importsMax: 1_000,
  exportsMax: 50_000,
  functionsMax: 200_000,
  globalsMax: 50_000,
  tablesMax: 16,
  dataSegmentsMax: 50_000,
  elementSegmentsMax: 50_000,
  elementsMax: 200_000,
  aritiesMax: 256,
  localsMax: 10_000,
  bodyBytesMax: 1024 * 1024,
  nestingMax: 5_000,
  operandsMax: 10_000,
  branchTableMax: 65_520,
  mergesMax: 20_000_000,
};

/**
 * Constants that change what a metered module computes. They are hashed into the meter's name
 * together with the cost table.
 */
export const PROFILE = {
  /** Pages of 64 KiB that WebAssembly 2.0 can address (core spec 4.2.8). */
  memoryPagesMax: 65_536,
  /**
   * Maximum written into every table, and the sum of all minima. Engines hold 24 to 40 bytes an
   * entry outside of any limit of ours: 10 million entries kill a process.
   */
  tableEntriesMax: 100_000,
  /** Estimated native stack bytes that counted functions may use; see docs/adr/0011. */
  stackBytesMax: 384 * 1024,
  /** Longest chain of functions that are not counted, in the same unit. */
  uncountedBytesMax: 64 * 1024,
  /** Bytes on fd 2. A program that writes more ends with `output-limit`. */
  stderrBytesMax: 256 * 1024,
} as const;

/** What a run refuses by size before anything is charged. */
export const RUN_LIMITS = {
  /** Far above any run, far below where an int64 counter could wrap. */
  gasMax: 1n << 60n,
  argumentsMax: 1_024,
  argumentBytesMax: 64 * 1024,
  inputBytesMax: 256 * 1024 * 1024,
} as const;
