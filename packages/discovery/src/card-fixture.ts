import type { CardDocument } from './index/document.ts';

/** A card for tests; what a test is about it sets itself. Another text has another digest. */
export function card(agent: string, fields: Partial<CardDocument> = {}): CardDocument {
  const did = fields.did ?? 'did:key:z6MkAlice';
  return {
    did,
    agent,
    name: agent,
    description: '',
    tags: [],
    skills: [],
    regions: [],
    price: { base: 0n, perMgas: 0n, perPage: 0n },
    cardSha256: `sha-${agent} ${fields.name ?? ''} ${fields.description ?? ''}`.slice(0, 128),
    expiresAt: 1_000_000,
    ...fields,
    key: `${did}#${agent}`,
  };
}
