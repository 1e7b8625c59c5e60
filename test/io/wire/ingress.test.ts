import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bundleOf } from "../../../src/core/base/bundle.js";
import { BUNDLE_BYTES_MAX } from "../../../src/core/base/limits.js";
import type { Message, Request } from "../../../src/core/message.js";
import { signRequest } from "../../../src/core/wire/sign.js";
import { FrameKind, HEADER_BYTES } from "../../../src/core/wire/layout.js";
import { writeHeader } from "../../../src/core/wire/header.js";
import { encodeMessage } from "../../../src/core/wire/encode.js";
import { writeFragmentFields } from "../../../src/core/wire/fragments.js";
import { EXAMPLES } from "../../core/wire/examples.js";
import {
  batchOf,
  message,
  messageOfKind,
  request,
  withoutAuthenticator,
} from "../../core/wire/message-arbitraries.js";
import {
  altered,
  bodyOf,
  client,
  replica,
  rosterOf,
  scopeFor,
} from "../../core/wire/sample-cluster.js";
import { sampleMac, sampleRequestSigner } from "../../core/wire/sample-crypto.js";
import { EPOCH, REASSEMBLY_TICKS, SampleLink, sealerOf } from "./sample-link.js";

const { prepare, hello } = EXAMPLES;
const [signedRequest] = fc.sample(request, { seed: 1, numRuns: 1 });
assert.ok(signedRequest !== undefined);
const signedBytes = encodeMessage(signedRequest);

/** MAC key of client 0 for authenticators in the sample cluster. */
const AUTHENTICATOR_KEY = 9;

/** A sealed frame of replica 1 for replica 0. */
function frameOf(kind: FrameKind, body: Uint8Array, epoch = EPOCH): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES + body.length);
  writeHeader(frame, kind, rosterOf(replica(1)), replica(0), epoch);
  frame.set(body, HEADER_BYTES);
  sealerOf(replica(1)).seal(frame, replica(0));
  return frame;
}

/** Fragments of `body` in two frames. */
function twoFragments(body: Uint8Array, messageId = 1): Uint8Array[] {
  const chunkBytes = Math.ceil(body.length / 2);
  return [0, 1].map((index) => {
    const chunk = body.subarray(index * chunkBytes, (index + 1) * chunkBytes);
    const content = new Uint8Array(12 + chunk.length);
    const fields = { messageId, index, count: 2, totalBytes: body.length };
    writeFragmentFields(content, 0, fields);
    content.set(chunk, 12);
    return frameOf(FrameKind.fragment, content);
  });
}

test("a message arrives with who authenticated it and the address it came from", () => {
  const link = new SampleLink(client(3), replica(0));
  link.deliver(link.send(hello));
  const expected = { from: client(3), message: hello, address: link.address };
  assert.deepEqual(link.arrived, [expected]);
});

test("any message arrives as it was sent", () => {
  fc.assert(
    fc.property(message, (sent) => {
      const { roster, from } = scopeFor(sent);
      const link = new SampleLink(from, roster.self, 400);
      link.deliver(link.send(sent));
      assert.deepEqual(link.takeArrived(), [sent]);
      assert.deepEqual(link.dropped(), {});
    }),
  );
});

test("a frame with any byte changed delivers nothing (AU1)", () => {
  const link = new SampleLink(replica(1), replica(0));
  const [datagram] = link.send(prepare, EXAMPLES.commit);
  assert.ok(datagram !== undefined);
  for (let at = 0; at < datagram.length; at += 1) {
    link.deliver([altered(datagram, at, (datagram[at] ?? 0) ^ 0x10)]);
  }
  assert.deepEqual(link.takeArrived(), []);
  const dropCount = Object.values(link.dropped()).reduce((sum, count) => sum + count, 0);
  assert.equal(dropCount, datagram.length, "one drop a datagram");
  assert.ok(link.drops.of("frame/bad-mac") > datagram.length - HEADER_BYTES);
});

test("a frame cannot be played back to its sender, nor to another receiver", () => {
  const link = new SampleLink(replica(1), replica(0));
  const [datagram] = link.send(prepare);
  assert.ok(datagram !== undefined);
  const back = new SampleLink(replica(0), replica(1));
  back.deliver([datagram]);
  assert.deepEqual(back.dropped(), { "frame/wrong-receiver": 1 });
  const turned = altered(altered(datagram, 24, 0, 0, 0), 27, 0, 0, 1);
  back.deliver([turned]);
  assert.deepEqual(back.dropped(), { "frame/wrong-receiver": 1, "frame/bad-mac": 1 });
});

