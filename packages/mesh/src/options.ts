import type { Did } from '@zerostate/shared';
import type { Clock, Log, Rng, Timers } from './ports.ts';
import type { RouterMemory } from './routing/memory.ts';

/** What an operator configures. */
export interface MeshConfig {
  /** Multiaddrs to listen on: `/ip4/0.0.0.0/tcp/0/ws`, `/ip4/0.0.0.0/tcp/0`. None: dial only. */
  listen: readonly string[];
  /** Addresses told to others instead of those listened on, for a host behind a proxy. */
  announce?: readonly string[];
  /** Full addresses of nodes that this one starts from. */
  bootstrap?: readonly string[];
  /** Full addresses of relays that this one wants to be reached through. */
  relays?: readonly string[];
  /** Finds nodes on the local network by multicast DNS. */
  mdns?: boolean;
  /** Dials loopback and private addresses that strangers name: for a network of one's own. */
  allowPrivate?: boolean;
  /** DIDs that may connect; all when absent. */
  members?: readonly Did[];
  /** Answers queries of the distributed table. A node that nobody can dial must not. */
  isDhtServer?: boolean;
}

export interface MeshPorts {
  clock: Clock;
  rng: Rng;
  timers: Timers;
  log: Log;
  /** Where what the router learned outlives the process; it starts afresh without one. */
  routerMemory?: RouterMemory;
}
