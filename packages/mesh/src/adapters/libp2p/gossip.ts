import { type GossipSub, type Message, TopicValidatorResult } from '@libp2p/gossipsub';
import type { Connection, Libp2p, PeerId } from '@libp2p/interface';
import type { Did } from '@zerostate/shared';
import { GOSSIP_INVALID_DECAY, GOSSIP_INVALID_WEIGHT } from '../../limits.ts';
import type { Gossip, Verdict } from '../../ports.ts';
import { didOfPeer } from './identity.ts';

const RESULTS: { [verdict in Verdict]: TopicValidatorResult } = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
};

/** gossipsub v1.1, "Topic parameter calculation": what a neighbour gains and loses in a topic. */
const TOPIC_SCORE = {
  topicWeight: 1,
  timeInMeshWeight: 0,
  timeInMeshQuantum: 1,
  timeInMeshCap: 0,
  // Who brings news first is kept before others: sybils that bring none are not.
  firstMessageDeliveriesWeight: 0.5,
  firstMessageDeliveriesDecay: 0.99,
  firstMessageDeliveriesCap: 20,
  // Quiet topics are no fault of a neighbour.
  meshMessageDeliveriesWeight: 0,
  meshMessageDeliveriesDecay: 0.5,
  meshMessageDeliveriesCap: 1,
  meshMessageDeliveriesThreshold: 1,
  meshMessageDeliveriesWindow: 10,
  meshMessageDeliveriesActivation: 5_000,
  meshFailurePenaltyWeight: 0,
  meshFailurePenaltyDecay: 0.5,
  invalidMessageDeliveriesWeight: GOSSIP_INVALID_WEIGHT,
  invalidMessageDeliveriesDecay: GOSSIP_INVALID_DECAY,
};

/** What is used of gossipsub beside its interface. */
interface Streams {
  onPeerConnected(peer: PeerId, connection: Connection): void;
}

/**
 * gossipsub has one stream to a peer, on the connection that was there first. As it is
 * (@libp2p/gossipsub 17) that stream is gone with that connection, though another is open, and the
 * peer hears nothing until it introduces itself again. Here it is opened on what is left.
 */
export function keepStreams(node: Libp2p<{ gossip: GossipSub }>): void {
  const { gossip } = node.services;
  if (!hasStreams(gossip)) throw new Error('gossipsub has no onPeerConnected where it had one');
  node.addEventListener('connection:close', ({ detail: { remotePeer } }) => {
    const left = node.getConnections(remotePeer).find(({ status }) => status === 'open');
    if (left !== undefined) gossip.onPeerConnected(remotePeer, left);
  });
}

function hasStreams(gossip: object): gossip is Streams {
  return 'onPeerConnected' in gossip;
}

export class Libp2pGossip implements Gossip {
  readonly #gossip: GossipSub;

  constructor(gossip: GossipSub) {
    this.#gossip = gossip;
  }

  subscribe(topic: string, validate: (from: Did, data: Uint8Array) => Promise<Verdict>): void {
    this.#gossip.topicValidators.set(topic, async (_, message: Message) => {
      // StrictSign checked the signature; `from` is the author, not the peer that passed it on.
      if (message.type !== 'signed') return TopicValidatorResult.Reject;
      const author = didOfPeer(message.from);
      if (!author.ok) return TopicValidatorResult.Reject;
      return RESULTS[await validate(author.value, message.data)];
    });
    this.#score(topic);
    this.#gossip.subscribe(topic);
  }

  /** Without parameters for its topic a peer may pass on junk for ever and lose nothing by it. */
  #score(topic: string): void {
    // `score` is a field of the class that its interface leaves out.
    const params: unknown = Reflect.get(Object(Reflect.get(this.#gossip, 'score')), 'params');
    const topics: unknown = Reflect.get(Object(params), 'topics');
    if (typeof topics !== 'object' || topics === null) {
      throw new Error('gossipsub has no score parameters where it had them');
    }
    Reflect.set(topics, topic, TOPIC_SCORE);
  }

  async publish(topic: string, data: Uint8Array): Promise<number> {
    const { recipients } = await this.#gossip.publish(topic, data);
    return recipients.length;
  }

  subscribers(topic: string): Did[] {
    return this.#gossip
      .getSubscribers(topic)
      .map(didOfPeer)
      .flatMap((did) => (did.ok ? [did.value] : []));
  }
}
