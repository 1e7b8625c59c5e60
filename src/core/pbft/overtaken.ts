import type { Request } from "../message.js";

/** Whether one of `others` is of the same session and not older; the last one of it is newest. */
export function isOvertaken(
  { client, session, timestamp }: Request,
  others: readonly Request[],
): boolean {
  const last = others.findLast((other) => other.client === client && other.session === session);
  return last !== undefined && timestamp <= last.timestamp;
}
