import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { messageOf } from "./child-message.js";

const PROCESS_PATH = fileURLToPath(new URL("./signature-process.js", import.meta.url));

/** Tells how many requests a second all processors could sign, and verify n times, now. */
type SignatureLimit = () => Promise<number>;

/**
 * What Ed25519 alone allows: as many processes as there are processors sign and verify at once, in
 * processor time, so that what else runs hardly matters. To be asked again and again between the
 * runs that it is the limit of: the speed of a processor that is shared with others changes by a
 * half within minutes.
 * @param n how often each request is verified.
 */
export async function withSignatureLimit<T>(
  n: number,
  work: (limit: SignatureLimit) => Promise<T>,
): Promise<T> {
  const processes = Array.from({ length: availableParallelism() }, () =>
    fork(PROCESS_PATH, [], { execArgv: [] }),
  );
  try {
    await Promise.all(processes.map((each) => messageOf(each)));
    return await work(async () => {
      const answers = processes.map((each) => messageOf(each));
      for (const each of processes) each.send(n);
      const rates = await Promise.all(answers);
      return rates.reduce<number>((sum, rate) => sum + Number(rate), 0);
    });
  } finally {
    for (const each of processes) if (each.connected) each.disconnect();
  }
}
