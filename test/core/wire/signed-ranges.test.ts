import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bundleOf } from "../../../src/core/base/bundle.js";
import { Domain } from "../../../src/core/base/hasher.js";
import type { Check } from "../../../src/core/crypto/check.js";
import type { Message } from "../../../src/core/message.js";
import { CheckList } from "../../../src/core/wire/check-list.js";
import { encodeMessage } from "../../../src/core/wire/encode.js";
import { signMessage } from "../../../src/core/wire/sign.js";
import { planBody } from "../../../src/core/wire/signed-ranges.js";
import { constantVerdict, EXAMPLES } from "./examples.js";
import {
  batchOf,
  message,
  messageOfKind,
  request,
  withoutAuthenticator,
} from "./message-arbitraries.js";
import {
  altered,
  bodyOf,
  client,
  decodeBody,
  replica,
  rosterOf,
  scopeFor,
} from "./sample-cluster.js";
import { sampleHasher, sampleSigner } from "./sample-crypto.js";

const FROM_REPLICA = { roster: rosterOf(replica(0)), from: replica(1) };

/** Public key of client 0: replicas come first. */
const CLIENT_KEY = 4;

/** MAC key for client 0's authenticators: those of frames come first. */
const AUTHENTICATOR_KEY = 9;

/** Where replica 0's own MAC is in an authenticator. */
const OWN_TAG = 0;

function planOf(messages: readonly Uint8Array[], mac = false): readonly Check[] {
  const body = bodyOf(messages);
  const list = new CheckList();
  if (mac) list.mac(9, 100);
  planBody(body, 0, body.length, FROM_REPLICA, list);
  return list.checks;
}

/** The example requests are 92 and 90 bytes long. */
test("a pre-prepare asks for its requests' digests and MACs, then the batch digest", () => {
  const first = 4 + 18 + 2 + 4;
  const second = first + 92 + 4;
  const tags = second + 90;
  assert.deepEqual(planOf([encodeMessage(EXAMPLES["pre-prepare"])]), [
    { kind: "digest", domain: Domain.request, start: first, end: first + 28 },
    { kind: "digest-mac", key: AUTHENTICATOR_KEY + 3, digest: 0, tag: tags + OWN_TAG },
    { kind: "digest", domain: Domain.request, start: second, end: second + 26 },
    { kind: "digest-mac", key: AUTHENTICATOR_KEY + 4, digest: 1, tag: tags + 64 + OWN_TAG },
    { kind: "digest-of-digests", domain: Domain.batch, first: 0, count: 2 },
  ]);
});

test("a pre-prepare that lacks an authenticator asks for signatures", () => {
  const { batch, ...order } = EXAMPLES["pre-prepare"];
  const [one, other] = batch.requests;
  assert.ok(one !== undefined && other !== undefined);
  const requests = [one, withoutAuthenticator(other)];
  const first = 4 + 18 + 2 + 4;
  const second = first + 92 + 4;
  assert.deepEqual(planOf([encodeMessage({ ...order, batch: { ...batch, requests } })]), [
    { kind: "digest", domain: Domain.request, start: first, end: first + 28 },
    { kind: "signature", key: CLIENT_KEY + 3, digest: 0, signature: first + 28 },
    { kind: "digest", domain: Domain.request, start: second, end: second + 26 },
    { kind: "signature", key: CLIENT_KEY + 4, digest: 1, signature: second + 26 },
    { kind: "digest-of-digests", domain: Domain.batch, first: 0, count: 2 },
  ]);
});

test("a request in a frame of its own asks for its signature, MACs or not", () => {
  assert.deepEqual(planOf([encodeMessage(EXAMPLES.request)]), [
    { kind: "digest", domain: Domain.request, start: 4, end: 4 + 28 },
    { kind: "signature", key: CLIENT_KEY + 3, digest: 0, signature: 4 + 28 },
  ]);
});

test("what W replicas vouch for needs no signature: a batch-body, a decision (BA4, RO4)", () => {
  const { batch } = EXAMPLES["batch-body"];
  const messages: Message[] = [
    { kind: "batch-body", batch },
    { kind: "decision", seq: 2, batch },
  ];
  for (const one of messages) {
    const kinds = planOf([encodeMessage(one)]).map(({ kind }) => kind);
    assert.deepEqual(kinds, ["digest", "digest", "digest-of-digests"]);
  }
});

