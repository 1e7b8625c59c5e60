import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeMessage } from "../../../src/core/wire/encode.js";
import { decodeRecord, encodeRecord } from "../../../src/core/wire/record.js";
import { encodeUnsigned } from "../../../src/core/wire/view-change-codec.js";
import { encodeUnsignedRequest } from "../../../src/core/wire/request-codec.js";
import { EXAMPLE_LIST } from "./examples.js";
import { journalRecord, message, messageOfKind } from "./message-arbitraries.js";
import {
  bodyOf,
  decodeBody,
  decodeOne,
  replica,
  rosterOf,
  scopeFor,
  throughTheWire,
} from "./sample-cluster.js";
import { sampleHasher } from "./sample-crypto.js";

for (const [kind, arbitrary] of Object.entries(messageOfKind)) {
  test(`any ${kind} comes out of the wire as it went in, digests included`, () => {
    fc.assert(
      fc.property(arbitrary, (sent) => {
        assert.deepEqual(throughTheWire(sent), sent);
      }),
    );
  });
}

test("the encoding is canonical: what decodes from bytes encodes to the same bytes (AU2)", () => {
  const mutation = fc.record({ at: fc.nat(), to: fc.nat(255) });
  const runs = fc.property(message, fc.option(mutation), (sent, change) => {
    const bytes = Uint8Array.from(encodeMessage(sent));
    if (change !== null) bytes[change.at % bytes.length] = change.to;
    const decoded = decodeOne(bytes, scopeFor(sent));
    if (typeof decoded === "string") return;
    assert.deepEqual(encodeMessage(decoded), bytes);
  });
  fc.assert(runs, { numRuns: 2_000 });
});

test("a signed message's fields encode to its bytes but for the signature (AU2)", () => {
  const kinds = ["checkpoint", "view-change", "new-view"] as const;
  const signed = fc.oneof(...kinds.map((kind) => messageOfKind[kind]));
  fc.assert(
    fc.property(signed, messageOfKind.request, (sent, request) => {
      assert.deepEqual(encodeUnsigned(sent).subarray(0, -64), sent.bytes.subarray(0, -64));
      const unsigned = encodeUnsignedRequest(request);
      assert.deepEqual(unsigned.subarray(0, -64), request.bytes.subarray(0, -64));
    }),
  );
});

test("a packed body's messages come out in order", () => {
  const votes = fc.array(fc.oneof(messageOfKind.prepare, messageOfKind["pre-prepare"]));
  fc.assert(
    fc.property(votes, (sent) => {
      const scope = { roster: rosterOf(replica(0)), from: replica(1) };
      const body = bodyOf(sent.map((one) => encodeMessage(one)));
      assert.deepEqual(decodeBody(body, scope), sent);
    }),
  );
});

test("a message that is cut short anywhere is rejected, never misread", () => {
  for (const example of EXAMPLE_LIST) {
    const bytes = encodeMessage(example);
    for (let length = 0; length < bytes.length; length += 1) {
      const decoded = decodeOne(bytes.subarray(0, length), scopeFor(example));
      if (typeof decoded === "string") continue;
      assert.ok(["inspect-reply", "state-data"].includes(example.kind), example.kind);
      assert.deepEqual(encodeMessage(decoded), bytes.subarray(0, length));
    }
  }
});

test("any journal record comes back as it was written", () => {
  fc.assert(
    fc.property(journalRecord, (record) => {
      const roster = rosterOf(replica(1));
      assert.deepEqual(decodeRecord(encodeRecord(record), sampleHasher, roster), record);
    }),
  );
});
