import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

/** The next message of `child`. */
export async function messageOf(child: ChildProcess): Promise<unknown> {
  const [message] = (await once(child, "message")) as unknown[];
  return message;
}