test("a null batch asks for the digest of nothing", () => {
  const checks = planOf([encodeMessage(EXAMPLES.decision)]);
  const expected = { kind: "digest-of-digests", domain: Domain.batch, first: 0, count: 0 };
  assert.deepEqual(checks, [expected]);
});

test("a new-view asks for its own signature and for each vote's", () => {
  const bytes = encodeMessage(EXAMPLES["new-view"]);
  const voteBytes = EXAMPLES["view-change"].bytes.length;
  const first = 4 + 53 + 64 + 4;
  const second = first + voteBytes + 4;
  assert.deepEqual(planOf([bytes]), [
    { kind: "digest", domain: Domain.newView, start: 4, end: 4 + bytes.length - 64 },
    { kind: "signature", key: 1, digest: 0, signature: 4 + bytes.length - 64 },
    { kind: "digest", domain: Domain.viewChange, start: first, end: first + voteBytes - 64 },
    { kind: "signature", key: 0, digest: 1, signature: first + voteBytes - 64 },
    { kind: "digest", domain: Domain.viewChange, start: second, end: second + voteBytes - 64 },
    { kind: "signature", key: 2, digest: 2, signature: second + voteBytes - 64 },
  ]);
});

test("a frame's MAC comes first, and digests are numbered across its messages (AU7)", () => {
  const checkpoint = encodeMessage(EXAMPLES.checkpoint);
  const prepare = encodeMessage(EXAMPLES.prepare);
  const checks = planOf([checkpoint, prepare, checkpoint], true);
  const kinds = checks.map(({ kind }) => kind);
  assert.deepEqual(kinds, ["mac", "digest", "signature", "digest", "signature"]);
  assert.deepEqual(checks[0], { kind: "mac", key: 9, start: 16, end: 100, tag: 0 });
  const signed = 4 + checkpoint.length + 4 + prepare.length + 4 + checkpoint.length - 64;
  assert.deepEqual(checks[4], { kind: "signature", key: 2, digest: 1, signature: signed });
});

test("what is rejected unseen leaves no check behind", () => {
  const broken = altered(encodeMessage(EXAMPLES["pre-prepare"]), 18 + 2 + 4 + 92 + 3, 0xff);
  const checkpoint = encodeMessage(EXAMPLES.checkpoint);
  const checks = planOf([broken, checkpoint]);
  assert.deepEqual(
    checks.map(({ kind }) => kind),
    ["digest", "signature"],
  );
});

test("a body that cannot be divided into messages yields what came before", () => {
  const hello = encodeMessage(EXAMPLES.hello);
  const scope = { roster: rosterOf(replica(0)), from: client(3) };
  const body = bodyOf([hello, hello]);
  for (let length = 4 + hello.length + 1; length < body.length; length += 1) {
    const decoded = decodeBody(body.subarray(0, length), scope);
    assert.deepEqual(decoded, [EXAMPLES.hello, "wire/truncated"]);
  }
  const withEmpty = bodyOf([hello, new Uint8Array(0), hello]);
  assert.deepEqual(decodeBody(withEmpty, scope), [EXAMPLES.hello, "wire/truncated"]);
  assert.deepEqual(decodeBody(new Uint8Array(0), scope), []);
});

/** A signed message with one bit of its signature's last byte changed. */
function forged<T extends { readonly bytes: Uint8Array }>(message: T): T {
  const { bytes } = message;
  return { ...message, bytes: altered(bytes, bytes.length - 1, (bytes.at(-1) ?? 0) ^ 1) };
}

test("a bad signature rejects its message by name and no other message of the datagram", () => {
  const codes = {
    request: "request/bad-signature",
    checkpoint: "checkpoint/bad-signature",
    "view-change": "view-change/bad-signature",
    "new-view": "new-view/bad-signature",
  } as const;
  for (const [kind, code] of Object.entries(codes) as [keyof typeof codes, string][]) {
    fc.assert(
      fc.property(messageOfKind[kind], request, (bad, good) => {
        const sent = [good, forged(bad), good].map((one) => encodeMessage(one));
        const body = bodyOf(sent);
        assert.deepEqual(decodeBody(body, FROM_REPLICA), [good, code, good]);
      }),
    );
  }
});

test("one bad request signature rejects a pre-prepare without authenticators (AU4)", () => {
  const requests = fc.array(request.map(withoutAuthenticator), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(requests, fc.nat(), messageOfKind.prepare, (good, at, vote) => {
      const index = at % good.length;
      const batch = batchOf(good.map((one, number) => (number === index ? forged(one) : one)));
      const messages: Message[] = [{ kind: "pre-prepare", view: 1, seq: 2, batch }, vote];
      const body = bodyOf(messages.map((one) => encodeMessage(one)));
      const expected = ["pre-prepare/bad-request-signature", vote];
      assert.deepEqual(decodeBody(body, FROM_REPLICA), expected);
    }),
  );
});

