import { readFileSync } from 'node:fs';
import { PROJECTION } from '../../src/embed/use-lite/image.ts';

/** Int8 [128][512] and an f32 scale a row, little-endian; made by `scripts/fit-projection.ts`. */
export const PROJECTION_FILE = new URL('../../encoder/projection.bin', import.meta.url);

export function readProjection(): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from(readFileSync(PROJECTION_FILE));
  const wanted = PROJECTION.rows * (PROJECTION.columns + 4);
  if (bytes.length !== wanted) throw new Error(`projection.bin: ${bytes.length} bytes`);
  return bytes;
}
