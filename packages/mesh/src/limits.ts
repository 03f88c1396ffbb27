/**
 * Every number that a peer is held to, each with its reason. docs/mesh.md explains them to
 * operators. Bytes unless the name says otherwise; times end in `_MS`.
 */

/** Connections of one node; libp2p's own 300 refuse a relay's peers long before memory does. */
export const CONNECTIONS_MAX = 1_024;
/** A relay carries 47 to 64 KiB a peer: 10 000 peers are about 600 MiB. */
export const RELAY_CONNECTIONS_MAX = 10_000;
/** Connections a second from one address; peers behind one NAT share theirs. */
export const CONNECTIONS_PER_ADDRESS_PER_S = 20;
/** Connections that have not finished their handshake: what half handshakes can hold. */
export const HANDSHAKES_PENDING_MAX = 64;
/** A handshake is four messages: a peer that needs longer is not there or is holding a place. */
export const HANDSHAKE_MS = 5_000;
/** Dialling one peer at all its addresses, and at one of them. */
export const DIAL_MS = 10_000;
export const DIAL_ADDRESS_MS = 4_000;
/** Dials at the same time, and waiting. */
export const DIALS_PARALLEL_MAX = 50;
export const DIALS_WAITING_MAX = 500;
/** Addresses of one peer that are tried: more is a peer that wants others to dial for it. */
export const ADDRESSES_PER_PEER_MAX = 16;
/** Choosing a protocol for a stream. */
export const NEGOTIATION_MS = 5_000;
/** Streams a peer may hold open on one connection, over all protocols: yamux's own 1 000 is
 * memory for 1 000 windows. */
export const STREAMS_PER_CONNECTION_MAX = 256;
/** Streams that a peer may open before this side has finished its handshake. */
export const EARLY_STREAMS_MAX = 64;
/** Ping streams that a peer may hold open on one connection. */
export const PING_STREAMS_MAX = 4;

/** The greeting: version, network, features. */
export const HELLO_BYTES_MAX = 4_096;
export const HELLO_MS = 5_000;
export const FEATURES_MAX = 32;
/** Greetings are kept for peers that are connected, up to this many. */
export const HELLOS_KEPT_MAX = 16_384;

/** Head of a task message: an offer with inline input in base64url, two envelopes and room. */
export const TASK_HEAD_BYTES_MAX = 262_144;
/** Body that follows a head: one blob (shared BLOB_BYTES_MAX). */
export const TASK_BODY_BYTES_MAX = 8_388_608;
/** Task streams that one peer may hold open. */
export const TASK_STREAMS_MAX = 32;
/** An exchange without its own deadline; none may ask for more than the second. */
export const TASK_EXCHANGE_MS = 15_000;
export const TASK_EXCHANGE_MS_MAX = 60_000;
/** Pieces in which bodies are written, a frame of noise each: what control waits for at most. */
export const CHUNK_BYTES = 65_536;
/** Unread bytes of one stream before its sender is held back, and when it may go on. */
export const READ_AHEAD_BYTES = 262_144;

/** Answers kept for repeated requests: how long, how many, how large in all. A caller that has no
 * answer repeats for minutes, not for hours. */
export const DEDUP_MS = 600_000;
export const DEDUP_ENTRIES_MAX = 4_096;
export const DEDUP_BYTES_MAX = 16_777_216;

/** What one peer may send: messages and bytes a second, and at once. */
export const PEER_MESSAGES_PER_S = 50;
export const PEER_MESSAGES_BURST = 200;
export const PEER_BYTES_PER_S = 4_194_304;
export const PEER_BYTES_BURST = 33_554_432;
/** Peers whose accounts are kept; the one not seen for longest is forgotten. */
export const ACCOUNTS_MAX = 16_384;
/** Of eight turns on a busy connection one is bulk's, however much control waits. */
export const BULK_TURN_EVERY = 8;

/** A card record with its card in the table: 64 KiB card, record and signatures. */
export const RECORD_BYTES_MAX = 81_920;
/** How long the table's other nodes keep a record they are not told again: they drop it after
 * 48 h (kad-dht); it is told again well before. */
