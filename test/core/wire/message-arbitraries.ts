import fc from "fast-check";
import { bundleOf } from "../../../src/core/base/bundle.js";
import { bytesConcat } from "../../../src/core/base/bytes.js";
import { Domain } from "../../../src/core/base/hasher.js";
import { COUNTER_MAX, PRE_PREPARED_PER_SLOT_MAX } from "../../../src/core/base/limits.js";
import type {
  Batch,
  CertificateEntry,
  Checkpoint,
  JournalRecord,
  Message,
  NewView,
  Request,
  ViewChange,
} from "../../../src/core/message.js";
import { ReplyCode, StatePart } from "../../../src/core/message.js";
import { type RequestSigner, signMessage, signRequest } from "../../../src/core/wire/sign.js";
import { CLIENT_COUNT, REPLICA_COUNT } from "./sample-cluster.js";
import { sampleHasher, sampleRequestSigner, sampleSigner } from "./sample-crypto.js";

/*
 * Every message that a correct member of the sample cluster may send, signed with the sample
 * cryptography, for properties. Small sizes: what depends on size has tests of its own.
 */

/** Plain objects, which compare equal to those that a decoder makes. */
function record<T>(model: { [F in keyof T]: fc.Arbitrary<T[F]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true });
}

const counter = fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, 1, 2 ** 32, COUNTER_MAX));
const counterFromOne = counter.map((value) => Math.max(1, value));
const replicaId = fc.nat(REPLICA_COUNT - 1);
const mask = fc.nat(2 ** REPLICA_COUNT - 1);
const digest = fc.uint8Array({ minLength: 32, maxLength: 32 });
const data = fc.uint8Array({ maxLength: 100 });
const bundle = fc
  .array(fc.uint8Array({ maxLength: 20 }), { minLength: 1, maxLength: 4 })
  .map((operations) => bundleOf(operations));

/** A signed request of any client. */
export const request: fc.Arbitrary<Request> = record({
  kind: fc.constant("request" as const),
  client: fc.nat(CLIENT_COUNT - 1),
  session: counter,
  timestamp: counterFromOne,
  bundle,
}).map((fields) => signRequest(fields, signerOf(fields.client)));

/** The keys of a client of the sample cluster; all replicas share one of its MAC keys there. */
function signerOf(id: number): RequestSigner {
  const macKey = REPLICA_COUNT + CLIENT_COUNT + id;
  return sampleRequestSigner(REPLICA_COUNT + id, macKey, REPLICA_COUNT);
}

const requests = fc.array(request, { maxLength: 4 });

/** A batch without authenticators, the null batch included. */
const batch: fc.Arbitrary<Batch> = requests.map((some) => batchOf(some.map(withoutAuthenticator)));

/** The same with all of them. */
const authenticatedBatch: fc.Arbitrary<Batch> = requests.map(batchOf);

/** The request as it comes in a batch without authenticators. */
export function withoutAuthenticator(one: Request): Request {
  return { ...one, authenticator: new Uint8Array(0) };
}

/** The batch of `requests`, with its digest. */
export function batchOf(requests: readonly Request[]): Batch {
  const digests = bytesConcat(requests.map((one) => one.digest));
  return { requests, digest: sampleHasher.digest(Domain.batch, digests) };
}

/** A signed checkpoint of any replica. */
const checkpoint: fc.Arbitrary<Checkpoint> = record({
  kind: fc.constant("checkpoint" as const),
  replica: replicaId,
  seq: counter,
  stateDigest: digest,
}).map((fields) => {
  return signMessage(fields, sampleHasher, sampleSigner(fields.replica)) as Checkpoint;
});

const checkpointEntry = record({ seq: counter, stateDigest: digest });
const certificateEntry = record({ seq: counter, digest, view: counter });
const certificateEntries = fc
  .uniqueArray(certificateEntry, { maxLength: 5, selector: ({ seq }) => seq })
  .map((entries) => sortedBySeq(entries));

/** Q-sets: several digests for one sequence number, all different. */
const prePrepared = fc
  .tuple(certificateEntries, fc.nat(PRE_PREPARED_PER_SLOT_MAX - 1))
  .map(([entries, moreCount]) => entries.flatMap((entry) => variantsOf(entry, moreCount)));

/** A signed view-change of any replica. */
const viewChange: fc.Arbitrary<ViewChange> = record({
  kind: fc.constant("view-change" as const),
  replica: replicaId,
  view: counter,
  stableSeq: counter,
  checkpoints: fc
    .uniqueArray(checkpointEntry, { maxLength: 3, selector: ({ seq }) => seq })
    .map((entries) => sortedBySeq(entries)),
  prepared: certificateEntries,
  prePrepared,
}).map((fields) => {
  return signMessage(fields, sampleHasher, sampleSigner(fields.replica)) as ViewChange;
});

