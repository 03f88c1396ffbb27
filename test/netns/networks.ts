import { execFileSync } from 'node:child_process';

/** Names are of this process, so that two runs do not meet. */
const TAG = `zs${process.pid % 10_000}`;

/** Addresses of the relay's ends of the two private networks. */
export const RELAY_IN = { left: '10.91.1.1', right: '10.91.2.1' } as const;

export type Side = 'left' | 'right';
export type Place = Side | 'relay';

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: 'pipe' });
}

/** The namespace of a place. */
export function namespaceOf(place: Place): string {
  return `${TAG}-${place}`;
}

/**
 * Two private networks and a relay with a foot in each. Nothing is forwarded: the two cannot send
 * each other a packet, whatever they know of their addresses, and nobody can dial into them.
 */
export function buildNetworks(): void {
  for (const place of ['relay', 'left', 'right'] as const) {
    ip('netns', 'add', namespaceOf(place));
    ip('-n', namespaceOf(place), 'link', 'set', 'lo', 'up');
  }
  for (const [i, side] of (['left', 'right'] as const).entries()) {
    const [near, far] = [`${TAG}n${i}`, `${TAG}f${i}`];
    ip('link', 'add', near, 'type', 'veth', 'peer', 'name', far);
    ip('link', 'set', near, 'netns', namespaceOf(side));
    ip('link', 'set', far, 'netns', namespaceOf('relay'));
    ip('-n', namespaceOf(side), 'addr', 'add', `10.91.${i + 1}.2/24`, 'dev', near);
    ip('-n', namespaceOf('relay'), 'addr', 'add', `${RELAY_IN[side]}/24`, 'dev', far);
    ip('-n', namespaceOf(side), 'link', 'set', near, 'up');
    ip('-n', namespaceOf('relay'), 'link', 'set', far, 'up');
    // Everything else is beyond the relay's end, as behind any router.
    ip('-n', namespaceOf(side), 'route', 'add', 'default', 'via', RELAY_IN[side]);
  }
  const forwarding = ['netns', 'exec', namespaceOf('relay'), 'sysctl', '-q', '-w'];
  ip(...forwarding, 'net.ipv4.ip_forward=0');
}

/** Takes the namespaces down; their links go with them. */
export function removeNetworks(): void {
  for (const place of ['relay', 'left', 'right'] as const) {
    try {
      ip('netns', 'del', namespaceOf(place));
    } catch {
      // It was never made: the first failure is the one to read.
    }
  }
}

/** Takes a side's cable out, or puts it in again. */
export function setCable(side: Side, state: 'up' | 'down'): void {
  const far = `${TAG}f${side === 'left' ? 0 : 1}`;
  ip('-n', namespaceOf('relay'), 'link', 'set', far, state);
}
