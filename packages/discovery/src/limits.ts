/**
 * Every number that bounds what a stranger can make the index do.
 * Texts are cut, not refused, where a card was already admitted elsewhere (64 KiB a card);
 * queries are refused, because a caller can be told.
 */

/** UTF-16 units of a card's text that are indexed; the rest of a longer card is not searchable. */
export const CARD_TEXT_MAX = 16_384;

/** UTF-16 units of a query; longer ones are refused with `query-too-long`. */
export const QUERY_TEXT_MAX = 4_096;

/** Words taken from one text; bounds the work after NFKC has expanded it. */
export const WORDS_MAX = 4_096;

/** Code points of one word that count; longer runs are identifiers or junk. */
export const WORD_LENGTH_MAX = 48;

/** Index terms kept of one text; scripts without spaces make more terms than words. */
export const TERMS_MAX = 8_192;

/** Results of one page. */
export const K_MAX = 100;

/** Values of one filter (tags or skills). */
export const FILTER_VALUES_MAX = 32;

/** UTF-16 units of one filter value, and of a tag, skill id or region that can be filtered by. */
export const FILTER_VALUE_LENGTH_MAX = 128;

/** Tags, skills and regions of a card that enter the filters, each. */
export const CARD_FACETS_MAX = 256;

/** Bytes of the record kept for one card; it must fit a page of the byte store. */
export const RECORD_BYTES_MAX = 65_536;

/** Candidates taken from each side (words, vectors) before fusion. */
export const POOL_DEPTH = 200;

/** Cards that `explain` names beyond the answer. */
export const EXPLAIN_MAX = 20;

/** Semantic vectors of one card: the parts of a text longer than an encoder takes at once. */
export const SEMANTIC_VECTORS_MAX = 4;

/** Cards in one shard; a larger index fans out. */
export const SHARD_CARDS_MAX = 100_000;
