import { digestSha256, sha256Base64url } from '@zerostate/shared';

/** Below this the plain function is faster than the way to a thread and back. */
const SMALL_BYTES = 4_096;

/** sha256 as it stands on the wire, by whichever implementation suits the length. */
export function hashBytes(bytes: Uint8Array): Promise<string> {
  return bytes.length <= SMALL_BYTES
    ? Promise.resolve(sha256Base64url(bytes))
    : digestSha256(bytes);
}
