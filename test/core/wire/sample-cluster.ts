import { bytesConcat } from "../../../src/core/base/bytes.js";
import type { Principal } from "../../../src/core/base/ids.js";
import type { Verdict } from "../../../src/core/crypto/check.js";
import type { Message } from "../../../src/core/message.js";
import { CheckList } from "../../../src/core/wire/check-list.js";
import { decodeMessage } from "../../../src/core/wire/decode.js";
import { encodeMessage } from "../../../src/core/wire/encode.js";
import type { WireReject } from "../../../src/core/wire/reject.js";
import type { Roster } from "../../../src/core/wire/roster.js";
import type { Scope } from "../../../src/core/wire/scope.js";
import { planBody } from "../../../src/core/wire/signed-ranges.js";
import { runChecks } from "./sample-crypto.js";

/** The cluster of the wire's tests: four replicas, five clients. */
export const REPLICA_COUNT = 4;
export const CLIENT_COUNT = 5;
const CLUSTER_TAG = 0xc1057e12;

/** Replica `id`. */
export function replica(id: number): Principal {
  return { role: "replica", id };
}

/** Client `id`. */
export function client(id: number): Principal {
  return { role: "client", id };
}

/** The roster as `self` has it. */
export function rosterOf(self: Principal): Roster {
  return { self, clusterTag: CLUSTER_TAG, replicaCount: REPLICA_COUNT, clientCount: CLIENT_COUNT };
}

const FROM_CLIENTS: readonly Message["kind"][] = ["hello", "read", "inspect"];
const FROM_CLIENT_OR_REPLICA: readonly Message["kind"][] = ["request"];
const TO_CLIENTS: readonly Message["kind"][] = [
  "welcome",
  "reply",
  "read-reply",
  "busy",
  "inspect-reply",
];

/** A sender and a receiver between which `message` may travel. */
export function scopeFor(message: Message): Scope {
  if (TO_CLIENTS.includes(message.kind)) return { roster: rosterOf(client(2)), from: replica(1) };
  if (message.kind === "read")
    return { roster: rosterOf(replica(0)), from: client(message.client) };
  const isClients = FROM_CLIENTS.includes(message.kind);
  const from = isClients ? client(3) : replica(1);
  return { roster: rosterOf(replica(0)), from };
}

/** Every kind of message that may travel from `from` to `to`, by the rule in words. */
export function mayTravel(kind: Message["kind"], from: Principal, to: Principal): boolean {
  if (to.role === "client") return from.role === "replica" && TO_CLIENTS.includes(kind);
  if (TO_CLIENTS.includes(kind)) return false;
  if (FROM_CLIENT_OR_REPLICA.includes(kind)) return true;
  return FROM_CLIENTS.includes(kind) === (from.role === "client");
}

/** A packed body of `messages`, already encoded. */
export function bodyOf(messages: readonly Uint8Array[]): Uint8Array {
  const parts = messages.flatMap((message) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(message.length);
    return [new Uint8Array(length), message];
  });
  return bytesConcat(parts);
}

/** Plans, verifies and decodes a packed body. */
export function decodeBody(
  body: Uint8Array,
  scope: Scope,
  verify: typeof runChecks = runChecks,
): (Message | WireReject)[] {
  const list = new CheckList();
  const messages = planBody(body, 0, body.length, scope, list);
  const verdict: Verdict = verify(body, list.checks);
  return messages.map((planned) => decodeMessage(body, planned, verdict, scope));
}

/** What becomes of one encoded message. */
export function decodeOne(
  bytes: Uint8Array,
  scope: Scope,
  verify: typeof runChecks = runChecks,
): Message | WireReject {
  const [decoded] = decodeBody(bodyOf([bytes]), scope, verify);
  return decoded ?? "wire/truncated";
}

/** A copy of `bytes` with `values` from `at` on. */
export function altered(bytes: Uint8Array, at: number, ...values: number[]): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy.set(values, at);
  return copy;
}

/** Encodes `message` and decodes it where it may travel. */
export function throughTheWire(message: Message): Message | WireReject {
  return decodeOne(encodeMessage(message), scopeFor(message));
}
