import { type Did, didFromPublicKey, publicKeyFromDid } from '@zerostate/shared';
import { ROUTING_LIMITS } from './limits.ts';

/** Keys and DIDs of one another, remembered: base58 costs more than everything else on a line. */
export class KeyNames {
  readonly #dids = new Map<string, Did>();
  readonly #keys = new Map<Did, Uint8Array>();

  /** The DID of 32 key bytes. */
  did(key: Uint8Array): Did {
    const text = Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
    const known = this.#dids.get(text);
    if (known !== undefined) return known;
    const did = didFromPublicKey(key);
    this.#remember(did, key.slice(), text);
    return did;
  }

  /** The 32 key bytes of a DID; throws on what is none. */
  key(did: Did): Uint8Array {
    const known = this.#keys.get(did);
    if (known !== undefined) return known;
    const key = publicKeyFromDid(did);
    if (!key.ok) throw new TypeError(`not a DID: ${did}`);
    this.#remember(did, key.value, Buffer.from(key.value).toString('latin1'));
    return key.value;
  }

  #remember(did: Did, key: Uint8Array, text: string): void {
    if (this.#dids.size >= ROUTING_LIMITS.destinationsMax) {
      this.#dids.clear();
      this.#keys.clear();
    }
    this.#dids.set(text, did);
    this.#keys.set(did, key);
  }
}
