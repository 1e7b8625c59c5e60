import type { ChildProcess } from "node:child_process";

/** The next message of `child`. @throws Error when it ends before. */
export function messageOf(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: unknown): void => {
      child.off("exit", onExit);
      resolve(message);
    };
    const onExit = (): void => {
      child.off("message", onMessage);
      reject(new Error(`A process of the benchmark has ended: ${child.spawnargs.join(" ")}`));
    };
    child.once("message", onMessage);
    child.once("exit", onExit);
  });
}
