/** Which of the hubs a DID's link or a topic belongs to. */

/** Hubs of one deployment; more spread the links, and changing it moves them all once. */
export const HUBS = 64;

/** `hub-` and a number from 0: FNV-1a (32 bit) of the key modulo the number of hubs. */
export function hubName(key: string, hubs: number = HUBS): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) {
    hash ^= key.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  return `hub-${(hash >>> 0) % hubs}`;
}
