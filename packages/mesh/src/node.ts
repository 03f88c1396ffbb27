import type { Libp2p } from '@libp2p/interface';
import {
  createSigner,
  createVerifier,
  type Did,
  err,
  isNetworkId,
  ok,
  type Result,
} from '@zerostate/shared';
import { createNode, type MeshServices } from './adapters/libp2p/create.ts';
import { Libp2pDht } from './adapters/libp2p/dht.ts';
import { createGater } from './adapters/libp2p/gater.ts';
import { Libp2pGossip } from './adapters/libp2p/gossip.ts';
import { RelayClient } from './adapters/libp2p/relay-client.ts';
import { RelayService } from './adapters/libp2p/relay-server.ts';
import { Libp2pWire } from './adapters/libp2p/wire.ts';
import { didOfAddress } from './addresses/did-of-address.ts';
import { Bootstrap } from './bootstrap.ts';
import { Counters } from './counters.ts';
import { deadline } from './deadline.ts';
import { createRouting, type Routing } from './envelopes/routing.ts';
import { HealthMonitor } from './health/monitor.ts';
import type { Health } from './health/score.ts';
import { Greeter } from './hello/greeter.ts';
import type { Negotiated } from './hello/message.ts';
import { DIAL_MS } from './limits.ts';
import type { MeshConfig, MeshPorts } from './options.ts';
import type { Dht, Gossip, OpenCode, RecordRules, Wire } from './ports.ts';
import { CardAsking } from './records/ask-cards.ts';
import { CardBook } from './records/book.ts';
import { CARD_NAMESPACE } from './records/card-value.ts';
import { Cards, type CardsContext } from './records/cards.ts';
import { CardGossip } from './records/gossip.ts';
import { Presences } from './records/presence.ts';
import { anyNetworkRules, cardRules } from './records/table-rules.ts';
import { RelayAccounting, type RelayPolicy } from './relay/accounting.ts';
import { PathMemory } from './relay/path.ts';
import { RelaySupervisor } from './relay/supervisor.ts';
import type { RouteTable } from './routing/route-table.ts';
import { type AskOptions, type AskResult, Exchange } from './tasks/exchange.ts';
import type { Message } from './tasks/message.ts';

export interface MeshOptions {
  /** The 32 bytes of the node's key file. */
  seed: Uint8Array;
  /** The network that this node works in; '' for a relay that serves every one. */
  network: string;
  config: MeshConfig;
  ports: MeshPorts;
  /** Serves reservations to others. */
  relay?: RelayPolicy;
}

export type MeshStartCode = 'address-invalid' | 'listen-failed';

