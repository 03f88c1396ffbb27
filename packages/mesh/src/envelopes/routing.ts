import { type Did, isNetworkId, type Signer, type Verifier } from '@zerostate/shared';
import type { Counters } from '../counters.ts';
import type { Health } from '../health/score.ts';
import type { Negotiated } from '../hello/message.ts';
import {
  DISTANCES_MS,
  ENVELOPES_FORWARDED_KEPT_MAX,
  ENVELOPES_RECEIVED_KEPT_MAX,
  HOP_FAILED_MS,
  HOP_FLOOR_MS,
} from '../limits.ts';
import type { MeshPorts } from '../options.ts';
import type { Rng, Wire } from '../ports.ts';
import { DistanceExchange } from '../routing/distance-exchange.ts';
import { KeyNames } from '../routing/key-names.ts';
import { RouterKeeper } from '../routing/memory.ts';
import { type RouteTable, routeTable } from '../routing/route-table.ts';
import { Router } from '../routing/router.ts';
import { Sequences } from '../routing/sequences.ts';
import type { AskOptions, AskResult, Exchange } from '../tasks/exchange.ts';
import type { Message } from '../tasks/message.ts';
import { Asking } from './asking.ts';
import { Correspondence } from './correspondence.ts';
import { Inbound } from './inbound.ts';
import { type AgreementPair, agreementPairOf } from './key-agreement.ts';
import { Lanes } from './lanes.ts';
import { Outbound } from './outbound.ts';
import { Seen } from './seen.ts';

/** The feature that two nodes name in their greeting when they carry envelopes for each other. */
const FEATURE = 'routes';

export interface RoutingOptions {
  wire: Wire;
  ports: MeshPorts;
  counters: Counters;
  network: string;
  seed: Uint8Array;
  signer: Signer;
  verifier: Verifier;
  exchange: Exchange;
  agreed: (peer: Did) => Negotiated | null;
  health: (peer: Did) => Health | null;
}

/** Everything that brings questions to nodes without a connection to this one. */
export class Routing {
  readonly #options: RoutingOptions;
  readonly #router: Router;
  readonly #distances: DistanceExchange;
  readonly #lanes: Lanes;
  readonly #inbound: Inbound;
  readonly #correspondence: Correspondence;
  readonly #asking: Asking;
  readonly #keeper: RouterKeeper | null;

  constructor(options: RoutingOptions, pair: AgreementPair) {
    const { wire, ports, counters, network, signer, verifier, exchange, health } = options;
    const { clock, rng } = ports;
    const router = new Router({
      self: wire.did,
      hopFloorMs: HOP_FLOOR_MS,
      failurePenaltyMs: HOP_FAILED_MS,
      firstRound: Math.floor(clock.now() / DISTANCES_MS),
      random: () => uniform(rng),
    });
    const isAgreed = (peer: Did): boolean => {
      const agreed = options.agreed(peer);
      return agreed?.role === 'node' && agreed.features.includes(FEATURE);
    };
    const names = new KeyNames();
    const sequences = new Sequences({ network, signer, verifier, ports, names });
    const distances = new DistanceExchange({
      ...{ wire, ports, counters, router, sequences, names, isAgreed, health },
    });
    const lanes = new Lanes(clock);
    const forwarded = new Seen(clock, ENVELOPES_FORWARDED_KEPT_MAX, true);
    const received = new Seen(clock, ENVELOPES_RECEIVED_KEPT_MAX, false);
    const outbound = new Outbound({
      ...{ wire, ports, counters, router, lanes, health },
      failed: (peer) => distances.failed(peer),
      cameFrom: (id) => received.via(id) ?? forwarded.via(id),
    });
    const correspondence = new Correspondence({
      ...{ network, signer, pair, ports, counters, outbound, router, received, exchange },
    });
    this.#options = options;
    this.#router = router;
    this.#distances = distances;
    this.#lanes = lanes;
    this.#correspondence = correspondence;
    this.#inbound = new Inbound({
      ...{ wire, ports, counters, network, verifier, router, lanes, outbound, forwarded },
      ...{ isAgreed, health },
      deliver: (envelope, via) => correspondence.deliver(envelope, via),
    });
    this.#asking = new Asking({ wire, ports, exchange, correspondence, router });
    const memory = ports.routerMemory;
    this.#keeper = memory === undefined ? null : new RouterKeeper(router, memory, ports);
  }

  async start(): Promise<void> {
    if (!isNetworkId(this.#options.network)) return;
    await this.#keeper?.start();
    await this.#inbound.start();
    await this.#distances.start();
  }

  async stop(): Promise<void> {
    this.#distances.stop();
    this.#inbound.stop();
    this.#correspondence.stop();
    await this.#keeper?.stop();
  }

  /** A greeting with this peer ended well. */
  met(peer: Did): void {
    this.#distances.met(peer);
  }

  /** The last connection to this peer ended. */
  left(peer: Did): void {
    this.#distances.left(peer);
    this.#lanes.left(peer);
  }

  /** Asks by a connection, by dialling, or by a route. */
  ask(to: Did, message: Message, options: AskOptions): Promise<AskResult> {
    return this.#asking.ask(to, message, options);
  }

  table(to?: Did): RouteTable {
    const { wire, health } = this.#options;
    return routeTable(wire.did, this.#router, health, to);
  }

  status() {
    return {
      neighbours: this.#router.neighbours().length,
      reachable: this.#router.reachable().length,
      round: this.#router.round,
      waiting: this.#lanes.waiting(),
      heldBytes: this.#inbound.heldBytes,
      /** Neighbours that had this node carry most. */
      carried: this.#inbound.accounts.top(10),
    };
  }
}

export async function createRouting(options: RoutingOptions): Promise<Routing> {
  return new Routing(options, await agreementPairOf(options.seed));
}

/** Uniform in [0, 1) with 32 bits. */
function uniform(rng: Rng): number {
  const bytes = rng.bytes(4);
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) / 2 ** 32;
}
