/** Accepts sockets: the caps on unknown peers, and one session for each. */
import { clientAddress } from '../http/client-address.ts';
import type { Cancel, Rng } from '../ports.ts';
import { NONCE_BYTES, newNonce } from './greeting.ts';
import { type LinkDeps, type LinkOwner, LinkSession, type LinkSocket } from './link-session.ts';
import { type LinkState, newLink } from './link-state.ts';
import type { LeavePlace, SocketGate } from './socket-gate.ts';

export type LinksDeps = LinkDeps & {
  rng: Rng;
  gate: SocketGate;
  /** Addresses whose X-Forwarded-For is believed; none where the platform names the peer. */
  trustedProxies?: readonly string[];
};

/** A hub that sessions are added to. */
export type SessionHub = LinkOwner & { add(session: LinkSession): void };

/** `forwardedFor`: the X-Forwarded-For of the upgrade request. */
export type Caller = { address: string; forwardedFor?: string | null | undefined };

export interface Links {
  /** A place for a socket that has not said hello; null when there is none: answer 503. */
  admit(caller: Caller): Place | null;
  /** As `admit`, but may answer a little later; at once where there is room. The result gives up. */
  wait(caller: Caller, answer: (place: Place | null) => void): Cancel;
}

export interface Place {
  /**
   * The socket is open: greets it. An unknown peer keeps its place until the session has ended, or,
   * where the runtime can cut a peer that ignores the end, until `leave` says the socket is closed.
   */
  accept(socket: LinkSocket, origin: string, until?: 'ended' | 'closed'): LinkSession;
  /** The socket never opened, or is closed. The second time does nothing. */
  leave(): void;
}

export function createLinks(deps: LinksDeps, hub: SessionHub): Links {
  const { gate, trustedProxies = [] } = deps;
  // Behind a proxy every peer would share its eight places.
  const addressOf = ({ address, forwardedFor }: Caller) =>
    clientAddress(address, forwardedFor ?? undefined, trustedProxies);
  const guest = (address: string, leave: LeavePlace | null) =>
    leave === null ? null : new Guest(deps, hub, address, leave);
  return {
    admit(caller) {
      const address = addressOf(caller);
      return guest(address, gate.enter(address));
    },
    wait(caller, answer) {
      const address = addressOf(caller);
      return gate.wait(address, (leave) => answer(guest(address, leave)));
    },
  };
}

const NOTHING = () => {};

/** An unknown peer: gives its place back once it is known or gone. */
class Guest implements Place, LinkOwner {
  readonly #deps: LinksDeps;
  readonly #hub: SessionHub;
  readonly #address: string;
  #leave: () => void;
  #isCut: boolean = false;

  constructor(deps: LinksDeps, hub: SessionHub, address: string, leave: () => void) {
    this.#deps = deps;
    this.#hub = hub;
    this.#address = address;
    this.#leave = leave;
  }

  accept(socket: LinkSocket, origin: string, until: 'ended' | 'closed' = 'ended'): LinkSession {
    const { clock, rng } = this.#deps;
    this.#isCut = until === 'closed';
    const nonce = newNonce(rng.bytes(NONCE_BYTES));
    const link = newLink({ nonce, address: this.#address, origin, now: clock.now() });
    const session = new LinkSession(this.#deps, link, socket, this);
    this.#hub.add(session);
    session.greet();
    return session;
  }

  leave(): void {
    this.#leave();
    // A link lives long: what counted its place is not kept with it.
    this.#leave = NOTHING;
  }

  opened(session: LinkSession): void {
    this.leave();
    this.#hub.opened(session);
  }

  closed(session: LinkSession): void {
    if (!this.#isCut) this.leave();
    this.#hub.closed(session);
  }

  changed(session: LinkSession): void {
    this.#hub.changed(session);
  }
}

/**
 * A session that slept with its socket. Null when it slept in the middle of its hello: what was
 * being checked is lost, and the executor dials again.
 */
export function restoreSession(
  deps: LinksDeps,
  hub: SessionHub,
  link: LinkState,
  socket: LinkSocket,
): LinkSession | null {
  if (link.phase === 'verifying' || link.phase === 'closed') return null;
  const leave = link.phase === 'greeting' ? deps.gate.enter(link.address) : () => {};
  if (leave === null) return null;
  // What arrived and was not processed comes again: it was not acknowledged.
  const state = { ...link, received: link.processed };
  const session = new LinkSession(deps, state, socket, new Guest(deps, hub, link.address, leave));
  if (link.phase === 'greeting') hub.add(session);
  else hub.opened(session);
  return session;
}