test("what is not for us, or of no known key, is dropped before any verification (AU7)", () => {
  const link = new SampleLink(replica(1), replica(0));
  link.deliver([new Uint8Array(0), frameOf(FrameKind.packed, bodyOf([]), EPOCH + 1)]);
  assert.deepEqual(link.dropped(), { "frame/too-short": 1, "frame/unknown-key": 1 });
  assert.equal(link.verifier.jobCount, 0);
});

test("while the verifier has no room, frames are counted and dropped", () => {
  const link = new SampleLink(replica(1), replica(0));
  const datagrams = link.send(prepare);
  link.verifier.accepting = false;
  link.deliver(datagrams);
  link.verifier.accepting = true;
  link.deliver(datagrams);
  assert.deepEqual(link.takeArrived(), [prepare]);
  assert.deepEqual(link.dropped(), { "ingress/overloaded": 1 });
});

test("a sender without room does not take that of the others (RB1)", () => {
  const flooding = new SampleLink(replica(1), replica(0));
  flooding.verifier.full.add(1);
  flooding.deliver(flooding.send(prepare));
  assert.deepEqual(flooding.dropped(), { "ingress/overloaded": 1 });
  const other = new SampleLink(replica(2), replica(0));
  other.verifier.full.add(1);
  other.deliver(other.send(prepare));
  assert.deepEqual(other.takeArrived(), [prepare]);
});

test("each frame of a datagram stands for itself", () => {
  const link = new SampleLink(replica(1), replica(0));
  const first = frameOf(FrameKind.packed, bodyOf([encodeMessage(prepare)]));
  const second = frameOf(FrameKind.packed, bodyOf([encodeMessage(EXAMPLES.commit)]));
  link.deliver([new Uint8Array([...first, ...second])]);
  assert.deepEqual(link.takeArrived(), [prepare, EXAMPLES.commit]);
  link.verifier.full.add(1);
  link.deliver([new Uint8Array([...first, ...second])]);
  assert.deepEqual(link.dropped(), { "ingress/overloaded": 2 });
});

test("whoever has no key has one MAC computed for a datagram (AU7)", () => {
  const link = new SampleLink(replica(1), replica(0));
  const sealed = frameOf(FrameKind.packed, bodyOf([encodeMessage(prepare)]));
  const forged = altered(sealed, 0, 1 ^ (sealed[0] ?? 0));
  link.deliver([new Uint8Array([...forged, ...forged, ...sealed])]);
  assert.deepEqual(link.takeArrived(), []);
  assert.deepEqual(link.dropped(), { "frame/bad-mac": 1 });
  assert.equal(link.verifier.jobCount, 1);
});

test("a frame that is longer or shorter than it says ends its datagram", () => {
  const sealed = frameOf(FrameKind.packed, bodyOf([encodeMessage(prepare)]));
  for (const datagram of [sealed.subarray(0, -1), new Uint8Array([...sealed, 0])]) {
    const link = new SampleLink(replica(1), replica(0));
    link.deliver([datagram]);
    const isWhole = datagram.length > sealed.length;
    assert.equal(link.takeArrived().length, isWhole ? 1 : 0);
    assert.deepEqual(link.dropped(), { [isWhole ? "frame/too-short" : "frame/bad-length"]: 1 });
  }
});

test("a fragment is alone in its datagram, whose bytes it holds on to", () => {
  const link = new SampleLink(replica(1), replica(0));
  const [first, second] = twoFragments(bodyOf([signedBytes]));
  assert.ok(first !== undefined && second !== undefined);
  link.deliver([new Uint8Array([...first, ...second])]);
  assert.deepEqual(link.takeArrived(), []);
  assert.deepEqual(link.dropped(), { "fragment/not-alone": 1 });
});

