/**
 * Every number that something from outside is held to, each with its reason.
 *
 * Bytes unless the name says otherwise; times end in `_ms`.
 */

/** A signed body: protocol.md allows 64 KiB, deep enough for every message and small enough to hash at once. */
export const BODY_BYTES_MAX = 65_536;
/** Nesting of a signed body or a JSON request: the deepest message of the catalogue has five levels. */
export const BODY_DEPTH_MAX = 8;
/** An agent card is a document people read; 64 KiB holds 256 skills with examples. */
export const CARD_BYTES_MAX = 65_536;
/** Agent cards nest further than signed bodies (A2A security schemes). */
export const CARD_DEPTH_MAX = 16;
/** Cards one DID may have live: one an agent. */
export const CARDS_PER_DID_MAX = 256;
/** How far ahead of the edge's clock a record may be issued. */
export const ISSUED_AHEAD_MS_MAX = 60_000;
/** A DID without a funded account keeps its one card for a day. */
export const UNFUNDED_CARD_MS_MAX = 86_400_000;
/** A JSON request without blobs inside it. */
export const REQUEST_BYTES_MAX = 262_144;
/** A redemption may carry 500 receipts of about 1 KiB. */
export const REDEEM_BYTES_MAX = 1_048_576;
/** Receipts that one redemption may prove, and rows that one ledger batch moves. */
export const REDEEM_RECEIPTS_MAX = 500;
/** Input or output that travels inside a task message; larger ones travel as blobs. */
export const INLINE_BYTES_MAX = 65_536;
/** One blob: a WASM module, an input or an output. */
export const BLOB_BYTES_MAX = 8_388_608;
/** What one DID may keep in blobs. */
export const BLOB_BYTES_PER_DID_MAX = 268_435_456;
/** Blobs are stored in rows of this size, so that one row never fills a reply. */
export const BLOB_CHUNK_BYTES = 262_144;
/** A frame of the executor link: an inline output in base64url with its receipt fits well inside. */
export const FRAME_BYTES_MAX = 1_048_576;
/** Messages sent and not yet acknowledged on one link. */
export const FRAMES_IN_FLIGHT_MAX = 64;
/** A socket that has not said hello is closed after this. */
export const HELLO_MS_MAX = 5_000;
/** Sockets that have not said hello: in all, and from one address. */
export const SOCKETS_UNAUTHENTICATED_MAX = 256;
export const SOCKETS_UNAUTHENTICATED_PER_ADDRESS_MAX = 8;
/** Requests for a link that wait for such a place, and for how long: less than a hello may take. */
export const SOCKETS_WAITING_MAX = 8_192;
export const SOCKETS_WAITING_MS_MAX = 4_000;
/** Connections that one process of the edge serves: the links of a hub (10 000) and their callers. */
export const CONNECTIONS_MAX = 16_384;
/** A silent link is pinged after this, and dead after {@link LINK_DEAD_MS}. */
export const LINK_HEARTBEAT_MS = 15_000;
export const LINK_DEAD_MS = 45_000;
/** Jittered exponential backoff of a lost link, from and up to. */
export const LINK_BACKOFF_MS_MIN = 500;
export const LINK_BACKOFF_MS_MAX = 30_000;
/** An HTTP signature's `created` may differ from the edge's clock by this. */
export const SIGNATURE_AGE_MS_MAX = 60_000;
/** Nonces of signed POSTs are remembered for twice the signature's life. */
export const NONCE_MS = 120_000;
/** Answers under an idempotency key are kept for a day. */
export const IDEMPOTENCY_MS = 86_400_000;
/** The longest a caller may wait on one request for a task or channel to change. */
export const WAIT_MS_MAX = 30_000;
/** A search request's words. */
export const QUERY_CHARS_MAX = 2_048;
/** Results on one page of search. */
export const RESULTS_MAX = 50;
/** Rows on one page of a list. */
export const PAGE_MAX = 100;
/** A search text or card is refused past this many tags or skills. */
export const TAGS_MAX = 64;
export const SKILLS_MAX = 64;
/** Largest amount of one transfer: integers that every JSON reader holds exactly (2^53 - 1). */
export const AMOUNT_MAX = 9_007_199_254_740_991n;
/** A channel's lanes: 0 for plain vouchers, 1 to 255 for tasks. */
export const LANES = 256;
/** Slack that an executor keeps between a task's end and the terms that pay it. */
export const TASK_SLACK_MS = 60_000;
/** cond.not_after is the manifest's plus this, so that a late result can still be claimed. */
export const COND_AFTER_MANIFEST_MS = 600_000;
/** An executor files its claim when no voucher came this long after its result. */
export const CLAIM_AFTER_RESULT_MS = 30_000;
/** Shortest window and claim period that the ledger's schema takes. */
export const WINDOW_MS_MIN = 60_000;
export const WINDOW_MS_MAX = 1_209_600_000;
/** Shortest window that a node co-signs by default. */
export const NODE_WINDOW_MS_MIN = 600_000;
/** Mailbox vouchers older than this are redeemed by the sweep. */
export const MAILBOX_REDEEM_MS = 900_000;
/** Messages that their receiver did not fetch: the facts stand in the databases and are listed. */
export const OUTBOX_KEEP_MS = 604_800_000;
/** Rows that one sweep moves in a batch. */
export const SWEEP_ROWS_MAX = 500;
/** The SDK always re-runs tasks up to this much gas, and a sample of the larger ones. */
export const VERIFY_ALWAYS_GAS_MAX = 50_000_000n;
export const VERIFY_SAMPLE = 0.3;
