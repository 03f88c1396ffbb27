/**
 * A guest's memory, read and written by host functions. Every access is checked against the size
 * the memory has now; pointers come as i32 and count as unsigned.
 */
export class GuestMemory {
  private memory: WebAssembly.Memory | undefined;
  private buffer: ArrayBufferLike = new ArrayBuffer(0);
  private view: DataView<ArrayBufferLike> = new DataView(new ArrayBuffer(0));

  bind(memory: WebAssembly.Memory): void {
    this.memory = memory;
  }

  /** The bytes of a range, or undefined where it does not lie in the memory. */
  range(pointer: number, length: number): Uint8Array | undefined {
    const start = pointer >>> 0;
    const size = length >>> 0;
    const { buffer } = this.current();
    return start + size <= buffer.byteLength ? new Uint8Array(buffer, start, size) : undefined;
  }

  u32(pointer: number): number | undefined {
    const view = this.current();
    const at = pointer >>> 0;
    return at + 4 <= view.byteLength ? view.getUint32(at, true) : undefined;
  }

  u64(pointer: number): bigint | undefined {
    const view = this.current();
    const at = pointer >>> 0;
    return at + 8 <= view.byteLength ? view.getBigUint64(at, true) : undefined;
  }

  /** False where the four bytes do not lie in the memory. */
  setU32(pointer: number, value: number): boolean {
    const view = this.current();
    const at = pointer >>> 0;
    if (at + 4 > view.byteLength) return false;
    view.setUint32(at, value, true);
    return true;
  }

  setU64(pointer: number, value: bigint): boolean {
    const view = this.current();
    const at = pointer >>> 0;
    if (at + 8 > view.byteLength) return false;
    view.setBigUint64(at, value, true);
    return true;
  }

  private current(): DataView<ArrayBufferLike> {
    const buffer = this.memory?.buffer ?? this.buffer;
    // Growing replaces the buffer.
    if (buffer !== this.buffer) {
      this.buffer = buffer;
      this.view = new DataView(buffer);
    }
    return this.view;
  }
}
