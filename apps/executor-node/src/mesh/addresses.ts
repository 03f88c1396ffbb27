import { isPublicIp } from '@zerostate/mesh';

/** A card names at most so many (shared: executor params). */
const TOLD_MAX = 16;

/**
 * The addresses of this node that are worth telling: those that callers elsewhere can reach, by
 * name, by a public address or through a relay at one; private ones only where they are allowed.
 */
export function toldAddresses(addresses: readonly string[], allowPrivate: boolean): string[] {
  const told = addresses.filter((address) => allowPrivate || isPublicHost(address));
  return told.filter((address) => address.length <= 512).slice(0, TOLD_MAX);
}

/** By its first host: for a relayed address that is the relay's. */
function isPublicHost(address: string): boolean {
  const [, kind = '', host = ''] = address.split('/');
  return kind.startsWith('dns') || isPublicIp(host);
}
