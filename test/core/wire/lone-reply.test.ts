import assert from "node:assert/strict";
import { test } from "node:test";
import type { Message } from "../../../src/core/message.js";
import { encodeMessage } from "../../../src/core/wire/encode.js";
import { writeHeader } from "../../../src/core/wire/header.js";
import { writeU32 } from "../../../src/core/wire/integers.js";
import { FrameKind, HEADER_BYTES, LENGTH_BYTES } from "../../../src/core/wire/layout.js";
import { isUnwantedReply } from "../../../src/core/wire/lone-reply.js";
import { EXAMPLES } from "./examples.js";
import { client, replica, rosterOf } from "./sample-cluster.js";

const { reply, "read-reply": readReply } = EXAMPLES;

/** Bytes of a datagram before and behind the frame that is asked about. */
const MARGIN = 5;

/** A frame of replica 1 to client 2 with these messages, somewhere in a datagram. */
function datagramOf(messages: readonly Message[], kind: FrameKind = FrameKind.packed): Uint8Array {
  const encoded = messages.map(encodeMessage);
  const size = encoded.reduce((sum, { length }) => sum + LENGTH_BYTES + length, HEADER_BYTES);
  const datagram = new Uint8Array(size + 2 * MARGIN).fill(0xff);
  writeHeader(datagram.subarray(MARGIN, MARGIN + size), kind, rosterOf(replica(1)), client(2), 0);
  let offset = MARGIN + HEADER_BYTES;
  for (const bytes of encoded) {
    writeU32(datagram, offset, bytes.length);
    datagram.set(bytes, offset + LENGTH_BYTES);
    offset += LENGTH_BYTES + bytes.length;
  }
  return datagram;
}

/** What is asked of whoever knows what is waited for, who says `isAwaited`; and the verdict. */
function ask(datagram: Uint8Array, isAwaited: boolean, endMargin = MARGIN) {
  const questions: unknown[] = [];
  const awaits = (...question: unknown[]): boolean => {
    questions.push(question);
    return isAwaited;
  };
  const isUnwanted = isUnwantedReply(datagram, MARGIN, datagram.length - endMargin, awaits);
  return { isUnwanted, questions };
}

test("a lone reply is unwanted when nobody waits for its session's request or read (AU7)", () => {
  const ordered = datagramOf([reply]);
  const { session, timestamp } = reply;
  const questions = [["reply", session, timestamp]];
  assert.deepEqual(ask(ordered, true), { isUnwanted: false, questions });
  assert.deepEqual(ask(ordered, false), { isUnwanted: true, questions });
  const read = ask(datagramOf([readReply]), false);
  const asked = [["read-reply", readReply.session, readReply.nonce]];
  assert.deepEqual(read, { isUnwanted: true, questions: asked });
});

test("no other frame is unwanted before it is verified", () => {
  const none = { isUnwanted: false, questions: [] };
  for (const message of Object.values(EXAMPLES)) {
    if (message === reply || message === readReply) continue;
    assert.deepEqual(ask(datagramOf([message]), false), none, message.kind);
  }
  assert.deepEqual(ask(datagramOf([reply, readReply]), false), none, "two messages");
  assert.deepEqual(ask(datagramOf([reply], FrameKind.fragment), false), none, "a fragment");
  const datagram = datagramOf([reply]);
  for (let margin = MARGIN + 1; margin <= datagram.length - MARGIN; margin += 1) {
    assert.deepEqual(ask(datagram, false, margin), none, "cut short");
  }
  datagram.fill(0xff, MARGIN + HEADER_BYTES + LENGTH_BYTES + 1, -MARGIN);
  assert.deepEqual(ask(datagram, false), none, "a session that is no number");
});
