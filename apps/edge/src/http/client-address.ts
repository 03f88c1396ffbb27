/** The address that a request came from, past the proxies that are trusted to say so. */

/** `::ffff:127.0.0.1` is 127.0.0.1 on a socket that serves both families. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

/**
 * The last address in X-Forwarded-For that no trusted proxy added. Without a trusted peer the
 * header is a stranger's claim and is not read.
 */
export function clientAddress(
  peer: string,
  forwardedFor: string | undefined,
  trusted: readonly string[],
): string {
  let address = plainAddress(peer);
  if (forwardedFor === undefined || !trusted.includes(address)) return address;
  const hops = forwardedFor.split(',').reverse();
  for (const hop of hops.slice(0, 16)) {
    address = plainAddress(hop.trim()).slice(0, 64);
    if (!trusted.includes(address)) return address;
  }
  return address;
}

export function isLoopback(address: string): boolean {
  return address === '::1' || /^127\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}$/.test(address);
}
