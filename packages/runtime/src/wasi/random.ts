import { sha256 } from '@noble/hashes/sha2.js';

/**
 * Random bytes that are the same for everyone who runs the task: xoshiro128** (Blackman and Vigna,
 * "Scrambled linear pseudorandom number generators", 2021), its state the first 16 bytes of
 * sha256("ZS1 wasi" || task id) as four little-endian words. They are public, like the task id: a
 * guest cannot make a secret here.
 */
export class TaskRandom {
  private readonly taskId: string;
  private state: Uint32Array<ArrayBuffer> | undefined;
  private word = 0;
  private bytesLeft = 0;

  constructor(taskId: string) {
    this.taskId = taskId;
  }

  /** Fills with the next bytes; each word gives its four from the low end. */
  fill(target: Uint8Array): void {
    this.state ??= seed(this.taskId);
    for (let at = 0; at < target.length; at++) {
      if (this.bytesLeft === 0) {
        this.word = next(this.state);
        this.bytesLeft = 4;
      }
      target[at] = this.word & 0xff;
      this.word >>>= 8;
      this.bytesLeft--;
    }
  }
}

function seed(taskId: string): Uint32Array<ArrayBuffer> {
  const digest = sha256(new TextEncoder().encode(`ZS1 wasi${taskId}`));
  const view = new DataView(digest.buffer, digest.byteOffset);
  return Uint32Array.from({ length: 4 }, (_, index) => view.getUint32(index * 4, true));
}

function rotate(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}

function next(state: Uint32Array): number {
  const a = state[0] ?? 0;
  const b = state[1] ?? 0;
  const c = state[2] ?? 0;
  const d = state[3] ?? 0;
  const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
  const second = c ^ a;
  const third = d ^ b;
  state[1] = b ^ second;
  state[0] = a ^ third;
  state[2] = second ^ (b << 9);
  state[3] = rotate(third, 11);
  return result;
}