test("a client whose own signature is wrong is not listened to for a while (AU3, RB2)", () => {
  const sender = client(signedRequest.client);
  const link = new SampleLink(sender, replica(0));
  const forged = { ...signedRequest, bytes: altered(signedRequest.bytes, 30, 0xff) };
  link.deliver(link.send(forged));
  const { jobCount } = link.verifier;
  link.deliver(link.send(signedRequest));
  assert.equal(link.verifier.jobCount, jobCount, "nothing more is checked");
  for (let tick = 0; tick < 100; tick += 1) link.ingress.tick();
  link.deliver(link.send(signedRequest));
  assert.deepEqual(link.takeArrived(), [signedRequest]);
  const dropped = { "request/bad-signature": 1, "ingress/client-silenced": 1 };
  assert.deepEqual(link.dropped(), dropped);
});

test("a replica that relays a request with a wrong signature silences nobody", () => {
  const link = new SampleLink(replica(1), replica(0));
  const forged = { ...signedRequest, bytes: altered(signedRequest.bytes, 30, 0xff) };
  link.deliver(link.send(forged));
  link.deliver(link.send(signedRequest));
  assert.deepEqual(link.takeArrived(), [signedRequest]);
});

test("messages wait for their verdict, and come in the order of the verdicts", () => {
  const link = new SampleLink(replica(1), replica(0));
  link.verifier.deferring = true;
  link.deliver([...link.send(prepare), ...link.send(EXAMPLES.commit)]);
  assert.deepEqual(link.takeArrived(), []);
  link.verifier.runNext();
  assert.deepEqual(link.takeArrived(), [prepare]);
  link.verifier.runNext();
  assert.deepEqual(link.takeArrived(), [EXAMPLES.commit]);
});

test("a message that is refused is counted and does not take its neighbours with it", () => {
  const link = new SampleLink(replica(1), replica(0));
  const forged = { ...signedRequest, bytes: altered(signedRequest.bytes, 30, 0xff) };
  link.deliver(link.send(prepare, hello, forged, EXAMPLES.commit));
  assert.deepEqual(link.takeArrived(), [prepare, EXAMPLES.commit]);
  const dropped = { "wire/wrong-role": 1, "request/bad-signature": 1 };
  assert.deepEqual(link.dropped(), dropped);
});

test("one bad request rejects the pre-prepare that orders it (AU4), large ones too", () => {
  const link = new SampleLink(replica(1), replica(0));
  const forged = { ...signedRequest, bytes: altered(signedRequest.bytes, 5, 0xee) };
  for (const count of [1, 40]) {
    const requests = [...Array.from({ length: count }, () => signedRequest), forged];
    const sent: Message = { kind: "pre-prepare", view: 0, seq: 1, batch: batchOf(requests) };
    link.deliver(link.send(sent));
  }
  assert.deepEqual(link.takeArrived(), []);
  assert.equal(link.drops.of("pre-prepare/bad-request-signature"), 2);
});

const SIGNATURE_AT = signedRequest.bytes.length - 64;

/** The request with a wrong signature, or with a wrong MAC for replica 0, or both. */
function spoilt(what: { signature?: true; mac?: true }): Request {
  const { bytes, authenticator } = signedRequest ?? assert.fail();
  return {
    ...signedRequest,
    bytes: what.signature === true ? altered(bytes, SIGNATURE_AT, 1, 2, 3) : bytes,
    authenticator: what.mac === true ? altered(authenticator, 0, 1, 2, 3) : authenticator,
  } as Request;
}

function orderOf(...requests: Request[]): Message {
  return { kind: "pre-prepare", view: 0, seq: 1, batch: batchOf(requests) };
}

test("a backup takes a request on its MAC of the authenticator, without a signature (AU4)", () => {
  const link = new SampleLink(replica(1), replica(0));
  const order = orderOf(signedRequest, spoilt({ signature: true }));
  link.deliver(link.send(order));
  assert.deepEqual(link.takeArrived(), [order]);
  assert.equal(link.verifier.jobCount, 1);
});

test("where a MAC is wrong the signature decides, of that request alone (AU4)", () => {
  const link = new SampleLink(replica(1), replica(0));
  const order = orderOf(signedRequest, spoilt({ mac: true }), signedRequest);
  link.deliver(link.send(order));
  assert.deepEqual(link.takeArrived(), [order], "no client can make a batch that is refused");
  assert.equal(link.verifier.jobCount, 2);
  assert.deepEqual(link.verifier.lastChecks, ["digest", "signature"]);
  assert.deepEqual(link.dropped(), { "request/bad-authenticator": 1 });
});

