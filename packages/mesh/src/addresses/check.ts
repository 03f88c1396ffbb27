import { multiaddr } from '@multiformats/multiaddr';
import { didOfAddress } from './did-of-address.ts';

/** Whether a text is a multiaddr. */
export function isAddress(text: string): boolean {
  try {
    return multiaddr(text).getComponents().length > 0;
  } catch {
    return false;
  }
}

/** Whether a text is a multiaddr that ends in the peer id of a DID: one that can be dialled. */
export function isPeerAddress(text: string): boolean {
  return isAddress(text) && didOfAddress(text).ok;
}
