import { readFileSync } from 'node:fs';
import type { CardDocument } from '@zerostate/discovery';

/** Labelled sets beside the project; read in place, never copied. */
export const SETS = ['metatool', 'sealtools', 'bfcl'] as const;
export type SetName = (typeof SETS)[number];

interface SetDocument {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly tags?: readonly string[];
  readonly params?: readonly string[];
}

export interface SetQuery {
  readonly text: string;
  readonly relevant: readonly string[];
}

const ROOT = new URL('../../../../shared/data/', import.meta.url);

/** Each document as one agent card: its parameters are the tags of its one skill. */
export function cardsOf(set: SetName): CardDocument[] {
  return linesOf<SetDocument>(`${set}/documents.jsonl`).map((document, i) => ({
    key: `did:key:z6Mk${set}#d${i}`,
    did: `did:key:z6Mk${set}`,
    agent: `d${i}`,
    name: document.name,
    description: document.description,
    tags: document.tags ?? [],
    skills: [
      {
        id: document.id,
        name: document.name,
        description: document.description,
        tags: document.params ?? [],
      },
    ],
    regions: [],
    price: { base: 0n, perMgas: 0n, perPage: 0n },
    cardSha256: '',
    expiresAt: Number.MAX_SAFE_INTEGER,
  }));
}

export function queriesOf(set: SetName): SetQuery[] {
  return linesOf<SetQuery>(`${set}/queries.jsonl`);
}

/** Normalised discounted cumulative gain of the first ten, binary relevance. */
export function ndcg10(ranked: readonly string[], relevant: readonly string[]): number {
  const gain = (rank: number) => 1 / Math.log2(rank + 2);
  const wanted = new Set(relevant);
  let found = 0;
  ranked.slice(0, 10).forEach((id, rank) => {
    if (wanted.has(id)) found += gain(rank);
  });
  let ideal = 0;
  for (let rank = 0; rank < Math.min(10, wanted.size); rank++) ideal += gain(rank);
  return ideal === 0 ? 0 : found / ideal;
}

function linesOf<T>(path: string): T[] {
  const text = readFileSync(new URL(path, ROOT), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
}
