/** A node's DID and its libp2p peer id are two spellings of one Ed25519 key. */
import { generateKeyPairFromSeed, publicKeyFromRaw } from '@libp2p/crypto/keys';
import type { PeerId } from '@libp2p/interface';
import { peerIdFromPublicKey, peerIdFromString } from '@libp2p/peer-id';
import type { Multiaddr } from '@multiformats/multiaddr';
import {
  type Did,
  didFromPublicKey,
  err,
  ok,
  publicKeyFromDid,
  type Result,
} from '@zerostate/shared';

/** libp2p's private key from the 32 bytes of the node's key file. */
export function privateKeyFromSeed(seed: Uint8Array) {
  return generateKeyPairFromSeed('Ed25519', seed);
}

/** The DID of a peer; `peer-not-ed25519` for the kinds of keys that no DID here has. */
export function didOfPeer(peer: PeerId): Result<Did, 'peer-not-ed25519'> {
  return peer.type === 'Ed25519'
    ? ok(didFromPublicKey(peer.publicKey.raw))
    : err('peer-not-ed25519');
}

export function peerOfDid(did: Did): Result<PeerId, 'did-invalid'> {
  const key = publicKeyFromDid(did);
  if (!key.ok) return key;
  const publicKey = publicKeyFromRaw(key.value);
  return publicKey.type === 'Ed25519' ? ok(peerIdFromPublicKey(publicKey)) : err('did-invalid');
}

/** The peer id of a DID as multiaddrs spell it: base58btc of the identity multihash (12D3Koo…). */
export function peerIdFromDid(did: Did): Result<string, 'did-invalid'> {
  const peer = peerOfDid(did);
  return peer.ok ? ok(peer.value.toString()) : peer;
}

/** The inverse of {@link peerIdFromDid}; takes base58btc and CID spellings. */
export function didFromPeerId(text: string): Result<Did, 'peer-not-ed25519' | 'peer-invalid'> {
  try {
    return didOfPeer(peerIdFromString(text));
  } catch {
    return err('peer-invalid');
  }
}

/** Whether an address leads through a relay. */
export function isCircuit(address: Multiaddr): boolean {
  return address.getComponents().some(({ name }) => name === 'p2p-circuit');
}
