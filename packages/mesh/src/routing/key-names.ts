import { type Did, didFromPublicKey, publicKeyFromDid } from '@zerostate/shared';
import { ROUTING_LIMITS } from './limits.ts';
import { KEY_BYTES } from './round-chain.ts';

interface Named {
  readonly did: Did;
  readonly words: Int32Array;
}

/** Keys and DIDs of one another, remembered: base58 costs more than everything else on a line. */
export class KeyNames {
  /** By a key's first word; of two keys that share it the later one is remembered. */
  readonly #dids = new Map<number, Named>();
  readonly #keys = new Map<Did, Uint8Array>();

  /** The DID of the 32 key bytes that begin at `at`. */
  did(bytes: DataView, at: number): Did {
    const known = this.#dids.get(bytes.getInt32(at, true));
    if (known !== undefined && isKey(known.words, bytes, at)) return known.did;
    const key = new Uint8Array(bytes.buffer, bytes.byteOffset + at, KEY_BYTES).slice();
    const did = didFromPublicKey(key);
    this.#remember(did, key);
    return did;
  }

  /** The 32 key bytes of a DID; throws on what is none. */
  key(did: Did): Uint8Array {
    const known = this.#keys.get(did);
    if (known !== undefined) return known;
    const key = publicKeyFromDid(did);
    if (!key.ok) throw new TypeError(`not a DID: ${did}`);
    this.#remember(did, key.value);
    return key.value;
  }

  #remember(did: Did, key: Uint8Array): void {
    if (this.#keys.size >= ROUTING_LIMITS.destinationsMax) {
      this.#dids.clear();
      this.#keys.clear();
    }
    const view = new DataView(key.buffer, key.byteOffset);
    const words = Int32Array.from({ length: KEY_BYTES / 4 }, (_, n) => view.getInt32(n * 4, true));
    this.#dids.set(words[0] ?? 0, { did, words });
    this.#keys.set(did, key);
  }
}

function isKey(words: Int32Array, bytes: DataView, at: number): boolean {
  for (let n = 1; n < words.length; n++) {
    if (words[n] !== bytes.getInt32(at + n * 4, true)) return false;
  }
  return true;
}
