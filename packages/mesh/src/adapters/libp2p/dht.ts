import type { KadDHT, SelectFn, SingleKadDHT, ValidateFn } from '@libp2p/kad-dht';
import { peerIdFromMultihash } from '@libp2p/peer-id';
import {
  type Did,
  err,
  fromUtf8,
  ok,
  plainBytes,
  type Result,
  sha256,
  utf8,
} from '@zerostate/shared';
import type { Dht, DhtCode, RecordRules } from '../../ports.ts';
import { didOfPeer } from './identity.ts';

/** kad-dht asks per namespace, the text between the first two slashes of a key. */
export function validatorsOf(rules: Record<string, RecordRules>) {
  const validators: Record<string, ValidateFn> = {};
  const selectors: Record<string, SelectFn> = {};
  for (const [namespace, rule] of Object.entries(rules)) {
    validators[namespace] = async (key, value) => {
      const text = fromUtf8(key);
      if (!text.ok || !(await rule.validate(text.value, value))) {
        throw new Error('record refused');
      }
    };
    selectors[namespace] = (key, values) => {
      const text = fromUtf8(key);
      return text.ok ? rule.select(text.value, values) : 0;
    };
  }
  return { validators, selectors };
}

export class Libp2pDht implements Dht {
  readonly #dht: SingleKadDHT;
  readonly #hasAddress: () => boolean;

  constructor(dht: KadDHT, hasAddress: () => boolean) {
    if (!isSingle(dht)) throw new Error('kad-dht has no routing table where it had one');
    this.#dht = dht;
    this.#hasAddress = hasAddress;
  }

  /** Nobody is in the routing table: a node that just connected is there a moment later. */
  #isAlone(): boolean {
    const { routingTable } = this.#dht;
    return routingTable.size === 0;
  }

  async put(key: string, value: Uint8Array, signal: AbortSignal) {
    if (this.#isAlone()) return err('dht-no-peers');
    return this.#attempt(signal, async () => {
      let stored = 0;
      for await (const event of this.#dht.put(utf8(key), value, { signal })) {
        // An answer that carries the record back is the proof that the peer validated and kept it.
        if (event.name === 'PEER_RESPONSE' && event.messageName === 'PUT_VALUE') stored += 1;
      }
      return stored;
    });
  }

  async get(key: string, signal: AbortSignal) {
    if (this.#isAlone()) return err('dht-no-peers');
    return this.#attempt(signal, async () => {
      const values: Uint8Array[] = [];
      for await (const event of this.#dht.get(utf8(key), { signal })) {
        if (event.name === 'VALUE') values.push(event.value);
      }
      return values;
    });
  }

  async provide(key: Uint8Array, signal: AbortSignal) {
    // It would be sent, and dropped without a word.
    if (!this.#hasAddress()) return err('dht-no-address');
    return this.#attempt(signal, async () => {
      let told = 0;
      for await (const event of this.#dht.provide(cidOf(key), { signal })) {
        if (event.name === 'PEER_RESPONSE' && event.messageName === 'ADD_PROVIDER') told += 1;
      }
      return told;
    });
  }

  async unprovide(key: Uint8Array): Promise<void> {
    await this.#dht.cancelReprovide(cidOf(key));
  }

  async providers(key: Uint8Array, max: number, signal: AbortSignal) {
    if (this.#isAlone()) return err('dht-no-peers');
    return this.#attempt(signal, async () => {
      const found = new Map<Did, Set<string>>();
      for await (const event of this.#dht.findProviders(cidOf(key), { signal })) {
        if (event.name !== 'PROVIDER') continue;
        for (const { id, multiaddrs } of event.providers) {
          const did = didOfPeer(id);
          if (!did.ok || found.size >= max) continue;
          const known = found.get(did.value) ?? new Set<string>();
          for (const address of multiaddrs) known.add(address.toString());
          found.set(did.value, known);
        }
        if (found.size >= max) break;
      }
      return [...found].map(([did, addresses]) => ({ did, addresses: [...addresses] }));
    });
  }

  async #attempt<T>(signal: AbortSignal, query: () => Promise<T>): Promise<Result<T, DhtCode>> {
    try {
      return ok(await query());
    } catch (cause) {
      if (signal.aborted) return err('deadline');
      const name = cause instanceof Error ? cause.name : '';
      if (name === 'NotFoundError') return err('dht-no-peers');
      return err('dht-failed', cause instanceof Error ? cause.message.slice(0, 200) : name);
    }
  }
}

function isSingle(dht: KadDHT): dht is SingleKadDHT {
  return 'routingTable' in dht;
}

/**
 * Provider records are kept by multihash alone. A peer id of a sha256 multihash is libp2p's own
 * way to a CID with that multihash.
 */
function cidOf(key: Uint8Array) {
  const digest = plainBytes(sha256(key));
  const bytes = Uint8Array.of(0x12, 0x20, ...digest);
  return peerIdFromMultihash({ code: 0x12, size: 32, digest, bytes }).toCID();
}