test("a request with neither is not its client's, and its batch is refused (AU4)", () => {
  for (const count of [1, 40]) {
    const link = new SampleLink(replica(1), replica(0));
    const good = Array.from({ length: count }, () => spoilt({ mac: true }));
    link.deliver(link.send(orderOf(...good, spoilt({ mac: true, signature: true })), prepare));
    assert.deepEqual(link.takeArrived(), [prepare]);
    assert.equal(link.drops.of("pre-prepare/bad-request-signature"), 1);
  }
});

test("a MAC is good for the replica that it is for, and for that request (AU1)", () => {
  const link = new SampleLink(replica(1), replica(0));
  const { digest } = signedRequest;
  const other = sampleMac(AUTHENTICATOR_KEY + 1 + signedRequest.client, digest);
  const authenticator = altered(signedRequest.authenticator, 0, ...other);
  const [, second] = fc.sample(request, { seed: 2, numRuns: 2 });
  assert.ok(second !== undefined);
  const stolen = { ...spoilt({ signature: true }), authenticator: second.authenticator };
  link.deliver(link.send(orderOf({ ...spoilt({ signature: true }), authenticator })));
  link.deliver(link.send(orderOf(stolen)));
  assert.equal(link.drops.of("pre-prepare/bad-request-signature"), 2);
});

test("a request that may have to be ordered is proved by its signature alone", () => {
  const sender = client(signedRequest.client);
  for (const from of [sender, replica(1)]) {
    const link = new SampleLink(from, replica(0));
    link.deliver(link.send(spoilt({ signature: true })));
    assert.deepEqual(link.dropped(), { "request/bad-signature": 1 });
    const other = new SampleLink(from, replica(0));
    other.deliver(other.send(spoilt({ mac: true })));
    assert.deepEqual(other.takeArrived(), [spoilt({ mac: true })]);
  }
});

test("a body that a verifier does not look at because it ends is dropped, whatever it is", () => {
  const requests = Array.from({ length: 80 }, () => signedRequest);
  const batch = batchOf(requests);
  const messages = [
    orderOf(...requests),
    { kind: "batch-body", batch } as const,
    { kind: "decision", seq: 1, batch } as const,
  ];
  for (const sent of messages) {
    const link = new SampleLink(replica(1), replica(0));
    const { verifier } = link;
    const submit = verifier.submit.bind(verifier);
    verifier.submit = (source, bytes, checks, done): void => {
      const isBody = checks.some(({ kind }) => kind === "digest");
      if (isBody) done({ passed: new Uint8Array(checks.length), digests: [] });
      else submit(source, bytes, checks, done);
    };
    link.deliver(link.send(sent));
    assert.deepEqual(link.takeArrived(), [], sent.kind);
    const isBatch = sent.kind !== "pre-prepare";
    assert.equal(link.drops.of("wire/unverified"), isBatch ? 1 : 0);
  }
});

test("the largest request with its authenticator arrives in fragments too", () => {
  const sender = client(signedRequest.client);
  const link = new SampleLink(sender, replica(0));
  for (const spareBytes of [100, 0]) {
    const bundle = bundleOf([new Uint8Array(BUNDLE_BYTES_MAX - 4 - spareBytes)]);
    const signer = sampleRequestSigner(4 + signedRequest.client, 9, 4);
    const { kind, client: id, session, timestamp } = signedRequest;
    const large = signRequest({ kind, client: id, session, timestamp, bundle }, signer);
    link.deliver(link.send(large));
    assert.deepEqual(link.dropped(), {});
    assert.equal(link.takeArrived().length, 1);
  }
});

test("a batch that others vouch for is proved by its digest (BA4, RO4)", () => {
  const link = new SampleLink(replica(1), replica(0));
  const batch = batchOf([withoutAuthenticator(spoilt({ signature: true }))]);
  const sent: Message[] = [
    { kind: "batch-body", batch },
    { kind: "decision", seq: 3, batch },
  ];
  link.deliver(link.send(...sent));
  assert.deepEqual(link.takeArrived(), sent);
});

