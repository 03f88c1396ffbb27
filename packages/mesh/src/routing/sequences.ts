import {
  type Did,
  type Signer,
  sealEnvelope,
  type Verifier,
  verifySignature,
} from '@zerostate/shared';
import { INTRODUCTIONS_BURST, INTRODUCTIONS_PER_S } from '../limits.ts';
import type { Clock } from '../ports.ts';
import { Bucket } from '../tasks/bucket.ts';
import type { SignedDistance } from './distance-vector.ts';
import { ROUTING_LIMITS } from './limits.ts';

const TYPE = 'mesh.sequence';

/**
 * The newest sequence of every destination, signed by it. Distances are claims of whoever tells
 * them, but without a signature one liar could claim a later round for any node, and every honest
 * word about that node would be old news everywhere.
 */
export class Sequences {
  readonly #network: string;
  readonly #signer: Signer;
  readonly #verifier: Verifier;
  readonly #clock: Clock;
  /** In the order of their last news. */
  readonly #newest = new Map<Did, { sequence: number; signature: string }>();
  readonly #introductions = new Map<Did, Bucket>();

  constructor(network: string, signer: Signer, verifier: Verifier, clock: Clock) {
    this.#network = network;
    this.#signer = signer;
    this.#verifier = verifier;
    this.#clock = clock;
  }

  /** Signs this node's own round. */
  async sign(sequence: number): Promise<void> {
    const { did } = this.#signer;
    const body = bodyOf(did, sequence);
    const { sigs } = await sealEnvelope(this.#network, TYPE, body, this.#signer);
    this.#keep(did, sequence, sigs[0]?.sig ?? '');
  }

  /** The newest sequence that is known of a node. */
  newestOf(did: Did): { sequence: number; signature: string } | undefined {
    return this.#newest.get(did);
  }

  /** The signature of this very sequence; undefined when it is not known. */
  signatureOf(did: Did, sequence: number): string | undefined {
    const known = this.#newest.get(did);
    return known?.sequence === sequence ? known.signature : undefined;
  }

  /**
   * The lines of a neighbour's vector that may be believed; null when a signature is forged.
   * Admitting a key that was never seen costs a millisecond: a neighbour may bring a few at once.
   */
  async checked(from: Did, lines: readonly SignedDistance[]): Promise<SignedDistance[] | null> {
    const believed: SignedDistance[] = [];
    for (const line of lines) {
      const known = this.#newest.get(line.peer);
      if (known === undefined && !this.#bucketOf(from).take(1)) continue;
      if (known === undefined || line.sequence > known.sequence) {
        const body = bodyOf(line.peer, line.sequence);
        const by = { by: line.peer, sig: line.signature };
        if (!(await verifySignature(this.#network, TYPE, body, by, this.#verifier))) return null;
        this.#keep(line.peer, line.sequence, line.signature);
      }
      believed.push(line);
    }
    return believed;
  }

  /** The neighbour is gone. */
  left(peer: Did): void {
    this.#introductions.delete(peer);
  }

  #keep(did: Did, sequence: number, signature: string): void {
    // While this one was checked, a later one may have come another way.
    if ((this.#newest.get(did)?.sequence ?? -1) >= sequence) return;
    this.#newest.delete(did);
    this.#newest.set(did, { sequence, signature });
    if (this.#newest.size <= ROUTING_LIMITS.destinationsMax) return;
    const oldest = this.#newest.keys().next();
    if (!oldest.done) this.#newest.delete(oldest.value);
  }

  #bucketOf(from: Did): Bucket {
    const known = this.#introductions.get(from);
    if (known !== undefined) return known;
    const bucket = new Bucket(this.#clock, INTRODUCTIONS_PER_S, INTRODUCTIONS_BURST);
    this.#introductions.set(from, bucket);
    return bucket;
  }
}

function bodyOf(did: Did, sequence: number): Record<string, string> {
  return { did, sequence: String(sequence) };
}
