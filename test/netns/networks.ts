import { execFileSync } from 'node:child_process';

/** Names are of this process, so that two runs do not meet. */
const TAG = `zs${process.pid % 100_000}`;

/**
 * The relay's addresses, one in each of two public networks. They are of the internet's ranges,
 * because libp2p treats private ones differently; nothing here is connected with the internet.
 */
export const RELAY_AT = { left: '45.0.1.1', right: '45.0.2.1' } as const;

/** Hosts that only the internet of these namespaces has, each in a network of its own. */
export const PUBLIC_HOSTS = ['46.0.0.1', '47.0.0.1', '48.0.0.1'] as const;

export type Side = 'left' | 'right';
/** `left` and `right` are behind a NAT each; `relay` routes the internet; `hosts` is in it. */
export type Place = Side | 'relay' | 'hosts';

const PLACES = ['relay', 'hosts', 'left', 'right', 'leftnat', 'rightnat'] as const;

/** The namespace of a place. */
export function namespaceOf(place: (typeof PLACES)[number]): string {
  return `${TAG}-${place}`;
}

function run(command: string, args: readonly string[], input = ''): void {
  execFileSync(command, args, { stdio: 'pipe', input });
}

function ip(...args: string[]): void {
  run('ip', args);
}

/**
 * Two private networks, each behind a router that translates addresses and lets nobody in, and an
 * internet in which the relay is. Says what is missing where the machine does not allow that.
 */
export function buildNetworks(): void {
  try {
    for (const place of PLACES) {
      ip('netns', 'add', namespaceOf(place));
      ip('-n', namespaceOf(place), 'link', 'set', 'lo', 'up');
    }
    for (const side of ['left', 'right'] as const) buildSide(side);
    buildHosts();
    forward('relay');
  } catch (cause) {
    removeNetworks();
    throw new Error(
      `network namespaces with NAT cannot be built here (${causeOf(cause)}). This suite needs root ` +
        'with CAP_NET_ADMIN and CAP_SYS_ADMIN, iproute2, and nftables or iptables.',
    );
  }
}

function buildSide(side: Side): void {
  const nat = namespaceOf(`${side}nat`);
  const third = side === 'left' ? 1 : 2;
  connect(namespaceOf(side), nat, `${side}-in`, `10.91.${third}.2/24`, `10.91.${third}.1/24`);
  connect(nat, namespaceOf('relay'), `${side}-out`, `45.0.${third}.2/24`, `${RELAY_AT[side]}/24`);
  ip('-n', namespaceOf(side), 'route', 'add', 'default', 'via', `10.91.${third}.1`);
  ip('-n', nat, 'route', 'add', 'default', 'via', RELAY_AT[side]);
  forward(`${side}nat`);
  translate(nat, `${side}-out`);
}

function buildHosts(): void {
  connect(namespaceOf('hosts'), namespaceOf('relay'), 'hosts', '45.0.3.2/24', '45.0.3.1/24');
  ip('-n', namespaceOf('hosts'), 'route', 'add', 'default', 'via', '45.0.3.1');
  for (const host of PUBLIC_HOSTS) {
    ip('-n', namespaceOf('hosts'), 'addr', 'add', `${host}/32`, 'dev', 'lo');
    ip('-n', namespaceOf('relay'), 'route', 'add', `${host}/32`, 'via', '45.0.3.2');
  }
}

/** A cable between two namespaces; it has the same name at both ends. */
function connect(near: string, far: string, name: string, at: string, farAt: string): void {
  ip('-n', near, 'link', 'add', name, 'type', 'veth', 'peer', 'name', name, 'netns', far);
  ip('-n', near, 'addr', 'add', at, 'dev', name);
  ip('-n', far, 'addr', 'add', farAt, 'dev', name);
  ip('-n', near, 'link', 'set', name, 'up');
  ip('-n', far, 'link', 'set', name, 'up');
}

function forward(place: 'relay' | 'leftnat' | 'rightnat'): void {
  ip('netns', 'exec', namespaceOf(place), 'sysctl', '-q', '-w', 'net.ipv4.ip_forward=1');
}

/** What leaves has the router's address; what comes in unasked goes nowhere. */
function translate(namespace: string, out: string): void {
  const rules = `table ip zs {
    chain out { type nat hook postrouting priority 100; oifname "${out}" masquerade; }
    chain through { type filter hook forward priority 0; policy drop;
      iifname != "${out}" accept; ct state established,related accept; }
    chain in { type filter hook input priority 0; policy accept;
      iifname "${out}" ct state new drop; }
  }`;
  try {
    run('ip', ['netns', 'exec', namespace, 'nft', '-f', '-'], rules);
  } catch (cause) {
    try {
      const iptables = (...args: string[]) => ip('netns', 'exec', namespace, 'iptables', ...args);
      iptables('-t', 'nat', '-A', 'POSTROUTING', '-o', out, '-j', 'MASQUERADE');
      const known = ['-m', 'conntrack', '--ctstate'];
      iptables('-A', 'FORWARD', '-i', out, ...known, 'NEW', '-j', 'DROP');
      iptables('-A', 'INPUT', '-i', out, ...known, 'NEW', '-j', 'DROP');
    } catch (second) {
      throw new Error(`nft: ${causeOf(cause)}; iptables: ${causeOf(second)}`);
    }
  }
}

function causeOf(cause: unknown): string {
  const stderr: unknown = Reflect.get(Object(cause), 'stderr');
  const said = stderr instanceof Uint8Array ? String(stderr).trim() : '';
  return said === '' ? (cause instanceof Error ? cause.message : String(cause)) : said;
}

/** Takes the namespaces down; their links and rules go with them. */
export function removeNetworks(): void {
  for (const place of PLACES) {
    try {
      ip('netns', 'del', namespaceOf(place));
    } catch {
      // It was never made: the first failure is the one to read.
    }
  }
}

/** Takes a side's cable out, or puts it in again. */
export function setCable(side: Side, state: 'up' | 'down'): void {
  ip('-n', namespaceOf(`${side}nat`), 'link', 'set', `${side}-in`, state);
}
