/** A node on its link, frame by frame, without a network in between. */
import {
  type EdgeFrame,
  edgeFrameSchema,
  type LinkHello,
  type Signer,
  sealEnvelope,
} from '@zerostate/shared';
import type { LinkSession } from '../src/hub/link-session.ts';
import { freshNonce } from './documents.ts';
import { type EdgeWorld, ORIGIN } from './world.ts';

export type LinkedNode = {
  readonly session: LinkSession;
  /** Messages that arrived, oldest first. */
  messages(): Extract<EdgeFrame, { t: 'msg' }>[];
  /** Sends a message; the code it was refused with, or null. */
  say(type: string, body: object): Promise<string | null>;
  /** Acknowledges everything that arrived. */
  ack(): Promise<void>;
  /** The socket is gone, and the hub has saved so. */
  drop(): Promise<void>;
};

export async function linkNode(
  world: EdgeWorld,
  signer: Signer,
  features: string[] = [],
): Promise<LinkedNode> {
  const frames: EdgeFrame[] = [];
  const socket = {
    send: (text: string) => frames.push(edgeFrameSchema.parse(JSON.parse(text))),
    close: () => {},
  };
  const place = world.sockets.admit({ address: '192.0.2.1' });
  if (place === null) throw new Error('no place');
  const session = place.accept(socket, ORIGIN);
  const receive = async (frame: object) => {
    session.receive(JSON.stringify(frame));
    await session.settled();
  };
  const nonce = frames.find((frame) => frame.t === 'nonce')?.nonce ?? '';
  const body: LinkHello = {
    did: signer.did,
    edge: ORIGIN,
    edge_did: world.edgeSigner.did,
    nonce,
    session: freshNonce(),
    seen_ledger: '0',
    seen_directory: '0',
    features,
  };
  await receive({
    t: 'hello',
    hello: await sealEnvelope(world.network, 'link.hello', body, signer),
  });
  const messages = () => frames.filter((frame) => frame.t === 'msg');
  let n = 0;
  return {
    session,
    messages,
    async say(type, message) {
      n += 1;
      const re = n;
      await receive({ t: 'msg', n: re, type, body: message });
      const refused = frames.find((frame) => frame.t === 'error' && frame.re === re);
      return refused?.t === 'error' ? refused.code : null;
    },
    async ack() {
      const last = { ledger: 0, directory: 0 };
      for (const { db, seq } of messages()) last[db] = Math.max(last[db], seq);
      await receive({ t: 'ack', ...last });
      await world.hub.save();
    },
    async drop() {
      session.gone();
      await world.hub.save();
      await world.hub.forwarded();
    },
  };
}