export const REPUBLISH_MS = 4 * 3_600_000;
/** While nobody has taken a record it is told again this soon. */
export const REPUBLISH_SOON_MS = 10_000;
/** Reading and writing the table. */
export const DHT_MS = 15_000;
/** A node that knows nobody yet looks again after this, as long as it has only just come. */
export const DHT_ALONE_MS = 100;
export const DHT_JOIN_MS = 5_000;
/** What a node keeps of the table for others, records and providers; the oldest of it goes first. */
export const TABLE_BYTES_MAX = 67_108_864;
/** Executors returned for one capability. */
export const PROVIDERS_MAX = 64;
/** Records of every network that a relay remembers, to refuse older ones. */
export const RELAY_RECORDS_KEPT_MAX = 65_536;
/** Records of others that a node keeps to notice equivocation and for search. */
export const RECORDS_KEPT_MAX = 8_192;
/** Records of one author that a node keeps: shared CARDS_PER_DID_MAX. */
export const RECORDS_PER_DID_KEPT_MAX = 256;
/** A gossiped message: a record with its card. */
export const GOSSIP_BYTES_MAX = 98_304;
/** Presence, which is told every 30 s, is worth nothing after three times that; so many peers'
 * is kept. */
export const PRESENCE_STALE_MS = 90_000;
export const PRESENCES_KEPT_MAX = 16_384;
/** Gossiped messages one author may have others check, a second and at once. */
export const GOSSIP_PER_AUTHOR_PER_S = 2;
export const GOSSIP_PER_AUTHOR_BURST = 64;

/** Reservations that a relay gives, and for how long. */
export const RESERVATIONS_MAX = 8_192;
export const RESERVATION_MS = 3_600_000;
/** Relayed connections of one DID at a time. */
export const CIRCUITS_PER_DID_MAX = 64;
/** Relayed bytes of one DID: an hour's worth at once, refilled evenly. */
export const RELAY_BYTES_PER_DID_PER_HOUR = 4_294_967_296;
/** Share of the hour's bytes that must be there for a new circuit: one that ends at once is worse
 * than none. */
export const RELAY_BUDGET_TO_OPEN = 0.05;
/** How long addresses through a relay that was found dead are tried last. */
export const RELAY_DISTRUST_MS = 30_000;
/** A relay that answers a reservation later than this is treated as dead. */
export const RESERVE_MS = 4_000;
/** Backoff between attempts on one relay, jittered by a quarter each way: traffic is back within
 * 2 s of a relay's return, and a dead one is asked four times a minute. */
export const RESERVE_BACKOFF_MS_MIN = 250;
export const RESERVE_BACKOFF_MS_MAX = 1_200;
/** After so many failures in a row a relay is long gone: it is asked less often. */
export const RESERVE_PATIENT_AFTER = 500;
export const RESERVE_PATIENT_MS = 15_000;
/** How often a supervisor looks whether what it holds is still held. */
export const SUPERVISE_MS = 500;
/** How long a relayed connection stays, with nothing asked on it, once there is a direct one: the
 * peer may not have heard of that yet. */
export const UPGRADE_LINGER_MS = 1_000;

/** Peers that a node wants to be connected with: gossip needs six, and some will be hostile. */
export const COMPANY_MIN = 10;
/** How often it counts them; how soon it looks again when a walk brought some, and when none. */
export const COMPANY_MS = 15_000;
export const COMPANY_SOON_MS = 1_000;
export const COMPANY_PATIENT_MS = 5_000;
/** One walk to a random place of the table, with the dials to whom it meets. */
export const COMPANY_WALK_MS = 10_000;

/** Gossip: each node keeps so many neighbours in a topic, at least and at most. A bootstrap node
 * knows everybody: those past its number hear from it only what it tells on asking. */
export const GOSSIP_DEGREE = 8;
export const GOSSIP_DEGREE_MIN = 6;
export const GOSSIP_DEGREE_MAX = 16;
export const GOSSIP_DEGREE_OUTBOUND = 3;
/** A neighbour outside the topic's own is told the ids of the last ten seconds' messages once a
 * second: at least so many of them, and this share. Whom every push missed asks for the message. */
export const GOSSIP_TOLD_MIN = 12;
export const GOSSIP_TOLD_SHARE = 0.5;
export const GOSSIP_TOLD_SECONDS = 10;
/** Score of a peer for the square of the invalid messages that it passed on, halved in 10 s: the
 * third within seconds ends its being heard (libp2p's graylist is -80). */
