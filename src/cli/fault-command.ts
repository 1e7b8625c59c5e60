import { REPLICAS_MAX } from "../core/base/quorum.js";
import type { CommandDescription, CommandInput, ExitStatus, Output } from "./command.js";
import { UsageError } from "./command.js";
import { askSupervisor } from "./control-socket.js";

/** `fault`: does to a replica of a running local cluster what life does to one. */
export const faultCommand: CommandDescription = {
  name: "fault",
  summary: "crash or restart a replica of a cluster that `up` runs on this machine",
  positionals: [["<dir>", "the cluster's directory"]],
  options: [
    { flags: "--replica <n>", summary: "which replica, 0 and up" },
    { flags: "--crash", summary: "kill it, and leave it down" },
    { flags: "--restart", summary: "start it again" },
    { flags: "--json", summary: "print one JSON object for each replica" },
  ],
  examples: ["fault demo --replica 1 --crash", "fault demo --replica 1 --restart"],
  run: runFault,
};

async function runFault(input: CommandInput, output: Output): Promise<ExitStatus> {
  const replica = input.wholeNumber("replica", 0, REPLICAS_MAX - 1);
  if (input.flag("crash") === input.flag("restart")) {
    throw new UsageError("fault takes either --crash or --restart");
  }
  const command = input.flag("crash") ? "crash" : "restart";
  const listings = await askSupervisor(input.directory, { command, replica });
  for (const listing of listings) {
    const { pid, state } = listing;
    const words = `replica ${listing.replica.toString()}: ${state}${pid === null ? "" : ` (pid ${pid.toString()})`}`;
    output.result(input.flag("json") ? JSON.stringify(listing) : words);
  }
  return 0;
}
