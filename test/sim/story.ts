import { hexOf } from "../../src/core/base/bytes.js";
import type { Message } from "../../src/core/message.js";

/** One line about a message: its kind and what tells it from others of its kind. */
export function describe(message: Message): string {
  const parts: string[] = [message.kind];
  if ("view" in message) parts.push(`v${message.view}`);
  if ("seq" in message) parts.push(`n${message.seq}`);
  if ("digest" in message) parts.push(short(message.digest));
  if ("batch" in message) {
    parts.push(`${short(message.batch.digest)} of ${message.batch.requests.length}`);
  }
  if ("client" in message) parts.push(`c${message.client}`);
  if ("timestamp" in message) parts.push(`t${message.timestamp}`);
  if ("stateDigest" in message) parts.push(short(message.stateDigest));
  if (message.kind === "status") {
    parts.push(message.active ? "active" : "changing");
    parts.push(`stable ${message.stableSeq} executed ${message.executedSeq}`);
  }
  if (message.kind === "view-change") {
    const entries = (list: typeof message.prepared): string =>
      list.map((entry) => `${entry.seq}/${short(entry.digest)}/v${entry.view}`).join(" ");
    parts.push(`h ${message.stableSeq} P [${entries(message.prepared)}]`);
    parts.push(`Q [${entries(message.prePrepared)}]`);
  }
  if (message.kind === "new-view") {
    const from = message.viewChanges.map((vote) => vote.replica).join(",");
    const chosen = message.chosen.map(({ seq, digest }) => `${seq}/${short(digest)}`).join(" ");
    parts.push(`of ${from} from ${message.checkpoint.seq}: ${chosen}`);
  }
  return parts.join(" ");
}

/** Enough of a digest to tell it from others. */
export function short(digest: Uint8Array): string {
  return hexOf(digest.subarray(0, 3));
}