export const GOSSIP_INVALID_WEIGHT = -20;
export const GOSSIP_INVALID_DECAY = 0.93;

/** Neighbours found by multicast DNS whose addresses are remembered, and dials to them at a time:
 * anybody on the cable can name any number of them. */
export const LOCAL_PEERS_MAX = 64;
export const LOCAL_DIALS_MAX = 8;

/** Health: how often a connection is probed and how long its answer may take. */
export const PROBE_MS = 5_000;
export const PROBE_TIMEOUT_MS = 5_000;
/** Relays are probed faster: a frozen one is noticed within two probes and two timeouts, 5 s at
 * most (mesh.md). A thousand nodes then cost a relay a thousand small streams a second. */
export const PROBE_RELAY_MS = 1_000;
export const PROBE_RELAY_TIMEOUT_MS = 1_250;
/** A connection is suspected after the first probe without an answer, condemned after more. */
export const SUSPECT_AFTER = 1;
export const CONDEMN_AFTER = 2;
/** Answers that the loss is counted over. */
export const PROBES_KEPT = 32;
/** Round trip at which half of the latency part of the score is gone. */
export const HEALTH_RTT_HALF_MS = 250;
/** Age at which a connection's steadiness is half believed. */
export const HEALTH_AGE_HALF_MS = 60_000;

/** How often the nodes that this one starts from are looked at, and asked while they are away. */
export const BOOTSTRAP_BACKOFF_MS_MIN = 1_000;
export const BOOTSTRAP_BACKOFF_MS_MAX = 15_000;

/** Requests that a node carries to its edge for others. A head is a path and eleven headers. */
export const GATEWAY_HEAD_BYTES_MAX = 16_384;
export const GATEWAY_PATH_CHARS_MAX = 2_048;
export const GATEWAY_HEADER_CHARS_MAX = 1_024;
/** A body either way: one blob (shared BLOB_BYTES_MAX). */
export const GATEWAY_BODY_BYTES_MAX = 8_388_608;
/** Gateway streams on one connection. */
export const GATEWAY_STREAMS_MAX = 16;
/** Requests at the same time, of all and of one peer: an edge may hold each for half a minute, and
 * who waits for long must leave room for others. */
export const GATEWAY_REQUESTS_MAX = 64;
export const GATEWAY_REQUESTS_PER_PEER_MAX = 8;
/** Bodies held at the same time, of all peers: eight of the largest. */
export const GATEWAY_BYTES_HELD_MAX = 67_108_864;
/** The edge's own longest wait (shared WAIT_MS_MAX) and an answer's way back. */
export const GATEWAY_MS_MAX = 60_000;
/** While nobody has taken a gateway's word that it is one, it is told again this soon. */
export const GATEWAY_TOLD_SOON_MS = 2_000;
/** Requests a second and at once, of all peers and of one: an edge counts them as this node's own
 * (20 a second from one address), and this node's business goes on beside them. */
export const GATEWAY_PER_S = 10;
export const GATEWAY_BURST = 80;
export const GATEWAY_PEER_PER_S = 5;
export const GATEWAY_PEER_BURST = 40;

/** How often neighbours tell each other how far away everyone is, jittered by a quarter each way;
 * and how soon after something changed (mesh.md asks for 1 to 2 s). */
export const DISTANCES_MS = 2_000;
export const DISTANCES_SOON_MS = 150;
/** Destinations in one distance vector, the nearest first: 54 bytes each, and a hash for each that
 * is new in a round. */
export const DISTANCES_MAX = 1_024;
/** Vectors that one neighbour may send, a second and at once: its rounds and its sudden news. */
export const DISTANCES_PER_S = 8;
export const DISTANCES_BURST = 32;
/** Chains of rounds that one neighbour may bring, a second and at once: each costs the check of a
 * signature, and for a destination never heard of a millisecond of checking its key. */
