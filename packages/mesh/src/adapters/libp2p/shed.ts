import type { Counters } from '../../counters.ts';

type Refuse<T> = (...args: T[]) => unknown;

/** What is counted of libp2p's own refusals; its components have far more. */
interface Watched {
  connectionManager: { acceptIncomingConnection: Refuse<never> };
  upgrader: { upgradeInbound: Refuse<never> };
}

/**
 * Counts what libp2p sheds without a word: connections past the limits (`connections-refused`) and
 * those that never got through their handshake (`handshakes-failed`).
 */
export function countSheds(counters: Counters): (components: Watched) => object {
  return ({ connectionManager, upgrader }) => {
    const accept = connectionManager.acceptIncomingConnection.bind(connectionManager);
    connectionManager.acceptIncomingConnection = (...args) => {
      const isAccepted = accept(...args);
      if (isAccepted !== true) counters.add('connections-refused');
      return isAccepted;
    };
    const upgrade = upgrader.upgradeInbound.bind(upgrader);
    upgrader.upgradeInbound = async (...args) => {
      try {
        return await upgrade(...args);
      } catch (cause) {
        const isDenied = cause instanceof Error && cause.name === 'ConnectionDeniedError';
        if (!isDenied) counters.add('handshakes-failed');
        throw cause;
      }
    };
    return {};
  };
}
