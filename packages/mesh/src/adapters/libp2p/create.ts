/** libp2p configured: what it has is used as it is (mesh.md), within the numbers of limits.ts. */
import { bootstrap } from '@libp2p/bootstrap';
import { type GossipSub, gossipsub } from '@libp2p/gossipsub';
import { type Identify, type IdentifyPush, identify, identifyPush } from '@libp2p/identify';
import type { ConnectionGater, Libp2p, ServiceMap } from '@libp2p/interface';
import {
  type KadDHT,
  kadDHT,
  passthroughMapper,
  removePrivateAddressesMapper,
} from '@libp2p/kad-dht';
import { type Ping, ping } from '@libp2p/ping';
import { tcp } from '@libp2p/tcp';
import { webSockets } from '@libp2p/websockets';
import { createLibp2p, type Libp2pOptions } from 'libp2p';
import type { Counters } from '../../counters.ts';
import {
  ADDRESSES_PER_PEER_MAX,
  CONNECTIONS_MAX,
  CONNECTIONS_PER_ADDRESS_PER_S,
  DIAL_ADDRESS_MS,
  DIAL_MS,
  DIALS_PARALLEL_MAX,
  DIALS_WAITING_MAX,
  EARLY_STREAMS_MAX,
  GOSSIP_BYTES_MAX,
  GOSSIP_DEGREE,
  GOSSIP_DEGREE_MAX,
  GOSSIP_DEGREE_MIN,
  GOSSIP_DEGREE_OUTBOUND,
  GOSSIP_TOLD_MIN,
  GOSSIP_TOLD_SECONDS,
  GOSSIP_TOLD_SHARE,
  HANDSHAKE_MS,
  HANDSHAKES_PENDING_MAX,
  NEGOTIATION_MS,
  PING_STREAMS_MAX,
  RELAY_CONNECTIONS_MAX,
  STREAMS_PER_CONNECTION_MAX,
} from '../../limits.ts';
import type { MeshConfig } from '../../options.ts';
import type { RecordRules } from '../../ports.ts';
import type { PathMemory } from '../../relay/path.ts';
import { dialBack } from './autonat.ts';
import { Company, DHT_PROTOCOL, tableOf } from './company.ts';
import { validatorsOf } from './dht.ts';
import { keepStreams } from './gossip.ts';
import { privateKeyFromSeed } from './identity.ts';
import { LocalPeers } from './local-peers.ts';
import { thriftyYamux } from './muxer.ts';
import { quickNoise } from './noise-cipher.ts';
import type { RelayClient } from './relay-client.ts';
import type { RelayService } from './relay-server.ts';
import { countSheds } from './shed.ts';
import { TableStore } from './table-store.ts';
import { gentleUpgrade } from './upgrade.ts';
import { wholeWrites } from './whole-writes.ts';

const USER_AGENT = 'zerostate/0.1.0';

export interface MeshServices extends ServiceMap {
  identify: Identify;
  identifyPush: IdentifyPush;
  ping: Ping;
  dht: KadDHT;
  gossip: GossipSub;
  autonat: unknown;
  dcutr: unknown;
  sheds: unknown;
  writes: unknown;
}

export interface CreateOptions {
  seed: Uint8Array;
  config: MeshConfig;
  gater: ConnectionGater;
  /** Namespaces of the table and what they admit. */
  rules: Record<string, RecordRules>;
  relayClient: RelayClient;
  /** Which addresses of a peer are tried first. */
  paths: PathMemory;
  relayService?: RelayService;
  counters: Counters;
}

export async function createNode(options: CreateOptions): Promise<Libp2p<MeshServices>> {
  const { config, relayClient, relayService } = options;
  const neighbours = new LocalPeers(config.mdns === true);
  const node = await createLibp2p<MeshServices>({
    start: false,
    nodeInfo: { userAgent: USER_AGENT },
    privateKey: await privateKeyFromSeed(options.seed),
    datastore: new TableStore((entries) => options.counters.add('table-shed', entries)),
    addresses: {
      listen: [...config.listen],
      ...(config.announce === undefined ? {} : { announce: [...config.announce] }),
    },
    transports: [webSockets(), tcp(), relayClient.transport(options.paths)],
    connectionEncrypters: [quickNoise()],
    streamMuxers: [
      thriftyYamux({
        maxInboundStreams: STREAMS_PER_CONNECTION_MAX,
        maxOutboundStreams: STREAMS_PER_CONNECTION_MAX,
        // Ten by default, and one more ends the connection: a peer that asks ten things at once.
        maxEarlyStreams: EARLY_STREAMS_MAX,
        // health/ already looks at every connection.
        enableKeepAlive: false,
      }),
    ],
    connectionGater: neighbours.gater(options.gater),
    connectionManager: connectionLimits(relayService !== undefined, options.paths),
    // It ends a connection at the first late answer; health/ suspects first, then condemns.
    connectionMonitor: { enabled: false },
    peerDiscovery: [...discoveryOf(config), ...neighbours.discovery()],
    services: {
      ...servicesOf(options),
      sheds: countSheds(options.counters),
      writes: wholeWrites(),
      ...(relayService === undefined ? {} : { relay: relayService.service }),
    },
  });
  // A relay has company enough, and asks nothing of the table.
  if (relayService === undefined) new Company(tableOf(node.services.dht)).attach(node);
  relayService?.attach(node);
  neighbours.attach(node);
  keepStreams(node);
  return node;
}

