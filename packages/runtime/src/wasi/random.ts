import { sha256 } from '@noble/hashes/sha2.js';

const BLOCK_BYTES = 32;

/**
 * Random bytes that are the same for everyone who runs the task: block k is
 * sha256(seed || k as 8 bytes, little-endian) with seed = sha256("ZS1 wasi" || task id).
 */
export class TaskRandom {
  private readonly taskId: string;
  private message: DataView | undefined;
  private block = new Uint8Array(0);
  private used = 0;
  private next = 0n;

  constructor(taskId: string) {
    this.taskId = taskId;
  }

  fill(target: Uint8Array): void {
    for (let at = 0; at < target.length; ) {
      if (this.used === this.block.length) this.nextBlock();
      const size = Math.min(target.length - at, this.block.length - this.used);
      target.set(this.block.subarray(this.used, this.used + size), at);
      this.used += size;
      at += size;
    }
  }

  private nextBlock(): void {
    this.message ??= this.seeded();
    this.message.setBigUint64(BLOCK_BYTES, this.next++, true);
    this.block = sha256(new Uint8Array(this.message.buffer));
    this.used = 0;
  }

  private seeded(): DataView {
    const message = new Uint8Array(BLOCK_BYTES + 8);
    message.set(sha256(new TextEncoder().encode(`ZS1 wasi${this.taskId}`)));
    return new DataView(message.buffer);
  }
}