/** A running node of the mesh. */
export class Mesh {
  readonly did: Did;
  /** The network that this node works in; '' for a relay. */
  readonly network: string;
  readonly wire: Wire;
  readonly counters: Counters;
  /** Cards in the distributed table. */
  readonly cards: Cards;
  /** Asking a node for its own cards. */
  readonly cardAsking: CardAsking;
  /** Cards and presence that spread from node to node. */
  readonly gossip: CardGossip;
  /** Every verified card that this node came across. */
  readonly book: CardBook;
  readonly presences: Presences;
  /** The table and the topics themselves, for what is built on them. */
  readonly dht: Dht;
  readonly pubsub: Gossip;
  /** Questions and answers: the messages of the catalogue. */
  readonly tasks: Exchange;
  readonly #parts: Parts;
  readonly #stopping = new AbortController();
  readonly #stopWatching: () => void;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.did = parts.wire.did;
    this.network = parts.network;
    this.wire = parts.wire;
    this.counters = parts.counters;
    this.cards = parts.cards;
    this.cardAsking = parts.cardAsking;
    this.gossip = parts.gossip;
    this.book = parts.book;
    this.presences = parts.presences;
    this.tasks = parts.tasks;
    this.dht = parts.dht;
    this.pubsub = parts.pubsub;
    const { greeter, supervisor, routing } = parts;
    this.#stopWatching = parts.wire.watch({
      up: (peer) => void this.#greet(peer),
      down: (peer) => {
        greeter.forget(peer);
        routing.left(peer);
        supervisor.lost(peer);
      },
      closed: (_, peer) => supervisor.lost(peer),
    });
  }

  /** Aborted when the node begins to stop: for what is built on it. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Addresses where others can reach this node now; relayed ones while their relay holds. */
  addresses(): string[] {
    return this.wire.addresses();
  }

  /** Connects to a DID whose addresses are known, or to a full address. */
  async connect(target: string, ms = DIAL_MS): Promise<Result<Did, OpenCode>> {
    const { signal, cancel } = deadline(this.#parts.ports.timers, ms);
    try {
      return await this.wire.connect(target, signal);
    } finally {
      cancel();
    }
  }

  /**
   * Asks a node and waits for its one answer: by a connection, by dialling, or in an envelope that
   * other nodes carry and cannot read. `no-route` when none of them reaches it.
   */
  ask(to: Did, message: Message, options: AskOptions = {}): Promise<AskResult> {
    return this.#parts.routing.ask(to, message, options);
  }

  /** The ways to other nodes, and why each begins as it does; of one node when `to` names it. */
  routes(to?: Did): RouteTable {
    return this.#parts.routing.table(to);
  }

  /** Health of the best connection to a peer; null for one that is not connected. */
  health(peer: Did): Health | null {
    return this.#parts.health.of(peer);
  }

  /** What was agreed with a peer in its greeting; null before. */
  agreed(peer: Did): Negotiated | null {
    return this.#parts.greeter.agreed(peer);
  }

  status() {
    const { supervisor, bootstrap, health, greeter, accounting, relayService } = this.#parts;
    const { routing } = this.#parts;
    return {
      did: this.did,
      addresses: this.addresses(),
      problems: this.#problems(),
      bootstrap: bootstrap.status(),
      relays: supervisor.status(),
      listeners: supervisor.listeners(),
      ...health.status(),
      cards: this.cards.status(),
      cardsKnown: this.book.size,
      equivocations: this.book.equivocations().length,
      traffic: this.tasks.accounts.top(10),
      routing: routing.status(),
      counters: { ...this.counters.all(), hellosRefused: greeter.refused },
      relay:
        accounting === null
          ? null
          : {
              reservations: relayService?.reservations() ?? 0,
              ...accounting.totals(),
              top: accounting.top(10),
            },
    };
  }

  /** Leaves the mesh: nothing is heard of it afterwards. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const { supervisor, bootstrap, health, node, routing } = this.#parts;
    this.#stopWatching();
    await routing.stop();
    bootstrap.stop();
    health.stop();
    this.cards.stop();
    await supervisor.stop();
    await node.stop();
  }

  /** The dialler greets; the other side answers. Only one of the two needs to. */
  async #greet(peer: Did): Promise<void> {
    const isOurs = this.wire
      .connections()
      .some(({ did, direction }) => did === peer && direction === 'outbound');
    if (!isOurs) return;
    let greeted = await this.#parts.greeter.greet(peer);
    // A peer that is slow is greeted again: without it the two would never route for each other.
    while (!greeted.ok && greeted.code === 'deadline' && this.wire.isConnected(peer)) {
      greeted = await this.#parts.greeter.greet(peer);
    }
    if (greeted.ok) return this.#parts.routing.met(peer);
    if (greeted.code !== 'network-differs') return;
    await this.wire.disconnect(peer);
  }

  #problems(): string[] {
    const { bootstrap, supervisor } = this.#parts;
    const asked = [
      ...bootstrap.status().map(({ address, problem }) => ({ of: address, problem })),
      ...supervisor.status().map(({ relay, problem }) => ({ of: relay, problem })),
    ];
    return asked.flatMap(({ of, problem }) =>
      problem === null ? [] : [`${of}: ${problem.code} ${problem.detail}`.trim()],
    );
  }
}

interface Parts {
  network: string;
  node: Libp2p<MeshServices>;
  wire: Libp2pWire;
  ports: MeshPorts;
  counters: Counters;
  greeter: Greeter;
  health: HealthMonitor;
  supervisor: RelaySupervisor;
  bootstrap: Bootstrap;
  cards: Cards;
  cardAsking: CardAsking;
  gossip: CardGossip;
  book: CardBook;
  presences: Presences;
  tasks: Exchange;
  routing: Routing;
  dht: Dht;
  pubsub: Gossip;
  accounting: RelayAccounting | null;
  relayService: RelayService | null;
}

