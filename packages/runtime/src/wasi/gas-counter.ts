import { COSTS } from '../meter/cost-table.ts';
import { GuestEnd } from './guest-end.ts';

/** The instance's gas as host functions see it. Metered code publishes it before each call. */
export class GasCounter {
  private readonly max: bigint;
  private global: WebAssembly.Global | undefined;
  /** Gas left before the instance is there. */
  private left: bigint;

  constructor(max: bigint) {
    this.max = max;
    this.left = max;
  }

  /** Hands the counter over to the instance. */
  bind(global: WebAssembly.Global): void {
    this.global = global;
    global.value = this.left;
  }

  charge(gas: bigint): void {
    this.left = this.remaining() - gas;
    if (this.global !== undefined) this.global.value = this.left;
  }

  /** Charges a host call; ends the run when no gas is left. */
  chargeCall(): void {
    this.charge(HOST_CALL);
    if (this.left < 0n) throw new GuestEnd('out-of-gas');
  }

  /** Charges what a host call is about to do to some bytes. */
  chargeBytes(gas: number): void {
    this.charge(BigInt(gas));
    if (this.left < 0n) throw new GuestEnd('out-of-gas');
  }

  /** Negative when more was used than there was. */
  remaining(): bigint {
    return this.global?.value ?? this.left;
  }

  /** Gas used, never more than the limit. */
  used(): bigint {
    const remaining = this.remaining();
    return remaining < 0n ? this.max : this.max - remaining;
  }
}

const HOST_CALL = BigInt(COSTS.hostCall);
