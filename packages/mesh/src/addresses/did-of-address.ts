import { type Did, err, type Result } from '@zerostate/shared';
import { didFromPeerId } from '../adapters/libp2p/identity.ts';

/** The DID at the end of a full address: of what follows the last `/p2p/`. */
export function didOfAddress(address: string): Result<Did, 'address-invalid'> {
  const peer = /\/p2p\/([1-9A-HJ-NP-Za-km-z]{1,128})$/.exec(address)?.[1];
  const did = peer === undefined ? null : didFromPeerId(peer);
  return did?.ok === true ? did : err('address-invalid', address.slice(0, 200));
}
