import { digestSha256 } from '@zerostate/shared';
import { type AdmitResult, type AdmittedModule, admit } from './admit.ts';
import { ADMIT_LIMITS, type AdmitLimits } from './limits.ts';

/**
 * Keeps admitted modules by their hash, up to a sum of metered bytes; the least recently used go
 * first. One cache belongs to one meter: it lives and dies with the code that counts.
 */
export class AdmitCache {
  private readonly modules = new Map<string, AdmittedModule>();
  /** Hashes of the arrays that were handed in. */
  private readonly hashes = new WeakMap<Uint8Array, string>();
  private readonly bytesMax: number;
  private readonly limits: AdmitLimits;
  private bytes = 0;

  constructor(bytesMax: number, limits: AdmitLimits = ADMIT_LIMITS) {
    this.bytesMax = bytesMax;
    this.limits = limits;
  }

  /** `wasm` is read when the array is first handed in; do not change it afterwards. */
  async admit(wasm: Uint8Array): Promise<AdmitResult> {
    const hash = this.hashes.get(wasm) ?? (await digestSha256(wasm));
    this.hashes.set(wasm, hash);
    const known = this.get(hash);
    if (known !== undefined) return { ok: true, module: known };
    const admitted = await admit(wasm, this.limits);
    if (admitted.ok) this.put(admitted.module);
    return admitted;
  }

  /** A module that was admitted before, by the sha256 of its original bytes. */
  get(hash: string): AdmittedModule | undefined {
    const module = this.modules.get(hash);
    if (module === undefined) return undefined;
    this.modules.delete(hash);
    this.modules.set(hash, module);
    return module;
  }

  private put(module: AdmittedModule): void {
    if (this.modules.has(module.hash)) return;
    this.modules.set(module.hash, module);
    this.bytes += module.instrumented.length;
    for (const [hash, oldest] of this.modules) {
      if (this.bytes <= this.bytesMax || hash === module.hash) return;
      this.modules.delete(hash);
      this.bytes -= oldest.instrumented.length;
    }
  }
}
