import { asciiBytes } from "../../../src/core/base/bytes.js";
import { bundleOf } from "../../../src/core/base/bundle.js";
import type { Digest, Hasher } from "../../../src/core/base/hasher.js";
import type { Verdict } from "../../../src/core/crypto/check.js";
import type { Check } from "../../../src/core/crypto/check.js";
import type { Batch, Message, NewView, Request, ViewChange } from "../../../src/core/message.js";
import { ReplyCode, StatePart } from "../../../src/core/message.js";
import { type RequestSigner, signMessage, signRequest } from "../../../src/core/wire/sign.js";

/*
 * One message of every kind with fields that are easy to find in a dump. Digests and signatures are
 * constants, so that these bytes depend on no hash: every digest is 0x66…, every signature 0x55….
 */

/** What `constantHasher` says of anything. */
export const DIGEST: Digest = new Uint8Array(32).fill(0x66);
const SIGNATURE = new Uint8Array(64).fill(0x55);

const constantHasher: Hasher = { digest: () => DIGEST };
const constantSigner = (): Uint8Array => SIGNATURE;

/** Authenticators for four replicas: 0xa0…, 0xa1…, 0xa2…, 0xa3…. */
const AUTHENTICATOR = Uint8Array.from({ length: 64 }, (_, at) => 0xa0 + Math.floor(at / 16));

const constantRequestSigner: RequestSigner = {
  hasher: constantHasher,
  sign: constantSigner,
  authenticate: () => AUTHENTICATOR,
};

/** The verdict of a verifier that hashes with `constantHasher` and accepts every signature. */
export function constantVerdict(_bytes: Uint8Array, checks: readonly Check[]): Verdict {
  const digestCount = checks.filter(
    ({ kind }) => kind === "digest" || kind === "digest-of-digests",
  ).length;
  const digests = Array.from({ length: digestCount }, () => DIGEST);
  return { passed: new Uint8Array(checks.length).fill(1), digests };
}

function digestOf(byte: number): Digest {
  return new Uint8Array(32).fill(byte);
}

const request: Request = signRequest(
  {
    kind: "request",
    client: 3,
    session: 0x1_0203_0405,
    timestamp: 7,
    bundle: bundleOf([asciiBytes("put"), asciiBytes("")]),
  },
  constantRequestSigner,
);

const secondRequest: Request = signRequest(
  { kind: "request", client: 4, session: 9, timestamp: 1, bundle: bundleOf([asciiBytes("get")]) },
  constantRequestSigner,
);

const batch: Batch = { requests: [request, secondRequest], digest: DIGEST };

/** The same as it comes where there are no authenticators. */
const bareBatch: Batch = {
  requests: batch.requests.map((one) => ({ ...one, authenticator: new Uint8Array(0) })),
  digest: DIGEST,
};

function viewChangeOf(replica: number): ViewChange {
  return signMessage(
    {
      kind: "view-change",
      replica,
      view: 5,
      stableSeq: 128,
      checkpoints: [
        { seq: 128, stateDigest: digestOf(0xc1) },
        { seq: 256, stateDigest: digestOf(0xc2) },
      ],
      prepared: [{ seq: 129, digest: digestOf(0xa1), view: 4 }],
      prePrepared: [
        { seq: 129, digest: digestOf(0xa1), view: 4 },
        { seq: 129, digest: digestOf(0xa2), view: 3 },
        { seq: 130, digest: digestOf(0xa1), view: 2 },
      ],
    },
    constantHasher,
    constantSigner,
  ) as ViewChange;
}

const newView: NewView = signMessage(
  {
    kind: "new-view",
    replica: 1,
    view: 5,
    viewChanges: [viewChangeOf(0), viewChangeOf(2)],
    checkpoint: { seq: 128, stateDigest: digestOf(0xc1) },
    chosen: [
      { seq: 129, digest: digestOf(0xa1) },
      { seq: 130, digest: digestOf(0) },
    ],
  },
  constantHasher,
  constantSigner,
) as NewView;

/** One message of every kind. */
export const EXAMPLES: { readonly [K in Message["kind"]]: Extract<Message, { kind: K }> } = {
  request,
  hello: { kind: "hello", session: 0x1_0203_0405, nonce: 6 },
  read: {
    kind: "read",
    client: 3,
    session: 0x1_0203_0405,
    nonce: 8,
    bundle: bundleOf([asciiBytes("get")]),
  },
  inspect: { kind: "inspect", nonce: 0x1f_ffff_ffff_ffff },
  welcome: { kind: "welcome", session: 0x1_0203_0405, view: 2 },
  reply: {
    kind: "reply",
    view: 2,
    session: 0x1_0203_0405,
    timestamp: 7,
    seq: 11,
    code: ReplyCode.executed,
    results: bundleOf([asciiBytes("ok"), asciiBytes("no")]),
  },
  "read-reply": {
    kind: "read-reply",
    view: 2,
    session: 0x1_0203_0405,
    nonce: 8,
    seq: 12,
    results: bundleOf([asciiBytes("$8")]),
  },
  busy: { kind: "busy", session: 0x1_0203_0405, timestamp: 7 },
  "inspect-reply": { kind: "inspect-reply", nonce: 4, json: asciiBytes('{"view":2}') },
  "pre-prepare": { kind: "pre-prepare", view: 2, seq: 13, batch },
  prepare: { kind: "prepare", view: 2, seq: 13, digest: digestOf(0xd1) },
  commit: { kind: "commit", view: 2, seq: 13, digest: digestOf(0xd1) },
  checkpoint: signMessage(
    { kind: "checkpoint", replica: 2, seq: 128, stateDigest: digestOf(0xc1) },
    constantHasher,
    constantSigner,
  ) as Extract<Message, { kind: "checkpoint" }>,
  "view-change": viewChangeOf(3),
  "new-view": newView,
  status: {
    kind: "status",
    view: 5,
    active: false,
    stableSeq: 128,
    executedSeq: 130,
    slots: [
      { hasBatch: true, preparesMask: 0b1010, commitsMask: 0b0001 },
      { hasBatch: false, preparesMask: 0, commitsMask: 0b1111 },
    ],
    checkpointsMask: 0b0110,
    viewChangesMask: 0b1101,
    missingBatches: [digestOf(0xd1)],
  },
  "batch-body": { kind: "batch-body", batch: bareBatch },
  "decision-query": { kind: "decision-query", seq: 14 },
  decision: { kind: "decision", seq: 14, batch: { requests: [], digest: DIGEST } },
  "state-fetch": { kind: "state-fetch", seq: 128, part: StatePart.node, level: 2, index: 70_000 },
  "state-data": {
    kind: "state-data",
    seq: 128,
    part: StatePart.page,
    level: 0,
    index: 3,
    data: asciiBytes("page"),
  },
  rejoin: { kind: "rejoin", nonce: 0x1f_0000_0000_0001, seq: 512, view: 4 },
  "rejoin-answer": {
    ...{ kind: "rejoin-answer", nonce: 9, view: 3, executedSeq: 255, preparedSeq: 257 },
  },
};

/** The examples as a list. */
export const EXAMPLE_LIST: readonly Message[] = Object.values(EXAMPLES);
