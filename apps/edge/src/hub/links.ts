/** Accepts sockets: the caps on unknown peers, and one session for each. */

import type { Rng } from '../ports.ts';
import { NONCE_BYTES, newNonce } from './greeting.ts';
import { type LinkDeps, type LinkOwner, LinkSession, type LinkSocket } from './link-session.ts';
import { newLink } from './link-state.ts';
import type { SocketGate } from './socket-gate.ts';

export type LinksDeps = LinkDeps & { rng: Rng; gate: SocketGate };

/** A hub that sessions are added to. */
export type SessionHub = LinkOwner & { add(session: LinkSession): void };

export type Peer = { address: string; origin: string };

export interface Links {
  /** A place for a socket that has not said hello; null when there is none: answer 503. */
  admit(address: string): Place | null;
}

export interface Place {
  /** The socket is open: greets it. */
  accept(socket: LinkSocket, peer: Peer): LinkSession;
  /** The socket never opened. */
  leave(): void;
}

export function createLinks(deps: LinksDeps, hub: SessionHub): Links {
  return {
    admit(address) {
      const leave = deps.gate.enter(address);
      if (leave === null) return null;
      return {
        leave,
        accept(socket, peer) {
          const nonce = newNonce(deps.rng.bytes(NONCE_BYTES));
          const link = newLink({ nonce, ...peer, now: deps.clock.now() });
          const session = new LinkSession(deps, link, socket, {
            opened(opened) {
              leave();
              hub.opened(opened);
            },
            closed(closed) {
              leave();
              hub.closed(closed);
            },
            changed: (changed) => hub.changed(changed),
          });
          hub.add(session);
          session.greet();
          return session;
        },
      };
    },
  };
}
