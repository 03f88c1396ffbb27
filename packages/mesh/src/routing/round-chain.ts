/**
 * One-way chains of rounds (Hu, Johnson & Perrig, "SEAD: Secure efficient distance vector routing",
 * WMCSA 2002). A node signs where a chain begins and gives away one value with each round: whoever
 * holds the value of one round computes those of all rounds before it, and none after it. A round
 * then costs its hearers one hash, where a signature costs a hundred times as much.
 */
import { sha256 } from '@zerostate/shared';
import { ROUTING_LIMITS } from './limits.ts';

export const KEY_BYTES = 32;
export const VALUE_BYTES = 16;
const { chainRounds } = ROUTING_LIMITS;

/** The value of an earlier round: `to` lies at most `chainRounds` before `from`. */
export function earlierValue(
  key: Uint8Array,
  value: Uint8Array,
  from: number,
  to: number,
): Uint8Array {
  const block = new Uint8Array(KEY_BYTES + 4 + VALUE_BYTES);
  const view = new DataView(block.buffer);
  block.set(key);
  let earlier = value;
  for (let round = from; round > to; round--) {
    view.setUint32(KEY_BYTES, round);
    block.set(earlier, KEY_BYTES + 4);
    earlier = sha256(block).subarray(0, VALUE_BYTES);
  }
  return earlier;
}

/** This node's own chain: its rounds are `first` and the `chainRounds - 1` after it. */
export class RoundChain {
  readonly first: number;
  /** What is signed: the value of the round before the first. */
  readonly anchor: Uint8Array;
  readonly #values: Uint8Array[];

  /** `secret` is the last round's value, VALUE_BYTES that nobody can guess. */
  constructor(key: Uint8Array, first: number, secret: Uint8Array) {
    this.first = first;
    this.#values = [secret];
    for (let round = first + chainRounds - 1; round > first; round--) {
      const value = this.#values.at(-1) ?? secret;
      this.#values.push(earlierValue(key, value, round, round - 1));
    }
    this.#values.reverse();
    this.anchor = earlierValue(key, this.#values[0] ?? secret, first, first - 1);
  }

  /** The value of a round; undefined for one that is not of this chain. */
  at(round: number): Uint8Array | undefined {
    return this.#values[round - this.first];
  }
}
