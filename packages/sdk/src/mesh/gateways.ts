import {
  findGateways,
  GatewayError,
  type GatewayInfo,
  gatewayFetch,
  gatewayInfo,
  type Mesh,
} from '@zerostate/mesh';
import type { Did, NetworkAnswer, Verifier } from '@zerostate/shared';
import type { Clock, Fetch, Rng, Timers } from '../ports.ts';
import { askLedger, askNetwork, EdgeBusy, ForgedAnswer } from './ledger-answer.ts';

/** A node that is a gateway is dialled and says so within this. */
const INFO_MS = 8_000;
/**
 * A node that is no gateway, or could not be reached, is asked again after this, doubled up to the
 * second: what fails while a network is cut works a second after.
 */
const AGAIN_MS_MIN = 1_000;
const AGAIN_MS_MAX = 30_000;
/** Nodes that are asked at the same time whether they are gateways. */
const ASKED_MAX = 8;
/** Gateways that the table is asked for, and how long it may take. */
const LISTED_MAX = 16;
const LISTED_MS = 5_000;

/** No node that is connected leads to the ledger. */
export class NoGateway extends Error {
  override name = 'NoGateway';
}

export interface GatewaysOptions {
  mesh: Mesh;
  /** The network, or undefined: the first one that is met. */
  network: string | undefined;
  verifier: Verifier;
  clock: Clock;
  rng: Rng;
  timers: Timers;
}

interface Gateway {
  did: Did;
  origin: string;
}

/**
 * The ways to the ledger: peers that carry requests to their edge. One is used until it fails, then
 * another that is connected. Every answer is checked for the ledger's signature: who brings one that
 * is not is never asked again.
 */
export class Gateways {
  readonly #options: GatewaysOptions;
  /** How often in a row each failed, and when it is asked again. */
  readonly #failures = new Map<Did, { count: number; until: number }>();
  readonly #known = new Map<Did, Gateway>();
  #network: NetworkAnswer | null;
  #finding: Promise<Gateway> | null;

  constructor(options: GatewaysOptions, network: NetworkAnswer | null = null) {
    this.#options = options;
    this.#network = network;
    this.#finding = null;
    options.mesh.wire.watch({ up: (did) => this.#came(did) });
  }

  /** What the network is, as its ledger says through a gateway. */
  async network(): Promise<NetworkAnswer> {
    if (this.#network === null) await this.#current();
    if (this.#network === null) throw new NoGateway('no gateway told the network');
    return this.#network;
  }

  /** URL of the edge that the next request goes to. */
  readonly locate = async (): Promise<string> => (await this.#current()).origin;

  readonly fetch: Fetch = async (url, init) => {
    const gateway = await this.#current();
    if (!url.startsWith(gateway.origin)) throw new NoGateway('the gateway has changed');
    const { genesis } = await this.network();
    try {
      return await askLedger(this.#asked(gateway), url, init, () => genesis.ledger);
    } catch (cause) {
      if (init.signal?.aborted !== true) this.#failed(gateway.did, cause);
      throw cause;
    }
  };

  #failed(did: Did, cause: unknown): void {
    // Busy, and the only one: it is the right one a moment later.
    if (isBusy(cause) && this.#known.size <= 1) return;
    this.#known.delete(did);
    const isLiar = cause instanceof ForgedAnswer;
    const count = (this.#failures.get(did)?.count ?? 0) + 1;
    const againMs = Math.min(AGAIN_MS_MAX, AGAIN_MS_MIN * 2 ** Math.min(count - 1, 16));
    const until = isLiar ? Number.POSITIVE_INFINITY : this.#options.clock.now() + againMs;
    this.#failures.set(did, { count, until });
  }

  /** A new connection: what failed on the last one says nothing of it, unless it was a lie. */
  #came(did: Did): void {
    const failures = this.#failures.get(did);
    if (failures !== undefined && Number.isFinite(failures.until)) failures.until = 0;
  }

  #mayBeAsked(did: Did): boolean {
    return (this.#failures.get(did)?.until ?? 0) <= this.#options.clock.now();
  }

  async #current(): Promise<Gateway> {
    for (const gateway of this.#known.values()) return gateway;
    this.#finding ??= this.#find().finally(() => {
      this.#finding = null;
    });
    return this.#finding;
  }

  async #find(): Promise<Gateway> {
    const { mesh } = this.#options;
    const peers = new Set(mesh.wire.connections().map(({ did }) => did));
    const first = await this.#firstOf([...peers].filter((did) => this.#mayBeAsked(did)));
    if (first !== null) return first;
    const found = await this.#firstOf(await this.#listed(peers));
    if (found !== null) return found;
    throw new NoGateway(`none of ${peers.size} connected peers leads to the ledger`);
  }

  /** The first that shows that it is one; null when none does. */
  #firstOf(dids: readonly Did[]): Promise<Gateway | null> {
    const tries = dids.slice(0, ASKED_MAX).map((did) => this.#probe(did));
    return Promise.any(tries).catch(() => null);
  }

  /** Those that the table names, beside the peers that were asked. */
  async #listed(asked: ReadonlySet<Did>): Promise<Did[]> {
    const { mesh, timers } = this.#options;
    const network = this.#network?.network ?? this.#options.network;
    if (network === undefined) return [];
    const options = { timers, max: LISTED_MAX, withinMs: LISTED_MS };
    const listed = await findGateways(mesh, network, options);
    return listed.filter((did) => !asked.has(did) && this.#mayBeAsked(did));
  }

  /** The gateway, once its edge has shown that it is one of the network. */
  async #probe(did: Did): Promise<Gateway> {
    const { mesh, timers, network } = this.#options;
    const info = await gatewayInfo(mesh, did, { timers, withinMs: INFO_MS });
    try {
      if (!info.ok) throw new NoGateway(info.code);
      const gateway: Gateway = { did, origin: originOf(info.value) };
      const wanted = this.#network?.network ?? network;
      const answer = await askNetwork(this.#asked(gateway), wanted);
      this.#network ??= answer;
      if (this.#network.network !== answer.network) throw new NoGateway('another network');
      this.#known.set(did, gateway);
      this.#failures.delete(did);
      return gateway;
    } catch (cause) {
      this.#failed(did, cause);
      throw cause;
    }
  }

  #asked({ did, origin }: Gateway) {
    const { mesh, timers, rng, verifier } = this.#options;
    return { fetch: gatewayFetch(mesh, { did, origin, timers }), origin, rng, verifier };
  }
}

function isBusy(cause: unknown): boolean {
  if (cause instanceof GatewayError) return cause.code === 'refused' && cause.retryMs > 0;
  return cause instanceof EdgeBusy;
}

function originOf({ origin }: GatewayInfo): string {
  return origin.endsWith('/') ? origin.slice(0, -1) : origin;
}
