import { GROUP_BYTES, GROUP_WEIGHTS } from '../../src/embed/use-lite/image.ts';

/** Packed weights as the int8 they stand for: the reference for `assembly/use-lite/unpack.ts`. */
export function unpacked(packed: Uint8Array): Uint8Array<ArrayBuffer> {
  const groups = packed.length / GROUP_BYTES;
  const weights = new Int8Array(groups * GROUP_WEIGHTS);
  for (let group = 0; group < groups; group++) {
    const at = group * GROUP_BYTES;
    const multiplier = packed[at + GROUP_BYTES - 1] ?? 0;
    for (let i = 0; i < GROUP_WEIGHTS; i++) {
      const pair = packed[at + (i >> 1)] ?? 0;
      const nibble = i % 2 === 0 ? pair & 15 : pair >> 4;
      weights[group * GROUP_WEIGHTS + i] = (nibble - 8) * multiplier;
    }
  }
  return new Uint8Array(weights.buffer);
}
