import type { ChildProcess } from "node:child_process";

/** The next message of `child`. @throws Error when it cannot start, or ends before. */
export function messageOf(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      child.off("message", onMessage).off("exit", onEnd).off("error", onEnd);
    };
    const onMessage = (message: unknown): void => {
      settle();
      resolve(message);
    };
    const onEnd = (cause: unknown): void => {
      settle();
      const why = cause instanceof Error ? cause.message : "it has ended";
      reject(new Error(`A process of the benchmark does not answer: ${why}.`));
    };
    child.once("message", onMessage).once("exit", onEnd).once("error", onEnd);
    if (child.exitCode !== null || child.signalCode !== null) onEnd(null);
  });
}
