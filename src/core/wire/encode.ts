import { unreachable } from "../base/assert.js";
import type { Message } from "../message.js";
import {
  encodeBusy,
  encodeHello,
  encodeInspect,
  encodeInspectReply,
  encodeRead,
  encodeReadReply,
  encodeReply,
  encodeWelcome,
} from "./client-codec.js";
import {
  encodeBatchBody,
  encodeDecision,
  encodeDecisionQuery,
  encodePrePrepare,
  encodeVote,
} from "./normal-case-codec.js";
import { encodeRejoin, encodeRejoinAnswer } from "./rejoin-codec.js";
import { encodeRequest } from "./request-codec.js";
import { encodeStateData, encodeStateFetch } from "./state-transfer-codec.js";
import { encodeStatus } from "./status-codec.js";

/**
 * The one encoding of `message`, type included. What was signed is there verbatim, and may be not
 * even copied (AU2): never write to the result.
 * @throws InvariantError when a field does not fit: our own messages are well formed.
 */
export function encodeMessage(message: Message): Uint8Array {
  switch (message.kind) {
    case "request":
      return encodeRequest(message);
    case "checkpoint":
    case "view-change":
    case "new-view":
      return message.bytes;
    case "pre-prepare":
      return encodePrePrepare(message);
    case "prepare":
    case "commit":
      return encodeVote(message);
    case "hello":
      return encodeHello(message);
    case "read":
      return encodeRead(message);
    case "inspect":
      return encodeInspect(message);
    case "welcome":
      return encodeWelcome(message);
    case "reply":
      return encodeReply(message);
    case "read-reply":
      return encodeReadReply(message);
    case "busy":
      return encodeBusy(message);
    case "inspect-reply":
      return encodeInspectReply(message);
    case "status":
      return encodeStatus(message);
    case "batch-body":
      return encodeBatchBody(message);
    case "decision-query":
      return encodeDecisionQuery(message);
    case "decision":
      return encodeDecision(message);
    case "state-fetch":
      return encodeStateFetch(message);
    case "state-data":
      return encodeStateData(message);
    case "rejoin":
      return encodeRejoin(message);
    case "rejoin-answer":
      return encodeRejoinAnswer(message);
    default:
      return unreachable(message);
  }
}
