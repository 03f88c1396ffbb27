import {
  type EdgeFrame,
  type Envelope,
  err,
  type LinkWelcome,
  linkWelcomeSchema,
  ok,
  openEnvelope,
  type Result,
  type Signer,
  sealEnvelope,
  type Verifier,
} from '@zerostate/shared';
import type { Pinned, Seen } from '../state/store.ts';

/** Why an edge is not ours; the link is dropped and tried again. */
export type HandshakeCode =
  | 'edge-did-wrong'
  | 'network-wrong'
  | 'welcome-invalid'
  | 'welcome-not-for-us';

type NonceFrame = Extract<EdgeFrame, { t: 'nonce' }>;

/** Before anything is signed: is this the edge and the network that `init` pinned? */
export function checkNonce(frame: NonceFrame, pinned: Pinned): Result<void, HandshakeCode> {
  if (frame.edge_did !== pinned.edgeDid) {
    return err('edge-did-wrong', `${pinned.edge} is ${frame.edge_did}, not ${pinned.edgeDid}`);
  }
  if (frame.network !== pinned.network) {
    return err('network-wrong', `${pinned.edge} serves ${frame.network}, not ${pinned.network}`);
  }
  return ok(undefined);
}

/** The signed answer to the nonce. It names origin and DID, so that no edge can pass it on. */
export function sealHello(
  pinned: Pinned,
  { nonce, features }: { nonce: string; features: readonly string[] },
  position: { session: string; seen: Seen },
  signer: Signer,
): Promise<Envelope<unknown>> {
  const hello = {
    did: pinned.did,
    edge: pinned.edge,
    edge_did: pinned.edgeDid,
    nonce,
    session: position.session,
    seen_ledger: String(position.seen.ledger),
    seen_directory: String(position.seen.directory),
    features: [...features],
  };
  return sealEnvelope(pinned.network, 'link.hello', hello, signer);
}

/** The welcome is signed by the pinned edge, for this node, over this nonce and session. */
export async function checkWelcome(
  raw: unknown,
  pinned: Pinned,
  expected: { nonce: string; session: string },
  verifier: Verifier,
): Promise<Result<LinkWelcome, HandshakeCode>> {
  const opened = await openEnvelope(
    pinned.network,
    raw,
    linkWelcomeSchema,
    'link.welcome',
    verifier,
    { by: [pinned.edgeDid], maxSigs: 1 },
  );
  if (!opened.ok) return err('welcome-invalid', opened.code);
  const { body } = opened.value;
  const isOurs =
    body.did === pinned.did &&
    body.edge_did === pinned.edgeDid &&
    body.nonce === expected.nonce &&
    body.session === expected.session;
  return isOurs ? ok(body) : err('welcome-not-for-us');
}
