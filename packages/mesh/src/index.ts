/** @zerostate/mesh: the peer-to-peer network of executors and relays, on libp2p. */
export { didFromPeerId, peerIdFromDid } from './adapters/libp2p/identity.ts';
export { isAddress, isPeerAddress } from './addresses/check.ts';
export { isPublicIp } from './addresses/policy.ts';
export type { RouteCode } from './envelopes/hop.ts';
export {
  findGateways,
  type GatewayCode,
  GatewayError,
  type GatewayVia,
  gatewayFetch,
  gatewayInfo,
} from './gateway/ask.ts';
export type { GatewayInfo } from './gateway/message.ts';
export { type GatewayOptions, serveGateway } from './gateway/serve.ts';
export type { Health, HealthState } from './health/score.ts';
export type { Negotiated } from './hello/message.ts';
export { Mesh, type MeshOptions, type MeshStartCode, startMesh } from './node.ts';
export type { MeshConfig, MeshPorts } from './options.ts';
export type { Dht, Gossip, PeerStream, Wire } from './ports.ts';
export type { SignedCard } from './records/card-value.ts';
export type { VerifiedCard } from './records/verify-chain.ts';
export { DEFAULT_RELAY_POLICY, type RelayPolicy, type RelayQuota } from './relay/accounting.ts';
export type { RouterMemory } from './routing/memory.ts';
export type {
  Route,
  RouteCandidate,
  RouteNeighbour,
  RouteTable,
} from './routing/route-table.ts';
export type { RouterState } from './routing/router-state.ts';
export type {
  Answered,
  AskCode,
  AskOptions,
  AskResult,
  Question,
  Refusal,
  Reply,
} from './tasks/exchange.ts';
export type { Message } from './tasks/message.ts';
