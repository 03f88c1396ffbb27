/**
 * Which addresses a node dials on a stranger's word. A card or the table may name any address;
 * dialling loopback, private or metadata addresses for a stranger would let it reach what only
 * this machine can reach.
 */

/** IPv4 ranges that are not the public internet (IANA special-purpose registry, RFC 6890). */
const IP4_NOT_PUBLIC: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  // Link-local, with the metadata services of clouds at 169.254.169.254.
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];

/** Whether a literal IP address is one of the public internet's. Anything else is not. */
export function isPublicIp(text: string): boolean {
  const ip4 = parseIp4(text);
  if (ip4 !== null) return isPublicIp4(ip4);
  const ip6 = parseIp6(text);
  return ip6 !== null && isPublicIp6(ip6);
}

/** The ranges of local networks: RFC 1918, and unique local addresses (RFC 4193). */
const IP4_LAN: readonly (readonly [string, number])[] = [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
];

/** Whether a literal IP address is of a local network; loopback and link-local ones are not. */
export function isLanIp(text: string): boolean {
  const ip4 = parseIp4(text);
  if (ip4 !== null) return isIn(IP4_LAN, ip4);
  const first = parseIp6(text)?.[0] ?? 0;
  return first >= 0xfc00 && first <= 0xfdff;
}

function isPublicIp4(address: number): boolean {
  return !isIn(IP4_NOT_PUBLIC, address);
}

function isIn(ranges: readonly (readonly [string, number])[], address: number): boolean {
  return ranges.some(([network, bits]) => {
    const shift = 2 ** (32 - bits);
    return Math.floor(address / shift) === Math.floor((parseIp4(network) ?? 0) / shift);
  });
}

/** Only 2000::/3 is global unicast (RFC 4291), without what embeds an IPv4 address or is reserved
 * in it: Teredo 2001::/32, documentation 2001:db8::/32 and 3fff::/20, ORCHID, 6to4 2002::/16. */
function isPublicIp6(groups: readonly number[]): boolean {
  const [first = 0, second = 0] = groups;
  if (first === 0x64 && second === 0xff9b && groups.slice(2, 6).every((group) => group === 0)) {
    // NAT64 (RFC 6052): as public as the IPv4 address inside.
    return isPublicIp4((groups[6] ?? 0) * 65_536 + (groups[7] ?? 0));
  }
  if (first < 0x2000 || first > 0x3fff) return false;
  if (first === 0x2002 || (first === 0x3fff && second < 0x1000)) return false;
  return !(first === 0x2001 && (second < 0x200 || second === 0xdb8));
}

function parseIp4(text: string): number | null {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part))) return null;
  const numbers = parts.map(Number);
  if (numbers.some((number) => number > 255)) return null;
  return numbers.reduce((sum, number) => sum * 256 + number, 0);
}

function parseIp6(text: string): number[] | null {
  const [head = '', tail, ...rest] = text.toLowerCase().split('%')[0]?.split('::') ?? [];
  if (rest.length > 0) return null;
  const left = groupsOf(head);
  const right = tail === undefined ? [] : groupsOf(tail);
  if (left === null || right === null) return null;
  const missing = 8 - left.length - right.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  return [...left, ...new Array<number>(missing).fill(0), ...right];
}

function groupsOf(text: string): number[] | null {
  if (text === '') return [];
  const groups: number[] = [];
  for (const part of text.split(':')) {
    const ip4 = part.includes('.') ? parseIp4(part) : null;
    if (ip4 !== null) groups.push(Math.floor(ip4 / 65_536), ip4 % 65_536);
    else if (/^[0-9a-f]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return null;
  }
  return groups;
}

/** Names that never mean a public host, whatever a resolver answers. */
const LOCAL_NAME = /(^|\.)(localhost|local|internal|home\.arpa|lan)\.?$/i;

export type Resolve = (name: string) => Promise<readonly string[]>;

/**
 * Whether a host may be dialled for a stranger: an IP address by its range, a name by every
 * address it resolves to. A name without an address may not.
 */
export async function isPublicHost(host: string, resolve: Resolve): Promise<boolean> {
  if (parseIp4(host) !== null || parseIp6(host) !== null) return isPublicIp(host);
  if (LOCAL_NAME.test(host)) return false;
  const addresses = await resolve(host);
  return addresses.length > 0 && addresses.every(isPublicIp);
}