test("fragments that are lost, repeated and out of order give each message at most once", () => {
  const large = fc
    .uint8Array({ minLength: 1_000, maxLength: 4_000 })
    .map((data) => ({ ...EXAMPLES["state-data"], data }));
  const fate = fc.record({ copies: fc.nat(2), rank: fc.nat() });
  const fates = fc.array(fate, { minLength: 64, maxLength: 64 });
  fc.assert(
    fc.property(fc.array(large, { minLength: 1, maxLength: 3 }), fates, (sent, chances) => {
      const link = new SampleLink(replica(1), replica(0), 400);
      const datagrams = link.send(...sent).map((bytes, index) => ({
        bytes,
        ...(chances[index] ?? { copies: 1, rank: 0 }),
      }));
      const arriving = datagrams
        .flatMap((one) => Array.from({ length: one.copies }, () => one))
        .sort((left, right) => left.rank - right.rank);
      link.deliver(arriving.map(({ bytes }) => bytes));
      for (const message of link.takeArrived()) {
        assert.ok(sent.some((one) => Buffer.compare(one.data, dataOf(message)) === 0));
      }
      if (datagrams.every(({ copies }) => copies === 1)) {
        assert.equal(link.drops.of("fragment/duplicate"), 0);
      }
    }),
  );
});

function dataOf(message: Message): Uint8Array {
  assert.equal(message.kind, "state-data");
  return message.data;
}

test("a fragment with a bad MAC does not touch what is under reassembly", () => {
  const link = new SampleLink(replica(1), replica(0));
  const [first, second] = twoFragments(bodyOf([signedBytes]));
  assert.ok(first !== undefined && second !== undefined);
  const forged = altered(second, second.length - 1, (second.at(-1) ?? 0) ^ 1);
  link.deliver([first, forged, second]);
  assert.deepEqual(link.takeArrived(), [signedRequest]);
  assert.deepEqual(link.dropped(), { "frame/bad-mac": 1 });
});

test("a reassembled body holds one message, so that its checks are bounded (AU7)", () => {
  const link = new SampleLink(replica(1), replica(0));
  link.deliver(twoFragments(bodyOf([signedBytes, signedBytes]), 1));
  link.deliver(twoFragments(bodyOf([signedBytes]), 2));
  assert.deepEqual(link.takeArrived(), [signedRequest]);
  assert.deepEqual(link.dropped(), { "fragment/several-messages": 1 });
});

test("a message that lost a fragment is given up after some ticks", () => {
  const link = new SampleLink(replica(1), replica(0));
  const [first, second] = twoFragments(bodyOf([signedBytes]));
  assert.ok(first !== undefined && second !== undefined);
  link.deliver([first]);
  for (let tick = 0; tick <= REASSEMBLY_TICKS; tick += 1) link.ingress.tick();
  link.deliver([second]);
  assert.deepEqual(link.takeArrived(), []);
  assert.deepEqual(link.dropped(), { "fragment/given-up": 1 });
});

test("a malformed fragment is dropped before any verification (AU7)", () => {
  const link = new SampleLink(replica(1), replica(0));
  link.deliver([frameOf(FrameKind.fragment, new Uint8Array(13))]);
  assert.deepEqual(link.dropped(), { "fragment/bad-shape": 1 });
  assert.equal(link.verifier.jobCount, 0);
});

test("a client takes replies of replicas, and nothing else", () => {
  const link = new SampleLink(replica(1), client(2));
  const reply = EXAMPLES.reply;
  link.deliver(link.send(reply, prepare, hello));
  assert.deepEqual(link.takeArrived(), [reply]);
  assert.deepEqual(link.dropped(), { "wire/wrong-role": 2 });
});

test("any datagram, sealed by a faulty member or by nobody, is taken without an exception", () => {
  const sealed = fc
    .tuple(fc.constantFrom(FrameKind.packed, FrameKind.fragment), fc.uint8Array({ maxLength: 300 }))
    .map(([kind, body]) => frameOf(kind, body));
  const link = new SampleLink(replica(1), replica(0));
  fc.assert(
    fc.property(fc.oneof(sealed, fc.uint8Array({ maxLength: 100 })), (datagram) => {
      link.deliver([datagram]);
    }),
    { numRuns: 1_000 },
  );
  const kinds = new Set(Object.keys(messageOfKind));
  assert.ok(link.takeArrived().every(({ kind }) => kinds.has(kind)));
});
