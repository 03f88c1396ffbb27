import type { InstructionStream } from '../decode/instructions.ts';
import type { LocalDeclarations } from './call-graph.ts';
import type { Passed } from './passing.ts';
import type { ChargePlan } from './segments.ts';

/** Where metering's own globals and functions stand, behind all of the module's. */
export interface MeterIndices {
  /** i64, gas left. Negative: spent. */
  readonly gas: number;
  /** i32, estimated native stack bytes left to the callee. Negative: spent. */
  readonly depth: number;
  /** i32, why a helper stopped the run: see `StopCode`. */
  readonly stop: number;
  /** i32, pages that the memory may have. */
  readonly pages: number;
  readonly chargeBytes: number;
  readonly chargeEntries: number;
  readonly grow: number;
}

/** Everything about one body that its emission needs. */
export interface BodyPlan {
  readonly bytes: Uint8Array;
  readonly stream: InstructionStream;
  readonly locals: LocalDeclarations;
  readonly charges: ChargePlan;
  /** Shape to make canonical by instruction; undefined where there is nothing to do. */
  readonly canonical: Uint8Array | undefined;
  /** Block type of no parameters and the function's results. */
  readonly resultBlock: number;
  readonly indices: MeterIndices;
  /** Whether the body charges; otherwise its callers pay for it, and it is only canonicalised. */
  readonly metered: boolean;
  /** Number of the author's parameters. */
  readonly params: number;
  /** What the body is handed. */
  readonly passed: Passed;
  /** Whether a body that is handed nothing keeps gas in a local between calls. */
  readonly localCounter: boolean;
  /** Native bytes to count at entry; 0 for none. */
  readonly frameBytes: number;
  /** Whether something that the body calls counts stack, so that it publishes its own depth. */
  readonly tracksDepth: boolean;
  /** What a call hands over. */
  callPasses(op: number, immediate: number): Passed;
  /** Type of a `call_indirect` that hands something over. */
  calledType(type: number): number;
  /** Of a call that hands nothing over: whether its callee looks at the global counter. */
  callPublishesGas(op: number, immediate: number): boolean;
  callPublishesDepth(op: number, immediate: number): boolean;
}