function connectionLimits(
  isRelay: boolean,
  paths: PathMemory,
): NonNullable<Libp2pOptions['connectionManager']> {
  return {
    addressSorter: (x, y) => paths.order(x.multiaddr.toString(), y.multiaddr.toString()),
    maxConnections: isRelay ? RELAY_CONNECTIONS_MAX : CONNECTIONS_MAX,
    inboundConnectionThreshold: CONNECTIONS_PER_ADDRESS_PER_S,
    maxIncomingPendingConnections: HANDSHAKES_PENDING_MAX,
    inboundUpgradeTimeout: HANDSHAKE_MS,
    outboundStreamProtocolNegotiationTimeout: NEGOTIATION_MS,
    inboundStreamProtocolNegotiationTimeout: NEGOTIATION_MS,
    dialTimeout: DIAL_MS,
    addressDialTimeout: DIAL_ADDRESS_MS,
    maxParallelDials: DIALS_PARALLEL_MAX,
    maxDialQueueLength: DIALS_WAITING_MAX,
    maxPeerAddrsToDial: ADDRESSES_PER_PEER_MAX,
    // Reconnecting is the supervisor's and the bootstrap round's work; libp2p's own gives up.
    reconnectRetries: 0,
  };
}

function discoveryOf(config: MeshConfig): NonNullable<Libp2pOptions['peerDiscovery']> {
  const list = [...(config.bootstrap ?? [])];
  return list.length === 0 ? [] : [bootstrap({ list, timeout: 0 })];
}

function servicesOf(options: CreateOptions) {
  const { config, rules } = options;
  const isPrivate = config.allowPrivate === true;
  const { validators, selectors } = validatorsOf(rules);
  return {
    identify: identify({ runOnLimitedConnection: true }),
    identifyPush: identifyPush({ runOnLimitedConnection: true }),
    ping: ping({
      // For other implementations; this one probes by the muxer's own pings (muxer.ts).
      maxInboundStreams: PING_STREAMS_MAX,
      runOnLimitedConnection: true,
    }),
    autonat: dialBack(),
    dcutr: gentleUpgrade(),
    dht: kadDHT({
      protocol: DHT_PROTOCOL,
      clientMode: config.isDhtServer !== true,
      validators,
      selectors,
      // A first node has nobody to ask, and must not wait for somebody.
      allowQueryWithZeroPeers: true,
      peerInfoMapper: isPrivate ? passthroughMapper : removePrivateAddressesMapper,
    }),
    gossip: gossipsub(gossipOptions()),
  };
}

function gossipOptions(): Parameters<typeof gossipsub>[0] {
  return {
    globalSignaturePolicy: 'StrictSign',
    allowPublishToZeroTopicPeers: true,
    // The topics' validators are awaited before a message spreads; true would wait for more.
    asyncValidation: false,
    awaitRpcMessageHandler: false,
    runOnLimitedConnection: true,
    maxInboundDataLength: GOSSIP_BYTES_MAX,
    doPX: false,
    D: GOSSIP_DEGREE,
    Dlo: GOSSIP_DEGREE_MIN,
    Dhi: GOSSIP_DEGREE_MAX,
    Dout: GOSSIP_DEGREE_OUTBOUND,
    Dlazy: GOSSIP_TOLD_MIN,
    gossipFactor: GOSSIP_TOLD_SHARE,
    mcacheGossip: GOSSIP_TOLD_SECONDS,
    mcacheLength: GOSSIP_TOLD_SECONDS + 2,
    scoreParams: {
      // Peers behind one relay or one NAT share an address; punishing that punishes the mesh.
      IPColocationFactorWeight: 0,
    },
  };
}
