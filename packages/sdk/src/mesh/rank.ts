import type { VerifiedCard } from '@zerostate/mesh';
import type { SearchRequest, SearchResult } from '@zerostate/shared';

/** The reference run that prices are compared by: 10 Mgas and 16 pages, as at the edge. */
const MGAS = 10n;
const PAGES = 16n;
/** Words that say nothing about a program: articles and prepositions have fewer letters. */
const WORD_CHARS_MIN = 3;
/** Words of this length match by their beginning: `render` finds `renders`. */
const STEM_CHARS_MIN = 4;
/** A word in a description counts for half of one in a name, a skill or a tag. */
const DESCRIBED = 0.5;

/** What the mesh says of executors at this moment. */
export interface PresenceKnown {
  isOnline(did: string): boolean;
  /** As it told last; null where nothing was heard. */
  loadOf(did: string): SearchResult['load'] | null;
}

/**
 * Cards that fit a search, best first. The rule: each word of the text counts 1 where a name, a
 * skill or a tag of the card has it and ½ where only a description does; the score is the mean. A
 * card without any of the words is left out. Equal scores: on line first, then the cheaper reference
 * run, then by name.
 */
export function rankCards(
  cards: readonly VerifiedCard[],
  { text, filters = {} }: SearchRequest,
  presence: PresenceKnown,
): SearchResult[] {
  const words = wordsOf(text);
  return cards
    .filter((card) => passes(card, filters, presence))
    .map((card) => {
      const { did } = card.body;
      const online = presence.isOnline(did);
      return { card, score: scoreOf(card, words), online, load: presence.loadOf(did) };
    })
    .filter(({ score }) => score > 0)
    .sort(
      (x, y) =>
        y.score - x.score ||
        Number(y.online) - Number(x.online) ||
        compare(priceOf(x.card), priceOf(y.card)) ||
        compare(nameOf(x.card), nameOf(y.card)),
    )
    .map(resultOf);
}

/** What in a search may be the name of a capability: a skill, a tag, a module. */
export function capabilitiesAsked({ text, filters = {} }: SearchRequest, max: number): string[] {
  const named = [...(filters.skills ?? []), ...(filters.tags ?? [])];
  const hashes = text.match(/[A-Za-z0-9_-]{43}/g)?.map((hash) => `module:${hash}`) ?? [];
  // `sha-256` is a tag, `sha` and `256` may be others.
  const joined = text.toLowerCase().match(/[\p{L}\p{N}]+(?:-[\p{L}\p{N}]+)+/gu) ?? [];
  return [...new Set([...named, ...hashes, ...joined, ...wordsOf(text)])].slice(0, max);
}

function passes(
  { body, card, params }: VerifiedCard,
  filters: NonNullable<SearchRequest['filters']>,
  { isOnline }: PresenceKnown,
): boolean {
  const { tags = [], skills = [], regions = [], price_max: priceMax, online } = filters;
  const ownTags = new Set(card.skills.flatMap((skill) => skill.tags));
  const ownSkills = new Set(card.skills.map(({ id }) => id));
  return (
    body.revoked === 'false' &&
    tags.every((tag) => ownTags.has(tag)) &&
    skills.every((skill) => ownSkills.has(skill)) &&
    (regions.length === 0 || regions.some((region) => params.regions.includes(region))) &&
    (priceMax === undefined || priceOf({ params }) <= BigInt(priceMax)) &&
    (online !== true || isOnline(body.did))
  );
}

function scoreOf({ card }: VerifiedCard, words: readonly string[]): number {
  // Without words the filters have chosen.
  if (words.length === 0) return 1;
  const named = wordsOf(
    [card.name, ...card.skills.flatMap(({ id, name, tags }) => [id, name, ...tags])].join(' '),
  );
  const told = wordsOf(
    [card.description, ...card.skills.map((skill) => skill.description)].join(' '),
  );
  let sum = 0;
  for (const word of words) {
    if (named.some((own) => isAlike(word, own))) sum += 1;
    else if (told.some((own) => isAlike(word, own))) sum += DESCRIBED;
  }
  return sum / words.length;
}

function isAlike(x: string, y: string): boolean {
  if (x === y) return true;
  const shorter = x.length < y.length ? x : y;
  const longer = x.length < y.length ? y : x;
  return shorter.length >= STEM_CHARS_MIN && longer.startsWith(shorter);
}

function wordsOf(text: string): string[] {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return [...new Set(words.filter((word) => word.length >= WORD_CHARS_MIN))];
}

function priceOf({ params }: Pick<VerifiedCard, 'params'>): bigint {
  const { base, per_mgas: perMgas, per_page: perPage } = params.price;
  return BigInt(base) + MGAS * BigInt(perMgas) + PAGES * BigInt(perPage);
}

function nameOf({ body }: VerifiedCard): string {
  return `${body.did}#${body.agent}`;
}

function compare<T extends bigint | string>(x: T, y: T): number {
  return x < y ? -1 : Number(x > y);
}

interface Ranked {
  card: VerifiedCard;
  score: number;
  online: boolean;
  load: SearchResult['load'] | null;
}

function resultOf({ card: { body, card, params }, score, online, load }: Ranked): SearchResult {
  const { base, per_mgas, per_page } = params.price;
  return {
    did: body.did,
    agent: body.agent,
    name: card.name,
    description: card.description,
    card_sha256: body.card_sha256,
    skills: card.skills.map(({ id }) => id),
    score,
    parts: { lexical: score, vector: 0, reputation: 0, price: 0, presence: online ? 1 : 0 },
    online,
    price: { base, per_mgas, per_page },
    ...(load == null ? {} : { load }),
  };
}
