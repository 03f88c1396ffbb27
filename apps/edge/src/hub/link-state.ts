/** One link, as plain data: a hub that sleeps keeps it with the socket and goes on from it. */
import type { OutboxDatabase } from '@zerostate/shared';

export type Positions = Record<OutboxDatabase, number>;

export type LinkState = {
  phase: 'greeting' | 'verifying' | 'open' | 'closed';
  /** The edge's, in base64url. */
  nonce: string;
  /** The peer's address, for the caps on sockets that have not said hello; '' when unknown. */
  address: string;
  /** Origin of the upgrade request; what a hello may name where no ORIGINS are configured. */
  origin: string;
  openedAt: number;
  did: string;
  epoch: number;
  session: string;
  /** Highest number of the executor that arrived, and up to which all are processed. */
  received: number;
  processed: number;
  /** Highest number sent from each outbox, and acknowledged by the executor. */
  sent: Positions;
  acked: Positions;
  /** When the peer was last heard. */
  heardAt: number;
};

export function newLink(about: {
  nonce: string;
  address: string;
  origin: string;
  now: number;
}): LinkState {
  return {
    phase: 'greeting',
    nonce: about.nonce,
    address: about.address,
    origin: about.origin,
    openedAt: about.now,
    did: '',
    epoch: 0,
    session: '',
    received: 0,
    processed: 0,
    sent: { ledger: 0, directory: 0 },
    acked: { ledger: 0, directory: 0 },
    heardAt: about.now,
  };
}

/** Messages sent and not yet acknowledged. */
export function inFlight(link: LinkState): number {
  return link.sent.ledger - link.acked.ledger + (link.sent.directory - link.acked.directory);
}
