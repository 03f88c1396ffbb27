import type { LocalDeclarations } from './call-graph.ts';
import type { Writer } from './writer.ts';

/**
 * Where a body's locals stand once parameters are added behind its own. As many of the first
 * declared locals give up their places and move behind all others; nothing else is renumbered.
 */
export class LocalLayout {
  private readonly declared: LocalDeclarations;
  private readonly params: number;
  /** Number of declared locals that move. */
  private readonly displaced: number;
  private readonly first: number;
  private readonly types: number[] = [];

  constructor(declared: LocalDeclarations, params: number, addedParams: number) {
    this.declared = declared;
    this.params = params;
    const locals = declared.types.length - params;
    this.displaced = Math.min(addedParams, locals);
    this.first = params + addedParams + locals - this.displaced;
    for (let i = 0; i < this.displaced; i++) this.add(declared.types[params + i] ?? 0);
  }

  /** Declares one more local; gives its index. */
  add(type: number): number {
    return this.first + this.types.push(type) - 1;
  }

  /** Whether a local of the author's has another index now. */
  moves(local: number): boolean {
    return local >= this.params && local < this.params + this.displaced;
  }

  moved(local: number): number {
    return this.first + local - this.params;
  }

  /** Writes the declarations (core spec 5.5.13). */
  write(out: Writer, bytes: Uint8Array): void {
    const { declared, types } = this;
    if (this.displaced === 0) {
      out.u32(declared.groups + types.length);
      out.copy(bytes, declared.start, declared.end);
    } else {
      const groups = grouped(declared.types.subarray(this.params + this.displaced));
      out.u32(groups.length + types.length);
      for (const { count, type } of groups) {
        out.u32(count);
        out.byte(type);
      }
    }
    for (const type of types) out.put(1, type);
  }
}

function grouped(types: Uint8Array): { count: number; type: number }[] {
  const groups: { count: number; type: number }[] = [];
  for (const type of types) {
    const last = groups.at(-1);
    if (last?.type === type) last.count++;
    else groups.push({ count: 1, type });
  }
  return groups;
}