test("one bad vote rejects the new-view that cites it, though its own signature is good", () => {
  fc.assert(
    fc.property(messageOfKind["new-view"], (good) => {
      const [first, ...others] = good.viewChanges;
      fc.pre(first !== undefined);
      const viewChanges = [forged(first), ...others];
      const signer = sampleSigner(good.replica);
      const { bytes } = signMessage({ ...good, viewChanges }, sampleHasher, signer);
      assert.deepEqual(decodeBody(bodyOf([bytes]), FROM_REPLICA), ["new-view/bad-vote-signature"]);
    }),
  );
});

test("a change of any byte of a signed message is noticed", () => {
  const signed = fc.oneof(
    messageOfKind.request,
    messageOfKind.checkpoint,
    messageOfKind["view-change"],
    messageOfKind["new-view"],
  );
  const change = fc.record({ at: fc.nat(), flip: fc.integer({ min: 1, max: 255 }) });
  fc.assert(
    fc.property(signed, change, (sent, { at, flip }) => {
      const bytes = encodeMessage(sent);
      // Behind a request's signature is its authenticator, of which the frame's MAC takes care.
      const offset = at % sent.bytes.length;
      const changed = altered(bytes, offset, (bytes[offset] ?? 0) ^ flip);
      const [decoded] = decodeBody(bodyOf([changed]), FROM_REPLICA);
      // A signed message may become an unsigned one of another type: that is the MAC's to notice.
      if (offset > 0) assert.equal(typeof decoded, "string");
    }),
    { numRuns: 1_000 },
  );
});

test("a small message that is held does not keep a large datagram in memory", () => {
  const { checkpoint, "state-data": page } = EXAMPLES;
  const filler = encodeMessage({ ...page, data: new Uint8Array(60_000) });
  const body = bodyOf([checkpoint.bytes, encodeMessage(page), filler]);
  const [first, second, third] = decodeBody(body, FROM_REPLICA, constantVerdict);
  assert.ok(typeof first === "object" && first.kind === "checkpoint");
  assert.equal(first.bytes.buffer.byteLength, checkpoint.bytes.length);
  assert.ok(typeof second === "object" && second.kind === "state-data");
  assert.ok(second.data.buffer.byteLength <= encodeMessage(page).length);
  assert.ok(typeof third === "object" && third.kind === "state-data");
  assert.equal(third.data.buffer, body.buffer, "the large one stays where it is");
});

test("nor does a small reply or a small read, of which one field is held", () => {
  const results = bundleOf([new Uint8Array(50_000)]);
  const large = encodeMessage({ ...EXAMPLES["read-reply"], results });
  const toClient = { roster: rosterOf(client(3)), from: replica(1) };
  const small = (["reply", "read-reply"] as const).map((kind) => EXAMPLES[kind]);
  const bodyToClient = bodyOf([...small.map(encodeMessage), large]);
  const [reply, readReply] = decodeBody(bodyToClient, toClient, constantVerdict);
  assert.ok(typeof reply === "object" && reply.kind === "reply");
  assert.ok(typeof readReply === "object" && readReply.kind === "read-reply");
  assert.deepEqual([reply, readReply], small);

  const bundle = bundleOf([new Uint8Array(50_000)]);
  const fromClient = { roster: rosterOf(replica(0)), from: client(3) };
  const bodyOfReads = bodyOf([EXAMPLES.read, { ...EXAMPLES.read, bundle }].map(encodeMessage));
  const [read] = decodeBody(bodyOfReads, fromClient, constantVerdict);
  assert.ok(typeof read === "object" && read.kind === "read");
  assert.deepEqual(read, EXAMPLES.read);

  for (const { buffer } of [reply.results, readReply.results, read.bundle]) {
    assert.ok(buffer.byteLength <= 64, `${buffer.byteLength} bytes are kept`);
  }
});

test("checks are bounded by the bytes that ask for them", () => {
  fc.assert(
    fc.property(message, (sent) => {
      const body = bodyOf([encodeMessage(sent)]);
      const list = new CheckList();
      planBody(body, 0, body.length, scopeFor(sent), list);
      assert.ok(list.checks.length <= 2 + body.length / 40);
    }),
  );
});
