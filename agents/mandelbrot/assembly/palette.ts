// 256 colours: 0 is the set itself, 1 to 255 run once round a ring of five colours.

const RING: StaticArray<u32> = [0x000764, 0x206bcb, 0xedffff, 0xffaa00, 0x310230];
const RING_STEPS: i32 = 255 / 5;

/** 256 × red, green, blue. */
export function ringPalette(): Uint8Array {
  const colours = new Uint8Array(768);
  for (let i = 1; i < 256; i++) {
    const from = RING[(i - 1) / RING_STEPS];
    const to = RING[((i - 1) / RING_STEPS + 1) % RING.length];
    const part = (i - 1) % RING_STEPS;
    for (let channel = 0; channel < 3; channel++) {
      const shift = 16 - 8 * channel;
      const a = <i32>((from >> shift) & 255);
      const b = <i32>((to >> shift) & 255);
      colours[3 * i + channel] = <u8>(a + ((b - a) * part) / RING_STEPS);
    }
  }
  return colours;
}

/**
 * The colour of an escape time. The square root lets colours change fast where times are
 * small and slowly where they are large; it is exactly rounded on every machine.
 */
export function colourOf(steps: i32, limit: i32): u8 {
  if (steps >= limit) return 0;
  return <u8>(1 + (<i32>(Math.sqrt(<f64>steps) * 24) % 255));
}
