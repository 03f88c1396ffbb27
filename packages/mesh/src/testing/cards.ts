import {
  type AgentCard,
  buildAgentCard,
  type CardRecord,
  cardHash,
  createSigner,
  type Signer,
  sealEnvelope,
  signCard,
} from '@zerostate/shared';
import type { SignedCard } from '../records/card-value.ts';
import { NETWORK } from './nodes.ts';

const DAY_MS = 86_400_000;
const HASH = 'A'.repeat(43);

/** A real agent's card, unsigned. */
export function agentCard(agent: string, tags: readonly string[] = ['hash']): AgentCard {
  return buildAgentCard({
    name: agent,
    description: `Runs ${agent}`,
    version: '1.0.0',
    url: 'https://edge.example/v1/tasks',
    skills: [{ id: `${agent}-skill`, name: agent, description: agent, tags: [...tags] }],
    params: {
      meter: `zsm1-${HASH}`,
      price: { base: '10', per_mgas: '1', per_page: '1' },
      limits: {
        gas_max: '1000000',
        pages_max: '16',
        wall_ms_max: '1000',
        input_max: '1024',
        output_max: '1024',
      },
      regions: [],
      mesh: [],
      programs: [
        {
          skill: `${agent}-skill`,
          module: HASH,
          abi: 'wasi',
          input: ['text/plain'],
          output: ['text/plain'],
        },
      ],
    },
  });
}

export type CardChange = {
  record?: Partial<CardRecord>;
  card?: Partial<AgentCard>;
  network?: string;
  /** Who signs the record, and who the card, where it is not the author. */
  recordSigner?: Signer;
  cardSigner?: Signer;
};

/** A card as its author signs it, or with one thing wrong. */
export async function signedCard(
  author: Signer,
  agent: string,
  seq: number,
  now: number,
  change: CardChange = {},
): Promise<SignedCard> {
  const plain = { ...agentCard(agent), ...change.card };
  const card = await signCard(plain, change.cardSigner ?? author);
  const body: CardRecord = {
    did: author.did,
    agent,
    seq: String(seq),
    issued_at: String(now),
    expires_at: String(now + DAY_MS),
    card_sha256: cardHash(card),
    revoked: 'false',
    ...change.record,
  };
  const signer = change.recordSigner ?? author;
  return {
    record: await sealEnvelope(change.network ?? NETWORK, 'card.record', body, signer),
    card,
  };
}

export function author(fill: number): Promise<Signer> {
  return createSigner(new Uint8Array(32).fill(fill));
}
