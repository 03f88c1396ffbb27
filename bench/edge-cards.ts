/** Publishers that fill a directory over HTTP, as a busy network's would. */
import { createEdgeClient, type EdgeClient } from '@zerostate/sdk';
import {
  buildAgentCard,
  cardHash,
  createSigner,
  type Signer,
  sealEnvelope,
  sha256Base64url,
  signCard,
  utf8,
} from '@zerostate/shared';
import { syntheticCards } from './search-data.ts';

/** The edge takes 256 cards of one DID. */
const CARDS_PER_DID = 250;
const DAY_MS = 86_400_000;
const HASH = sha256Base64url(utf8('a module'));

type Document = ReturnType<typeof syntheticCards>['cards'][number];

export interface Published {
  /** Below the edge's origin. */
  readonly path: string;
  readonly queries: readonly string[];
}

/** Publishes this many cards, and answers with one of them and words that find some. */
export async function publishCards(url: string, count: number): Promise<Published> {
  const { cards, queries } = syntheticCards(count, 200);
  let path = '';
  for (let at = 0; at < cards.length; at += CARDS_PER_DID) {
    const signer = await createSigner(new Uint8Array(32).fill(1 + at / CARDS_PER_DID));
    const edge = createEdgeClient({ url, signer });
    const network = await edge.network();
    if (!network.ok) throw new Error(network.code);
    const paid = await edge.faucet(1_000_000n);
    if (!paid.ok) throw new Error(paid.code);
    const own = cards.slice(at, at + CARDS_PER_DID);
    for (const [i, card] of own.entries()) {
      await publish({ edge, signer, network: network.value.network }, `agent-${i}`, card);
    }
    path = `/v1/agents/${encodeURIComponent(signer.did)}/agent-0`;
  }
  return { path, queries };
}

async function publish(
  by: { edge: EdgeClient; signer: Signer; network: string },
  agent: string,
  document: Document,
): Promise<void> {
  const { edge, signer, network } = by;
  const card = await signCard({ ...cardOf(edge.url, document) }, signer);
  const now = Date.now();
  const body = {
    did: signer.did,
    agent,
    seq: '1',
    issued_at: String(now),
    expires_at: String(now + DAY_MS),
    card_sha256: cardHash(card),
    revoked: 'false' as const,
  };
  const record = await sealEnvelope(network, 'card.record', body, signer);
  const answer = await edge.publishCard({ record, card });
  if (!answer.ok) throw new Error(`publish: ${answer.code} ${answer.detail ?? ''}`);
}

function cardOf(url: string, { name, description, tags }: Document) {
  return buildAgentCard({
    name,
    description,
    version: '1.0.0',
    url: `${url}/v1/tasks`,
    skills: [{ id: 'work', name, description, tags: [...tags] }],
    params: {
      meter: `zsm1-${HASH}`,
      price: { base: '100', per_mgas: '20', per_page: '1' },
      limits: {
        gas_max: '1000000000',
        pages_max: '1024',
        wall_ms_max: '10000',
        input_max: '1048576',
        output_max: '1048576',
      },
      regions: ['eu'],
      mesh: [],
      programs: [
        { skill: 'work', module: HASH, abi: 'wasi', input: ['text/plain'], output: ['text/plain'] },
      ],
    },
  });
}
