/** How a link begins: the edge's nonce, the executor's signed hello, the edge's signed welcome. */
import {
  type EdgeFrame,
  encodeBase64url,
  err,
  type LinkHello,
  linkHelloSchema,
  MESH_FEATURE,
  ok,
  openEnvelope,
  type Result,
  type Signer,
  sealEnvelope,
  type Verifier,
} from '@zerostate/shared';
import type { LinkState } from './link-state.ts';
import type { OpenedLink } from './link-store.ts';

export type GreetingDeps = {
  network: string;
  verifier: Verifier;
  /** EDGE_KEY. */
  edgeSigner: Signer;
  /** Public origins of this edge; empty: the one that was dialled. */
  origins: readonly string[];
};

/** More than any outbox sends, and far from where numbers stop being exact. */
const SEEN_MAX = 2 ** 52;

/** Bytes of a nonce. */
export const NONCE_BYTES = 16;

export function nonceFrame(deps: GreetingDeps, nonce: string): EdgeFrame {
  return { t: 'nonce', nonce, edge_did: deps.edgeSigner.did, network: deps.network };
}

export function newNonce(bytes: Uint8Array): string {
  return encodeBase64url(bytes);
}

export type HelloCode = 'hello-invalid' | 'hello-not-for-this-edge' | 'hello-nonce-wrong';

/** Whether a hello answers this socket's nonce and names this edge. One signature is checked. */
export async function checkHello(
  deps: GreetingDeps,
  link: Pick<LinkState, 'nonce' | 'origin'>,
  raw: unknown,
): Promise<Result<LinkHello, HelloCode>> {
  const opened = await openEnvelope(
    deps.network,
    raw,
    linkHelloSchema,
    'link.hello',
    deps.verifier,
    { by: (body) => [body.did], maxSigs: 1 },
  );
  if (!opened.ok) return err('hello-invalid', opened.code);
  const { body } = opened.value;
  // A hello made for another edge must open nothing here: whoever was dialled could pass it on.
  if (body.edge_did !== deps.edgeSigner.did) return err('hello-not-for-this-edge', 'edge_did');
  const origins = deps.origins.length === 0 ? [link.origin] : deps.origins;
  if (!origins.includes(body.edge.replace(/\/$/, '')))
    return err('hello-not-for-this-edge', 'edge');
  // Numbers go on from there, and must stay exact for as long as they rise.
  const seen = [body.seen_ledger, body.seen_directory];
  if (seen.some((text) => Number(text) > SEEN_MAX)) return err('hello-invalid', 'seen');
  return body.nonce === link.nonce ? ok(body) : err('hello-nonce-wrong');
}

export async function welcomeFrame(
  deps: GreetingDeps,
  hello: LinkHello,
  opened: OpenedLink,
): Promise<EdgeFrame> {
  const body = {
    did: hello.did,
    edge_did: deps.edgeSigner.did,
    nonce: hello.nonce,
    session: hello.session,
    epoch: String(opened.epoch),
    seen: String(opened.seen),
    features: [MESH_FEATURE],
  };
  return {
    t: 'welcome',
    welcome: await sealEnvelope(deps.network, 'link.welcome', body, deps.edgeSigner),
  };
}
