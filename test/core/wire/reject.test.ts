import assert from "node:assert/strict";
import { test } from "node:test";
import { bundleOf } from "../../../src/core/base/bundle.js";
import { BUNDLE_BYTES_MAX } from "../../../src/core/base/limits.js";
import type { Message, PrePrepare, ViewChange } from "../../../src/core/message.js";
import { ReplyCode } from "../../../src/core/message.js";
import { encodeMessage } from "../../../src/core/wire/encode.js";
import type { WireReject } from "../../../src/core/wire/reject.js";
import { decodeRecord, encodeRecord } from "../../../src/core/wire/record.js";
import { signMessage } from "../../../src/core/wire/sign.js";
import { constantVerdict, DIGEST, EXAMPLE_LIST, EXAMPLES } from "./examples.js";
import {
  altered,
  client,
  CLIENT_COUNT,
  decodeOne,
  mayTravel,
  replica,
  REPLICA_COUNT,
  rosterOf,
  scopeFor,
} from "./sample-cluster.js";
import { sampleHasher, sampleSigner } from "./sample-crypto.js";

const BYTES = Object.fromEntries(
  EXAMPLE_LIST.map((example) => [example.kind, encodeMessage(example)]),
) as Readonly<Record<Message["kind"], Uint8Array>>;

/** What becomes of the example of `kind` with other bytes from `at` on; its signatures hold. */
function rejectOf(kind: Message["kind"], at: number, ...values: number[]): unknown {
  return decoded(kind, altered(BYTES[kind], at, ...values));
}

function decoded(kind: Message["kind"], bytes: Uint8Array): Message | WireReject {
  return decodeOne(bytes, scopeFor(EXAMPLES[kind]), constantVerdict);
}

function extended(bytes: Uint8Array, size: number): Uint8Array {
  const copy = new Uint8Array(size);
  copy.set(bytes);
  return copy;
}

test("every message travels between the roles that may say it, and between no others (AU5)", () => {
  const principals = [replica(1), client(3), replica(0), client(2)];
  for (const example of EXAMPLE_LIST) {
    for (const from of principals) {
      for (const to of principals.filter((one) => one !== from)) {
        const scope = { roster: rosterOf(to), from };
        const result = decodeOne(encodeMessage(example), scope, constantVerdict);
        const name = `${example.kind} from ${from.role} to ${to.role}`;
        if (!mayTravel(example.kind, from, to)) assert.equal(result, "wire/wrong-role", name);
        else assert.notEqual(result, "wire/wrong-role", name);
      }
    }
  }
});

test("a type that nobody sends is unknown", () => {
  for (const type of [0x00, 0x05, 0x10, 0x16, 0x20, 0x2f, 0x80, 0xff]) {
    assert.equal(rejectOf("prepare", 0, type), "wire/unknown-type");
  }
});

test("bytes after the last field are rejected", () => {
  for (const kind of ["hello", "prepare", "status", "decision-query", "state-fetch"] as const) {
    const bytes = extended(BYTES[kind], BYTES[kind].length + 1);
    assert.equal(decoded(kind, bytes), "wire/trailing-bytes", kind);
  }
});

