/**
 * A 64-bit checksum against accidents: two MurmurHash3-like lanes over little-endian 32-bit
 * words. The same for any way a stream is cut into parts.
 */
export class Checksum {
  #a = 0x9747b28c;
  #b = 0x85ebca6b;
  #length = 0;
  #pending = 0;
  #pendingBytes = 0;

  update(bytes: Uint8Array): void {
    this.#length += bytes.length;
    let at = 0;
    while (at < bytes.length && (this.#pendingBytes > 0 || (bytes.byteOffset + at) % 4 !== 0)) {
      this.#byte(bytes[at++] ?? 0);
    }
    const words = (bytes.length - at) >>> 2;
    if (words > 0) this.#words(new Uint32Array(bytes.buffer, bytes.byteOffset + at, words));
    for (at += words * 4; at < bytes.length; at++) this.#byte(bytes[at] ?? 0);
  }

  digest(): string {
    const tail = this.#pendingBytes > 0 ? this.#pending : 0;
    const a = finish(this.#a ^ tail ^ this.#length);
    const b = finish(this.#b ^ Math.imul(tail, 0x1b873593) ^ a);
    return [a, b].map((half) => half.toString(16).padStart(8, '0')).join('');
  }

  #byte(byte: number): void {
    this.#pending |= byte << (8 * this.#pendingBytes);
    this.#pendingBytes += 1;
    if (this.#pendingBytes < 4) return;
    this.#words(Uint32Array.of(this.#pending));
    this.#pending = 0;
    this.#pendingBytes = 0;
  }

  #words(words: Uint32Array): void {
    let a = this.#a;
    let b = this.#b;
    for (let i = 0; i < words.length; i++) {
      const word = words[i] ?? 0;
      a = Math.imul((a ^ word) + 0x7f4a7c15, 0xcc9e2d51);
      a = (a << 13) | (a >>> 19);
      b = Math.imul(b + word, 0x9e3779b1) ^ (b >>> 15);
    }
    this.#a = a;
    this.#b = b;
  }
}

function finish(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
