/** What a card asks for a run, in micro-units: per task, per million gas, per 64 KiB page. */
export interface CardPrice {
  readonly base: bigint;
  readonly perMgas: bigint;
  readonly perPage: bigint;
}

export interface CardSkill {
  readonly id: string;
  readonly name: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly examples?: readonly string[];
}

/** One agent card as the index wants it; everything in it was verified before. */
export interface CardDocument {
  /** `did#agent`; one card a key, the last one put wins. */
  readonly key: string;
  readonly did: string;
  readonly agent: string;
  readonly name: string;
  readonly description: string;
  readonly version?: string;
  readonly tags: readonly string[];
  readonly skills: readonly CardSkill[];
  readonly regions: readonly string[];
  readonly price: CardPrice;
  /** Digest of the card as `card.record` names it. */
  readonly cardSha256: string;
  /** Milliseconds since 1970; from then on the card is not found. */
  readonly expiresAt: number;
  /** Its semantic vectors where they are known already; they can be attached later. */
  readonly semantic?: readonly Int8Array[];
}

/**
 * The one place that says which text of a card is searched: name, description, tags, and each
 * skill's name, description, tags and examples. Cards repeat themselves between these fields, so
 * an equal string counts once.
 */
export function cardText(card: CardDocument): string {
  const parts = new Set<string>([card.name, card.description, ...card.tags]);
  for (const skill of card.skills) {
    parts.add(skill.name).add(skill.description ?? '');
    for (const tag of skill.tags ?? []) parts.add(tag);
    for (const example of skill.examples ?? []) parts.add(example);
  }
  parts.delete('');
  return [...parts].join('\n');
}

/** Tags of the card and of its skills: what the `tags` filter asks. */
export function cardTags(card: CardDocument): string[] {
  return [...card.tags, ...card.skills.flatMap((skill) => skill.tags ?? [])];
}

/** The run that prices are compared by: 10 million gas and a peak of 16 pages (1 MiB). */
export const REFERENCE_MGAS = 10n;
export const REFERENCE_PAGES = 16n;

/** What the reference run costs under a card's price, in micro-units. */
export function referencePrice(price: CardPrice): bigint {
  return price.base + REFERENCE_MGAS * price.perMgas + REFERENCE_PAGES * price.perPage;
}
