import { type GossipSub, type Message, TopicValidatorResult } from '@libp2p/gossipsub';
import type { Did } from '@zerostate/shared';
import type { Gossip, Verdict } from '../../ports.ts';
import { didOfPeer } from './identity.ts';

const RESULTS: { [verdict in Verdict]: TopicValidatorResult } = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
};

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
    this.#gossip.subscribe(topic);
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
