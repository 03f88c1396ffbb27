import { AdmitCache, METER, type Runner, run } from '@zerostate/runtime';

/** Runs programs to check receipts: in this process, or wherever an entry puts them. */
export interface Rerun {
  /** Names the cost table that the gas is counted with. */
  readonly meter: string;
  readonly run: Runner;
  /** A run will be wanted soon: whatever takes time to start may start now. */
  warm?(): void;
  close(): Promise<void>;
}

/** Metered modules kept in memory, in bytes. */
const MODULE_BYTES_MAX = 64 * 1024 * 1024;

/** Runs in this process, also in a browser. Gas bounds it; the wall clock does not. */
export function createInProcessRerun(): Rerun {
  const modules = new AdmitCache(MODULE_BYTES_MAX);
  return {
    meter: METER,
    async run({ wasm, call, limits, taskId }) {
      const admitted = await modules.admit(wasm);
      return admitted.ok ? run(admitted.module, call, limits, taskId) : admitted;
    },
    async close() {},
  };
}