/** Starts a node of the mesh. It starts without a network, and finds it when it is there. */
export async function startMesh(options: MeshOptions): Promise<Result<Mesh, MeshStartCode>> {
  const { config } = options;
  const relays = withDids(config.relays ?? []);
  if (!relays.ok) return relays;
  const bootstrap = withDids(config.bootstrap ?? []);
  if (!bootstrap.ok) return bootstrap;
  const parts = await assemble(options, relays.value, bootstrap.value);
  try {
    await parts.node.start();
  } catch (cause) {
    await Promise.resolve(parts.node.stop()).catch(() => undefined);
    return err('listen-failed', cause instanceof Error ? cause.message : String(cause));
  }
  const mesh = new Mesh(parts);
  await parts.greeter.start();
  if (isNetworkId(options.network)) {
    await parts.cardAsking.start();
    await parts.tasks.start();
    await parts.routing.start();
    parts.gossip.start();
  }
  parts.health.start();
  parts.supervisor.start();
  parts.bootstrap.start();
  return ok(mesh);
}

/** A node of no network keeps the table for all of them. */
function rulesFor(records: CardsContext): RecordRules {
  return isNetworkId(records.network) ? cardRules(records) : anyNetworkRules(records);
}

type Named = { address: string; did: Did };

async function assemble(options: MeshOptions, relays: Named[], starts: Named[]): Promise<Parts> {
  const { config, ports, seed } = options;
  const counters = new Counters();
  const { accounting, relayService } = relayOf(options);
  const members = config.members === undefined ? null : new Set(config.members);
  const gater = createGater(
    {
      allowPrivate: config.allowPrivate === true,
      admits: (did) => members === null || members.has(did),
      trusted: [...relays, ...starts].map(({ address }) => address),
      refused: (reason) => counters.add(`refused-${reason}`),
    },
    relayService ?? undefined,
  );
  const book = new CardBook();
  const verifier = createVerifier();
  const records: CardsContext = { network: options.network, verifier, ports, counters, book };
  const relayClient = new RelayClient();
  const paths = new PathMemory(ports.clock);
  const node = await createNode({
    seed,
    config,
    gater,
    rules: { [CARD_NAMESPACE]: rulesFor(records) },
    relayClient,
    paths,
    counters,
    ...(relayService === null ? {} : { relayService }),
  });
  relayClient.attach(node);
  const signer = await createSigner(seed);
  const wire = new Libp2pWire(node, signer.did, counters);
  const dht = new Libp2pDht(node.services.dht, () => wire.addresses().length > 0);
  const pubsub = new Libp2pGossip(node.services.gossip);
  const cards = new Cards(dht, records, (peer, addresses) => wire.learn(peer, addresses));
  const presences = new Presences(ports.clock);
  const role = accounting === null ? 'node' : 'relay';
  const greeter = new Greeter(wire, ports, options.network, role);
  const ownRelays = new Set(relays.map((relay) => relay.did));
  const health = new HealthMonitor(wire, ports, ownRelays, paths);
  const tasks = new Exchange(wire, ports, counters);
  const routing = await createRouting({
    ...{ wire, ports, counters, network: options.network, seed, signer, verifier },
    exchange: tasks,
    agreed: (peer) => greeter.agreed(peer),
    health: (peer) => health.of(peer),
  });
  return {
    network: options.network,
    node,
    wire,
    ports,
    counters,
    accounting,
    relayService,
    greeter,
    health,
    supervisor: new RelaySupervisor(relayClient, ports, relays),
    bootstrap: new Bootstrap(wire, ports, starts),
    book,
    cards,
    cardAsking: new CardAsking(wire, cards, records),
    presences,
    gossip: new CardGossip(pubsub, records, presences),
    dht,
    pubsub,
    tasks,
    routing,
  };
}

function relayOf({ relay, ports }: MeshOptions) {
  if (relay === undefined) return { accounting: null, relayService: null };
  const accounting = new RelayAccounting(relay, ports.clock);
  return { accounting, relayService: new RelayService(accounting, relay.reservationsMax) };
}

function withDids(addresses: readonly string[]): Result<Named[], 'address-invalid'> {
  const named: Named[] = [];
  for (const address of addresses) {
    const did = didOfAddress(address);
    if (!did.ok) return did;
    named.push({ address, did: did.value });
  }
  return ok(named);
}
