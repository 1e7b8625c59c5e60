import { assert } from "./assert.js";

/*
 * Every limit of the protocol that is not a setting: unit, argument, and how it relates to the
 * others.
 */

/**
 * Largest UDP payload on a path with an MTU of 1,500: less 20 bytes of IPv4 and 8 of UDP header.
 */
export const DATAGRAM_BYTES_ETHERNET = 1_472;

/** The same over IPv6, whose header takes 40 bytes. */
export const DATAGRAM_BYTES_ETHERNET_V6 = 1_452;

/**
 * Largest UDP payload over IPv4: 65,535 less both headers. Used where all addresses are loopback.
 */
export const DATAGRAM_BYTES_MAX = 65_507;

/** Largest message, reassembled. The largest of all is a NEW-VIEW; its codec sees that it fits. */
export const MESSAGE_BYTES_MAX = 8 * 1024 * 1024;

/**
 * Largest signed request. A bundle of some 2,500 moves; fits one loopback datagram with its
 * headers.
 */
export const REQUEST_BYTES_MAX = 60_000;

/** Largest bundle of a request: what its fixed fields and signature leave. */
export const BUNDLE_BYTES_MAX = REQUEST_BYTES_MAX - 128;

/** Most requests of one batch: bounds the checks that one datagram can cause. */
export const BATCH_REQUESTS_MAX = 1_024;

/** Largest batch, as the sum of its requests' bytes. */
export const BATCH_BYTES_MAX = 1024 * 1024;

/** Largest log window L, in slots: what one VIEW-CHANGE may have to list. */
export const WINDOW_SLOTS_MAX = 512;

/**
 * Batches, other than null batches, that a replica accepts for one sequence number because a
 * primary proposes them, not because a NEW-VIEW chose them. A NEW-VIEW gives a number to a null
 * batch where a voter has so many: it cannot take part in one more.
 */
export const FRESH_PER_SLOT_MAX = 2;

/**
 * Most Q-entries a replica keeps per sequence number; the oldest view is dropped (TOCS'02, 4.5). A
 * NEW-VIEW chooses only what some correct replica accepted, so with four replicas, three of them
 * correct, there never are more than 3 * 2 and the null batch. With more replicas it takes views
 * that fail one after another, with a new batch each, to make one drop.
 */
export const PRE_PREPARED_PER_SLOT_MAX = 7;

/** Sessions of one client that the client table remembers; the ones that started last are kept. */
export const SESSIONS_PER_CLIENT_MAX = 64;

/**
 * Most clients of a cluster. The summary of a state names each session, and for each client what it
 * remembers no more, by a digest of 32 bytes, and is one message (ST2).
 */
export const CLIENTS_MAX = 4_000;

/** Sessions of one client whose address is remembered: twice as many as may write. */
export const PLACES_PER_CLIENT_MAX = 2 * SESSIONS_PER_CLIENT_MAX;

/** Bytes of messages under reassembly that one peer may make us hold. */
export const REASSEMBLY_BYTES_PER_PEER_MAX = 2 * MESSAGE_BYTES_MAX;

/** The same for a client: there may be many, and each says little. */
export const REASSEMBLY_BYTES_PER_CLIENT_MAX = 16 * REQUEST_BYTES_MAX;

/** Largest sequence number, view, session or timestamp: integers stay exact in a double. */
export const COUNTER_MAX = Number.MAX_SAFE_INTEGER;

assert(REQUEST_BYTES_MAX < DATAGRAM_BYTES_MAX - 1_024, "a full request fits a loopback datagram");
assert(BATCH_BYTES_MAX >= REQUEST_BYTES_MAX, "every request fits a batch");
assert(
  32 * CLIENTS_MAX * (SESSIONS_PER_CLIENT_MAX + 1) < MESSAGE_BYTES_MAX - 4_096,
  "the summary of a state fits a message",
);
assert(2 * BATCH_BYTES_MAX <= MESSAGE_BYTES_MAX, "every batch fits a message, headers included");

/** Reads that a replica lets wait for batches which it has answered tentatively, in bytes. */
export const HELD_READS_BYTES_MAX = 1024 * 1024;
