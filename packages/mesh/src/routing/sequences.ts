import {
  type Did,
  decodeBase64url,
  encodeBase64url,
  equalBytes,
  type Signer,
  sealEnvelope,
  type Verifier,
  verifySignature,
} from '@zerostate/shared';
import { INTRODUCTIONS_BURST, INTRODUCTIONS_PER_S } from '../limits.ts';
import type { MeshPorts } from '../options.ts';
import { Bucket } from '../tasks/bucket.ts';
import type { ProvenDistance } from './distance-vector.ts';
import type { KeyNames } from './key-names.ts';
import { ROUTING_LIMITS } from './limits.ts';
import { earlierValue, RoundChain, VALUE_BYTES } from './round-chain.ts';

const TYPE = 'mesh.rounds';

/** What shows that a node had come to a round of its own. */
export interface Proof {
  readonly sequence: number;
  readonly value: Uint8Array;
  /** The first round of the chain, and the node's signature of the chain. */
  readonly first: number;
  readonly signature: Uint8Array;
}

export interface SequencesParts {
  readonly network: string;
  readonly signer: Signer;
  readonly verifier: Verifier;
  readonly ports: Pick<MeshPorts, 'clock' | 'rng'>;
  readonly names: KeyNames;
}

/**
 * The newest sequence of every destination, proven by it. Distances are claims of whoever tells
 * them, but without a proof one liar could claim a later round for any node, and every honest word
 * about that node would be old news everywhere.
 */
export class Sequences {
  readonly #parts: SequencesParts;
  #own: { chain: RoundChain; signature: Uint8Array } | null;
  /** In the order of their last news. */
  readonly #newest = new Map<Did, Proof>();
  readonly #introductions = new Map<Did, Bucket>();

  constructor(parts: SequencesParts) {
    this.#parts = parts;
    this.#own = null;
  }

  /** This node came to a round. */
  async reach(sequence: number): Promise<void> {
    const { did } = this.#parts.signer;
    if (this.#own?.chain.at(sequence) === undefined) this.#own = await this.#chainFrom(sequence);
    const { chain, signature } = this.#own;
    const value = chain.at(sequence);
    if (value !== undefined) this.#keep(did, { sequence, value, first: chain.first, signature });
  }

  /** The newest that is known of a node. */
  newest(did: Did): Proof | undefined {
    return this.#newest.get(did);
  }

  /**
   * The lines of a neighbour's vector that may be believed; null when one is forged. A chain that
   * was never seen costs a signature: a neighbour may bring a few at once.
   */
  async checked(from: Did, lines: readonly ProvenDistance[]): Promise<ProvenDistance[] | null> {
    const believed: ProvenDistance[] = [];
    for (const line of lines) {
      const known = this.#newest.get(line.peer);
      if (known === undefined || line.sequence > known.sequence) {
        const isContinued = known?.first === line.first;
        const proven =
          (isContinued ? this.#continued(line, known) : null) ??
          (await this.#introduced(from, line, isContinued));
        if (proven === 'forged') return null;
        if (proven === 'unknown') continue;
        this.#keep(line.peer, proven);
      }
      believed.push(line);
    }
    return believed;
  }

  /** The neighbour is gone. */
  left(peer: Did): void {
    this.#introductions.delete(peer);
  }

  /** Null when the value does not lead to what is known of this chain. */
  #continued({ peer, sequence, value }: ProvenDistance, known: Proof): Proof | null {
    const key = this.#parts.names.key(peer);
    const earlier = earlierValue(key, value, sequence, known.sequence);
    return equalBytes(earlier, known.value) ? { ...known, sequence, value } : null;
  }

  /**
   * A chain that is not known, by its signature. Or a guess at one that is: a node that started
   * again within one round has two chains with one beginning, so the signature says; but whoever
   * guesses pays for it as for a new chain.
   */
  async #introduced(
    from: Did,
    line: ProvenDistance,
    isGuess: boolean,
  ): Promise<Proof | 'forged' | 'unknown'> {
    const { peer, sequence, first, value, signature } = line;
    if (signature === null && !isGuess) return 'unknown';
    if (!this.#bucketOf(from).take(1)) return isGuess ? 'forged' : 'unknown';
    if (signature === null) return 'unknown';
    const { network, verifier, names } = this.#parts;
    const anchor = earlierValue(names.key(peer), value, sequence, first - 1);
    const by = { by: peer, sig: encodeBase64url(signature) };
    const isSigned = await verifySignature(
      network,
      TYPE,
      bodyOf(peer, first, anchor),
      by,
      verifier,
    );
    return isSigned ? { sequence, value, first, signature } : 'forged';
  }

  async #chainFrom(first: number): Promise<{ chain: RoundChain; signature: Uint8Array }> {
    const { network, signer, ports, names } = this.#parts;
    const chain = new RoundChain(names.key(signer.did), first, ports.rng.bytes(VALUE_BYTES));
    const body = bodyOf(signer.did, first, chain.anchor);
    const { sigs } = await sealEnvelope(network, TYPE, body, signer);
    const signature = decodeBase64url(sigs[0]?.sig ?? '');
    if (!signature.ok) throw new TypeError('a signature is no base64url');
    return { chain, signature: signature.value };
  }

  #keep(did: Did, proof: Proof): void {
    // While this one was checked, a later one may have come another way.
    if ((this.#newest.get(did)?.sequence ?? -1) >= proof.sequence) return;
    this.#newest.delete(did);
    this.#newest.set(did, proof);
    if (this.#newest.size <= ROUTING_LIMITS.destinationsMax) return;
    const oldest = this.#newest.keys().next();
    if (!oldest.done) this.#newest.delete(oldest.value);
  }

  #bucketOf(from: Did): Bucket {
    const known = this.#introductions.get(from);
    if (known !== undefined) return known;
    const { clock } = this.#parts.ports;
    const bucket = new Bucket(clock, INTRODUCTIONS_PER_S, INTRODUCTIONS_BURST);
    this.#introductions.set(from, bucket);
    return bucket;
  }
}

function bodyOf(did: Did, first: number, anchor: Uint8Array): Record<string, string> {
  return { did, first: String(first), anchor: encodeBase64url(anchor) };
}
