/** How many sockets may be open that have not said who they are. */
import {
  SOCKETS_UNAUTHENTICATED_MAX,
  SOCKETS_UNAUTHENTICATED_PER_ADDRESS_MAX,
} from '@zerostate/shared';

export interface SocketGate {
  /** Takes a place, null when there is none. The result gives it back, once. */
  enter(address: string): (() => void) | null;
}

export function createSocketGate(): SocketGate {
  const byAddress = new Map<string, number>();
  let total = 0;
  return {
    enter(address) {
      const count = byAddress.get(address) ?? 0;
      if (total >= SOCKETS_UNAUTHENTICATED_MAX) return null;
      // Behind a platform that names no peer, only the total counts.
      if (address !== '' && count >= SOCKETS_UNAUTHENTICATED_PER_ADDRESS_MAX) return null;
      total++;
      byAddress.set(address, count + 1);
      let isInside = true;
      return () => {
        if (!isInside) return;
        isInside = false;
        total--;
        const left = (byAddress.get(address) ?? 1) - 1;
        if (left === 0) byAddress.delete(address);
        else byAddress.set(address, left);
      };
    },
  };
}