export const INTRODUCTIONS_PER_S = 32;
export const INTRODUCTIONS_BURST = 256;
/** Distance streams a peer may hold open; a second one while the first ends. */
export const DISTANCES_STREAMS_MAX = 2;
/** Opening a distance stream and writing one vector. */
export const DISTANCES_WRITE_MS = 5_000;
/** The router's state is saved this often at most: losing a minute of learning costs a minute. */
export const ROUTER_SAVE_MS = 60_000;
/** The least that one hop is taken to cost, and what a failure costs, ms. */
export const HOP_FLOOR_MS = 1;
export const HOP_FAILED_MS = 1_000;

/** What one envelope holds: a whole question or answer as on a task stream, with the length of
 * its head (4) and GCM's tag (16). */
export const ENVELOPE_BYTES_MAX = TASK_HEAD_BYTES_MAX + TASK_BODY_BYTES_MAX + 20;
/** Offer of an envelope: head, signature and eight DIDs are 1.4 KiB. */
export const ENVELOPE_HEAD_BYTES_MAX = 4_096;
/** Keys of recipients that need not be admitted again; 200 bytes each. */
export const AGREEMENT_KEYS_MAX = 4_096;
/** How long an envelope may travel: no question waits longer for its answer. */
export const ENVELOPE_TTL_MS_MAX = TASK_EXCHANGE_MS_MAX;
/** How far an author's clock may be off the recipient's. Forwarders ask no clock but their own. */
export const ENVELOPE_SKEW_MS = 300_000;
/** Ids are remembered for as long as a replay could pass for fresh. */
export const ENVELOPE_SEEN_MS = ENVELOPE_TTL_MS_MAX + 2 * ENVELOPE_SKEW_MS;
/** Ids of envelopes forwarded (the oldest is forgotten) and of those received: past that number
 * new ones wait, because a forgotten id could be replayed. Some 200 bytes each. */
export const ENVELOPES_FORWARDED_KEPT_MAX = 65_536;
export const ENVELOPES_RECEIVED_KEPT_MAX = 131_072;
/** Envelopes that one neighbour may have this node carry, a second and at once, in number and
 * bytes: a stranger's share of this node's line. */
export const ROUTE_PEER_PER_S = 50;
export const ROUTE_PEER_BURST = 400;
export const ROUTE_PEER_BYTES_PER_S = 2_097_152;
export const ROUTE_PEER_BYTES_BURST = 33_554_432;
/** Bytes that this node carries for all others, a second and at once. */
export const ROUTE_BYTES_PER_S = 8_388_608;
export const ROUTE_BYTES_BURST = 67_108_864;
/** Bytes of envelopes held at a time: what store and forward may cost in memory. */
export const ROUTE_HELD_BYTES_MAX = 67_108_864;
/** Envelope streams that one neighbour may hold open: each is an envelope on its way. */
export const ROUTE_STREAMS_MAX = 128;
/** Envelopes on their way by one neighbour, waiting ones included: bulk, and all, fewer than the 64
 * streams that libp2p opens for one protocol. What control may fill and bulk may not keeps payment
 * moving. */
export const ROUTE_QUEUE_BULK_MAX = 32;
export const ROUTE_QUEUE_MAX = 48;
/** Envelopes that are handed to one neighbour at the same time. */
export const ROUTE_PARALLEL = 8;
/** A neighbour that does not take an envelope within this and the time its bytes need at the
 * slowest rate is passed by; one that took it says every second that it still works on it. */
export const HOP_SILENCE_MS = 2_500;
export const HOP_WORKING_MS = 1_000;
export const HOP_BYTES_PER_S_MIN = 262_144;
/** Questions in envelopes that are worked on at a time: of one author (TASK_STREAMS_MAX) and in
 * all. */
export const ROUTED_QUESTIONS_MAX = 512;
/** After this share of its time a question without an answer is sent once more, another way. */
export const ASK_AGAIN_AFTER = 0.5;
/** Pauses between attempts to send an envelope that nobody had room for, or an answer. */
export const SEND_AGAIN_MS = 250;
export const SEND_AGAIN_MS_MAX = 2_000;
/** Share of a question's time that dialling may take, and how long it is waited for when a route is
 * known; a peer that could not be dialled is not dialled again for so long while there is one. */
export const ASK_DIAL_SHARE = 0.3;
export const ASK_DIAL_MS = 1_000;
export const DIAL_AGAIN_MS = 30_000;
