/*
 * What clients want to be ordered (rules NC1, NC2).
 */
import type { ClientId, Principal } from "../base/ids.js";
import type { Hello, Request, Verified } from "../message.js";
import { answerRequest } from "./execution.js";
import type { RejectCode } from "./reject.js";
import type { State } from "./state.js";
import { answerWhenExecuted } from "./tentative.js";

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
      // The primary orders what it does not know: then its client is answered for that.
      if (s.primary !== s.self) answerWhenExecuted(s, m);
      return null;
    case "known":
      // A client that sends to a backup has lost patience with the primary, or lost its datagram.
      if (from.role === "client") relay(s, from, m);
      answerWhenExecuted(s, m);
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