test("a counter up to 2^53 - 1 is taken, one above is rejected", () => {
  const largest = [0x00, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
  const expected = { ...EXAMPLES.prepare, view: Number.MAX_SAFE_INTEGER };
  assert.deepEqual(rejectOf("prepare", 1, ...largest), expected);
  assert.equal(rejectOf("prepare", 1, 0, 0x20, 0, 0, 0, 0, 0, 0), "wire/counter-range");
  assert.equal(rejectOf("prepare", 9, 0xff), "wire/counter-range");
});

test("operations and results must be a well-formed bundle", () => {
  const counts = { request: 19, read: 17, reply: 34, "read-reply": 33 } as const;
  for (const [kind, at] of Object.entries(counts) as [keyof typeof counts, number][]) {
    assert.equal(rejectOf(kind, at, 0, 0), "wire/bad-bundle", kind);
    assert.equal(rejectOf(kind, at, 0, 9), "wire/bad-bundle", kind);
  }
});

test("a request counts from 1, names a client that exists, and has a bounded size", () => {
  assert.equal(rejectOf("request", 11, 0, 0, 0, 0, 0, 0, 0, 0), "request/bad-timestamp");
  assert.equal(rejectOf("request", 1, 0, CLIENT_COUNT), "request/unknown-client");
  const tooLarge = extended(BYTES.request, 60_001 + 16 * REPLICA_COUNT);
  assert.equal(decoded("request", tooLarge), "request/too-large");
});

test("a client speaks for itself only; a replica relays anybody's request (AU5)", () => {
  const roster = rosterOf(replica(0));
  const results = [client(3), client(2), replica(1)].map((from) => {
    return decodeOne(BYTES.request, { roster, from }, constantVerdict);
  });
  assert.deepEqual(results, [EXAMPLES.request, "request/wrong-client", EXAMPLES.request]);
});

test("a read belongs to the client that authenticated it (AU5)", () => {
  const scope = { roster: rosterOf(replica(0)), from: client(1) };
  assert.deepEqual(decodeOne(BYTES.read, scope), { ...EXAMPLES.read, client: 1 });
});

test("a read is no larger than a request's bundle", () => {
  const itemBytes = BUNDLE_BYTES_MAX - 4;
  const read = { ...EXAMPLES.read, bundle: bundleOf([new Uint8Array(itemBytes)]) };
  assert.deepEqual(decoded("read", encodeMessage(read)), read);
  const larger = { ...read, bundle: bundleOf([new Uint8Array(itemBytes + 1)]) };
  assert.equal(decoded("read", encodeMessage(larger)), "read/too-large");
});

test("a reply has a known code, and results only if it was executed", () => {
  assert.equal(rejectOf("reply", 33, 3), "reply/unknown-code");
  assert.equal(rejectOf("reply", 33, ReplyCode.sessionExpired), "reply/unexpected-results");
});

test("a batch that claims more than its bytes hold is rejected before it is decoded", () => {
  const countAt = 18;
  assert.equal(rejectOf("pre-prepare", countAt, 0x04, 0x01), "batch/too-many-requests");
  assert.equal(rejectOf("pre-prepare", countAt, 0x04, 0x00), "wire/truncated");
  assert.equal(rejectOf("pre-prepare", countAt, 0, 1), "wire/trailing-bytes");
  assert.equal(rejectOf("pre-prepare", countAt + 2, 0xff), "wire/truncated");
  assert.equal(rejectOf("pre-prepare", countAt + 6, 0x02), "wire/unknown-type");
  assert.equal(rejectOf("pre-prepare", countAt + 2, 0, 0, 0, 0), "wire/truncated");
  assert.equal(decoded("decision", extended(BYTES.decision, 20)), "wire/trailing-bytes");
  assert.equal(decoded("decision", BYTES.decision.subarray(0, 10)), "wire/truncated");
});

test("a pre-prepare has authenticators for this cluster, or none", () => {
  const widthAt = 17;
  const code = "pre-prepare/bad-authenticators";
  for (const width of [1, 3, 5, 255]) assert.equal(rejectOf("pre-prepare", widthAt, width), code);
  assert.equal(rejectOf("pre-prepare", widthAt, 0), "wire/trailing-bytes");
  const batch = { requests: [], digest: DIGEST };
  const empty = encodeMessage({ ...EXAMPLES["pre-prepare"], batch });
  assert.equal(decoded("pre-prepare", altered(empty, widthAt, REPLICA_COUNT)), code);
});

test("a batch has at most 1 MiB of requests", () => {
  const bundle = bundleOf([new Uint8Array(59_000)]);
  const request = { ...EXAMPLES.request, bundle, authenticator: new Uint8Array(0) };
  const bytes = new Uint8Array(19 + bundle.length + 64);
  bytes.set(BYTES.request.subarray(0, 19));
  bytes.set(bundle, 19);
  const requests = Array.from({ length: 17 }, () => ({ ...request, bytes }));
  const full = { ...EXAMPLES["batch-body"], batch: { requests, digest: DIGEST } };
  assert.deepEqual(decoded("batch-body", encodeMessage(full)), full);
  const more = { ...full, batch: { requests: [...requests, ...requests], digest: DIGEST } };
  assert.equal(decoded("batch-body", encodeMessage(more)), "batch/too-large");
});

test("replica numbers beyond the cluster are rejected, in fields and in masks", () => {
  for (const kind of ["checkpoint", "view-change", "new-view"] as const) {
    assert.equal(rejectOf(kind, 1, REPLICA_COUNT), "wire/unknown-replica", kind);
  }
  const masks = { checkpoints: 26, viewChanges: 30, prepares: 38, commits: 42 };
  for (const at of Object.values(masks)) {
    assert.equal(rejectOf("status", at, 0, 0, 0, 0x10), "status/unknown-replica");
  }
});

test("a status has known flags and at most a window of slots and digests", () => {
  assert.equal(rejectOf("status", 9, 0x08), "wire/unknown-flag");
  assert.equal(rejectOf("status", 34, 0x02, 0x01), "status/too-many-entries");
  assert.equal(rejectOf("status", 34, 0x02, 0x00), "wire/truncated");
  assert.equal(rejectOf("status", 36, 0x02, 0x01), "status/too-many-entries");
  assert.equal(rejectOf("status", 36, 0x00, 0x02), "wire/truncated");
});

test("a piece of state is of a known part", () => {
  assert.equal(rejectOf("state-fetch", 9, 4), "state/unknown-part");
  assert.equal(rejectOf("state-data", 9, 255), "state/unknown-part");
});

/** A view-change with other entries, properly signed. */
function vote(entries: Partial<ViewChange>): Uint8Array {
  const fields = { ...EXAMPLES["view-change"], ...entries };
  return signMessage(fields, sampleHasher, sampleSigner(fields.replica)).bytes;
}

test("a view-change has bounded counts that its bytes can hold", () => {
  const counts = { checkpoints: [18, 0x02, 0x03], prepared: [20, 0x02, 0x01] } as const;
  for (const [at, ...values] of Object.values(counts)) {
    assert.equal(rejectOf("view-change", at, ...values), "view-change/too-many-entries");
  }
  assert.equal(rejectOf("view-change", 22, 0x0e, 0x01), "view-change/too-many-entries");
  for (const at of [18, 20, 22]) {
    assert.equal(rejectOf("view-change", at, 0x02, 0x00), "wire/truncated");
  }
});

test("a view-change's entries ascend, and no digest is listed twice for a sequence number", () => {
  const { checkpoints, prepared, prePrepared } = EXAMPLES["view-change"];
  const entry = { seq: 129, digest: DIGEST, view: 4 };
  const many = [1, 2, 3, 4, 5, 6, 7, 8].map((byte) => {
    return { ...entry, digest: new Uint8Array(32).fill(byte) };
  });
  const wrong = [
    { checkpoints: checkpoints.toReversed() },
    { checkpoints: [...checkpoints, ...checkpoints.slice(1)] },
    { prepared: [...prepared, ...prepared] },
    { prepared: [{ ...entry, seq: 130 }, entry] },
    { prePrepared: prePrepared.toReversed() },
    { prePrepared: [entry, { ...entry, view: 3 }] },
    { prePrepared: many },
  ];
  for (const entries of wrong) {
    assert.equal(decoded("view-change", vote(entries)), "view-change/unsorted");
  }
});

test("a new-view's votes are of distinct replicas, ascending, and no more than there are", () => {
  const fields = EXAMPLES["new-view"];
  const remade = (viewChanges: readonly ViewChange[]): unknown => {
    const message = signMessage({ ...fields, viewChanges }, sampleHasher, sampleSigner(1));
    return decoded("new-view", message.bytes);
  };
  assert.equal(remade(fields.viewChanges.toReversed()), "new-view/unsorted");
  assert.equal(
    remade([...fields.viewChanges, ...fields.viewChanges.slice(1)]),
    "new-view/unsorted",
  );
  assert.equal(rejectOf("new-view", 52, REPLICA_COUNT + 1), "new-view/too-many-entries");
  assert.equal(rejectOf("new-view", 52, 4), "wire/truncated");
  assert.equal(rejectOf("new-view", 50, 0xff, 0xff), "wire/truncated");
  assert.equal(decoded("new-view", BYTES["new-view"].subarray(0, 100)), "wire/truncated");
  assert.equal(rejectOf("new-view", 53 + 64 + 4, 0x24), "wire/unknown-type");
});

test("a new-view chooses for a window at most, and for no sequence number beyond 2^53 - 1", () => {
  const fields = { ...EXAMPLES["new-view"], viewChanges: [] };
  const choices = (count: number): { seq: number; digest: Uint8Array }[] => {
    return Array.from({ length: count }, (_, index) => ({ seq: 129 + index, digest: DIGEST }));
  };
  const remade = (chosen: { seq: number; digest: Uint8Array }[]): Uint8Array => {
    return signMessage({ ...fields, chosen }, sampleHasher, sampleSigner(1)).bytes;
  };
  assert.equal(typeof decoded("new-view", remade(choices(512))), "object");
  assert.equal(decoded("new-view", remade(choices(513))), "new-view/too-many-entries");
  const last = altered(remade(choices(1)), 10, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
  assert.equal(decoded("new-view", last), "wire/counter-range");
});

test("a damaged journal record is told apart from every other", () => {
  const roster = rosterOf(replica(0));
  const decode = (bytes: Uint8Array): unknown => decodeRecord(bytes, sampleHasher, roster);
  const committed = encodeRecord({ kind: "committed", seq: 5, digest: DIGEST });
  const certificate = [EXAMPLES.checkpoint];
  const stable = encodeRecord({ kind: "stable", seq: 128, certificate });
  const prepared = encodeRecord({ ...EXAMPLES.prepare, kind: "prepared" });
  assert.equal(decode(new Uint8Array(0)), "wire/unknown-type");
  assert.equal(decode(altered(prepared, 0, 1)), "record/unknown-type");
  assert.equal(decode(altered(prepared, 0, 99)), "record/unknown-type");
  assert.equal(decode(committed.subarray(0, -1)), "wire/truncated");
  assert.equal(decode(extended(committed, committed.length + 1)), "wire/trailing-bytes");
  assert.equal(decode(altered(stable, 9, 2)), "wire/truncated");
  assert.equal(decode(altered(stable, 9, 32)), "record/too-many-entries");
  assert.equal(decode(altered(stable, 10, 0x22)), "wire/unknown-type");
});

test("a null batch is a batch: no requests, and a digest over nothing (EX1)", () => {
  const requests: PrePrepare["batch"]["requests"] = [];
  const nullBatch: PrePrepare = { ...EXAMPLES["pre-prepare"], batch: { requests, digest: DIGEST } };
  assert.deepEqual(decoded("pre-prepare", encodeMessage(nullBatch)), nullBatch);
});
