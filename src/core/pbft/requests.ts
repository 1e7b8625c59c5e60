/*
 * What clients ask: ordered requests and reads (rules NC1, NC2, RO1 to RO6).
 */
import type { ClientId, Principal } from "../base/ids.js";
import type { Hello, Read, Request, Verified } from "../message.js";
import { answerRequest, appendBehind } from "./execution.js";
import type { RejectCode } from "./reject.js";
import type { State } from "./state.js";

/** A client introduces its session: the host has noted its address, we answer with the view. */
export function onHello(s: State, client: ClientId, m: Verified<Hello>): RejectCode | null {
  const welcome = { kind: "welcome", session: m.session, view: s.view } as const;
  s.reply({ client, session: m.session }, welcome, null);
  return null;
}

/**
 * A signed request, from its client or relayed by a replica (NC1). One that was executed is
 * answered again and costs no timer and no place in a batch; an old one costs nothing at all.
 */
export function onRequest(s: State, from: Principal, m: Verified<Request>): RejectCode | null {
  const standing = s.clients.standing(m);
  if (standing === "stale") return "request/stale";
  if (standing === "expired") {
    answerRequest(s, m);
    return "request/expired";
  }
  if (standing === "answered") {
    answerRequest(s, m);
    return null;
  }
  return admitRequest(s, from, m);
}

function admitRequest(s: State, from: Principal, m: Verified<Request>): RejectCode | null {
  switch (s.pool.add(m, s.waitTicks)) {
    case "stale":
      return "request/stale";
    case "conflict":
      return "request/conflict";
    case "full":
      s.reply(m, { kind: "busy", session: m.session, timestamp: m.timestamp }, null);
      return "request/pool-full";
    case "added":
      relay(s, from, m);
      return null;
    case "known":
      // A client that sends to a backup has lost patience with the primary, or lost its datagram.
      if (from.role === "client") relay(s, from, m);
      return null;
  }
}

/**
 * The primary gets what is new here from another backup too: from now on it is watched for it, and
 * a liar must not have it voted out for what only others know.
 */
function relay(s: State, from: Principal, m: Request): void {
  const isFromPrimary = from.role === "replica" && from.id === s.primary;
  if (s.primary !== s.self && !isFromPrimary) s.sendTo(s.primary, m);
}

/**
 * A read, answered from committed state at once: nothing here is executed before it is committed,
 * so there is no tentative state to wait for (RO1). The client's quorum of Q equal answers meets
 * every quorum of Q that acknowledged a write, in whatever view, so reads go on during a view
 * change.
 */
export function onRead(s: State, m: Verified<Read>): RejectCode | null {
  const isRecovering = s.executedSeq < s.readBarrierSeq || s.installing !== null;
  if (!s.mayVote || isRecovering) return "read/recovering";
  const seq = s.executedSeq;
  // What an answer shows must be known here after a crash too, or the barrier would not cover it.
  const after = appendBehind(s, seq);
  s.emit({ kind: "query", read: m, view: s.view, seq, after });
  return null;
}
