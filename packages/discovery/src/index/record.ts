import { CARD_FACETS_MAX, FILTER_VALUE_LENGTH_MAX, RECORD_BYTES_MAX } from '../limits.ts';
import { type CardDocument, type CardPrice, cardTags } from './document.ts';

/** What an answer and a compaction need of a card besides its columns. */
export interface CardRecord {
  readonly name: string;
  readonly cardSha256: string;
  readonly skills: readonly { readonly id: string; readonly name: string }[];
  readonly tags: readonly string[];
  readonly regions: readonly string[];
  readonly price: CardPrice;
}

const NAME_MAX = 256;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function recordOf(card: CardDocument): CardRecord {
  return {
    name: card.name.slice(0, NAME_MAX),
    cardSha256: card.cardSha256,
    skills: card.skills.slice(0, CARD_FACETS_MAX).map((skill) => ({
      id: skill.id.slice(0, FILTER_VALUE_LENGTH_MAX),
      name: skill.name.slice(0, NAME_MAX),
    })),
    tags: shorten(cardTags(card)),
    regions: shorten(card.regions),
    price: card.price,
  };
}

/** A record as bytes: JSON without field names. Over the limit, tags and skills are dropped. */
export function encodeRecord(record: CardRecord): Uint8Array {
  const { name, cardSha256, skills, tags, regions, price } = record;
  const prices = [price.base, price.perMgas, price.perPage].map(String);
  const pairs = skills.map(({ id, name: skill }) => (skill === id ? [id] : [id, skill]));
  const bytes = encoder.encode(JSON.stringify([name, cardSha256, pairs, tags, regions, prices]));
  if (bytes.length <= RECORD_BYTES_MAX) return bytes;
  return encodeRecord({
    ...record,
    skills: skills.slice(0, skills.length >> 1),
    tags: tags.slice(0, tags.length >> 1),
    regions: regions.slice(0, regions.length >> 1),
  });
}

type Wire = [string, string, [string, string?][], string[], string[], [string, string, string]];

/** Reads what `encodeRecord` wrote; bytes come from this process or a checked snapshot. */
export function decodeRecord(bytes: Uint8Array): CardRecord {
  const [name, cardSha256, pairs, tags, regions, prices] = JSON.parse(
    decoder.decode(bytes),
  ) as Wire;
  return {
    name,
    cardSha256,
    skills: pairs.map(([id, skill]) => ({ id, name: skill ?? id })),
    tags,
    regions,
    price: { base: BigInt(prices[0]), perMgas: BigInt(prices[1]), perPage: BigInt(prices[2]) },
  };
}

function shorten(values: readonly string[]): string[] {
  const distinct = new Set(values.map((value) => value.slice(0, FILTER_VALUE_LENGTH_MAX)));
  return [...distinct].slice(0, CARD_FACETS_MAX);
}