/** A signed new-view of any replica. */
const newView: fc.Arbitrary<NewView> = record({
  replica: replicaId,
  view: counter,
  votes: fc.uniqueArray(viewChange, { maxLength: 3, selector: (vote) => vote.replica }),
  start: record({ seq: fc.nat(), stateDigest: digest }),
  digests: fc.array(digest, { maxLength: 4 }),
}).map(({ replica, view, votes, start, digests }) => {
  const viewChanges = votes.sort((left, right) => left.replica - right.replica);
  const chosen = digests.map((one, index) => ({ seq: start.seq + 1 + index, digest: one }));
  const fields = { replica, view, viewChanges, checkpoint: start, chosen };
  const signer = sampleSigner(replica);
  return signMessage({ kind: "new-view", ...fields }, sampleHasher, signer) as NewView;
});

const slot = record({ hasBatch: fc.boolean(), preparesMask: mask, commitsMask: mask });
const statePart = fc.constantFrom(...Object.values(StatePart));
const stateAddress = {
  seq: counter,
  part: statePart,
  level: fc.nat(255),
  index: fc.nat(2 ** 32 - 1),
};

type ArbitraryOfKind = {
  readonly [K in Message["kind"]]: fc.Arbitrary<Extract<Message, { kind: K }>>;
};

function ofKind<K extends string, T extends Record<string, unknown>>(
  kind: K,
  fields: { [F in keyof T]: fc.Arbitrary<T[F]> },
): fc.Arbitrary<T & { kind: K }> {
  return record<T>(fields).map((value) => ({ kind, ...value }));
}

/** Arbitrary messages by kind. */
export const messageOfKind: ArbitraryOfKind = {
  request,
  hello: ofKind("hello", { session: counter, nonce: counter }),
  read: ofKind("read", {
    client: fc.nat(CLIENT_COUNT - 1),
    session: counter,
    nonce: counter,
    bundle,
  }),
  inspect: ofKind("inspect", { nonce: counter }),
  welcome: ofKind("welcome", { session: counter, view: counter }),
  reply: fc.oneof(
    ofKind("reply", {
      view: counter,
      session: counter,
      timestamp: counter,
      seq: counter,
      code: fc.constantFrom(ReplyCode.executed, ReplyCode.tentative),
      results: bundle,
    }),
    ofKind("reply", {
      view: counter,
      session: counter,
      timestamp: counter,
      seq: counter,
      code: fc.constant(ReplyCode.sessionExpired),
      results: fc.constant(new Uint8Array(0)),
    }),
  ),
  "read-reply": ofKind("read-reply", {
    view: counter,
    session: counter,
    nonce: counter,
    seq: counter,
    results: bundle,
  }),
  busy: ofKind("busy", { session: counter, timestamp: counter }),
  "inspect-reply": ofKind("inspect-reply", { nonce: counter, json: data }),
  "pre-prepare": ofKind("pre-prepare", {
    view: counter,
    seq: counter,
    batch: fc.oneof(batch, authenticatedBatch),
  }),
  prepare: ofKind("prepare", { view: counter, seq: counter, digest }),
  commit: ofKind("commit", { view: counter, seq: counter, digest }),
  checkpoint,
  "view-change": viewChange,
  "new-view": newView,
  status: ofKind("status", {
    view: counter,
    active: fc.boolean(),
    stableSeq: counter,
    executedSeq: counter,
    slots: fc.array(slot, { maxLength: 5 }),
    checkpointsMask: mask,
    viewChangesMask: mask,
    missingBatches: fc.array(digest, { maxLength: 3 }),
  }),
  "batch-body": ofKind("batch-body", { batch }),
  "decision-query": ofKind("decision-query", { seq: counter }),
  decision: ofKind("decision", { seq: counter, batch }),
  "state-fetch": ofKind("state-fetch", stateAddress),
  "state-data": ofKind("state-data", { ...stateAddress, data }),
  rejoin: ofKind("rejoin", { nonce: counter, seq: counter, view: counter }),
  "rejoin-answer": ofKind("rejoin-answer", {
    nonce: counter,
    view: counter,
    executedSeq: counter,
    preparedSeq: counter,
  }),
};

/** Any message. */
export const message: fc.Arbitrary<Message> = fc.oneof(...Object.values(messageOfKind));

/** Any record of the journal. */
export const journalRecord: fc.Arbitrary<JournalRecord> = fc.oneof(
  ofKind("pre-prepared", { view: counter, seq: counter, batch }),
  ofKind("prepared", { view: counter, seq: counter, digest }),
  ofKind("committed", { seq: counter, digest }),
  ofKind("body", { seq: counter, batch }),
  ofKind("view-change", { vote: viewChange }),
  ofKind("new-view", { newView }),
  ofKind("stable", { seq: counter, certificate: fc.array(checkpoint, { maxLength: 4 }) }),
  ofKind("certified", { seq: counter, certificate: fc.array(checkpoint, { maxLength: 4 }) }),
);

function sortedBySeq<T extends { readonly seq: number }>(entries: readonly T[]): T[] {
  return [...entries].sort((left, right) => left.seq - right.seq);
}

function variantsOf(entry: CertificateEntry, moreCount: number): CertificateEntry[] {
  const variants = [entry];
  for (let flip = 1; flip <= moreCount; flip += 1) {
    const changed = Uint8Array.from(entry.digest);
    changed[0] = (changed[0] ?? 0) ^ flip;
    variants.push({ ...entry, digest: changed });
  }
  return variants;
}
