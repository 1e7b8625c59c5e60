import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { hexOf } from "../../../src/core/base/bytes.js";
import { encodeMessage } from "../../../src/core/wire/encode.js";
import { readFragment, writeFragmentFields } from "../../../src/core/wire/fragments.js";
import { readHeader, writeHeader } from "../../../src/core/wire/header.js";
import { FrameKind, HEADER_BYTES } from "../../../src/core/wire/layout.js";
import { constantVerdict, EXAMPLE_LIST, EXAMPLES } from "./examples.js";
import { bodyOf, client, decodeBody, replica, rosterOf, scopeFor } from "./sample-cluster.js";

/** Written by hand, field by field; this file runs from dist. */
const FOLDER = fileURLToPath(new URL("../../../../test/core/wire/golden/", import.meta.url));

function golden(name: string): Uint8Array {
  const text = readFileSync(`${FOLDER}${name}.hex`, "utf8");
  const hex = text.replace(/#.*$/gm, "").replace(/\s+/g, "");
  return new Uint8Array(Buffer.from(hex, "hex"));
}

for (const example of EXAMPLE_LIST) {
  test(`a ${example.kind} is encoded as its golden bytes say, and decoded from them`, () => {
    const bytes = golden(example.kind);
    assert.equal(hexOf(encodeMessage(example)), hexOf(bytes));
    const decoded = decodeBody(bodyOf([bytes]), scopeFor(example), constantVerdict);
    assert.deepEqual(decoded, [example]);
  });
}

test("every golden file is an example of a message or one of the two frames", () => {
  const names = readdirSync(FOLDER).map((name) => name.replace(/\.hex$/, ""));
  const kinds = [...Object.keys(EXAMPLES), "frame-packed", "frame-fragment"];
  assert.deepEqual(names.sort(), kinds.sort());
});

test("a packed frame is laid out as its golden bytes say", () => {
  const bytes = golden("frame-packed");
  const frame = new Uint8Array(bytes.length);
  writeHeader(frame, FrameKind.packed, rosterOf(client(3)), replica(0), 1);
  frame.set(bodyOf([encodeMessage(EXAMPLES.hello)]), HEADER_BYTES);
  assert.equal(hexOf(frame), hexOf(bytes));
  const header = readHeader(bytes, rosterOf(replica(0)));
  assert.deepEqual(header, { kind: FrameKind.packed, from: client(3), epoch: 1 });
});

test("a fragment's frame is laid out as its golden bytes say", () => {
  const bytes = golden("frame-fragment");
  const frame = new Uint8Array(bytes.length);
  const fields = { messageId: 0xffff_fffe, index: 1, count: 2, totalBytes: 9 };
  writeHeader(frame, FrameKind.fragment, rosterOf(replica(1)), replica(0), 0);
  writeFragmentFields(frame, HEADER_BYTES, fields);
  frame.set(Buffer.from("tail"), frame.length - 4);
  assert.equal(hexOf(frame), hexOf(bytes));
  const header = readHeader(bytes, rosterOf(replica(0)));
  assert.deepEqual(header, { kind: FrameKind.fragment, from: replica(1), epoch: 0 });
  const chunk = new Uint8Array(Buffer.from("tail"));
  assert.deepEqual(readFragment(bytes, replica(1)), { ...fields, chunk });
});
