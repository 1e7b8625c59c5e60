import { REPLICAS_MAX } from "../core/base/quorum.js";
import type { CommandDescription, CommandInput, ExitStatus, Output } from "./command.js";
import { UsageError } from "./command.js";
import { askSupervisor } from "./control-socket.js";
import type { Fault } from "./fault.js";
import type { ReplicaListing } from "./supervisor.js";

/** `fault`: does to a replica of a running local cluster what life does to one. */
export const faultCommand: CommandDescription = {
  name: "fault",
  summary: "crash, restart, wipe, cut off or heal a replica of a cluster that `up` runs here",
  positionals: [["<dir>", "the cluster's directory"]],
  options: [
    { flags: "--replica <n>", summary: "which replica, 0 and up" },
    { flags: "--crash", summary: "kill it, and leave it down" },
    { flags: "--restart", summary: "start it again" },
    { flags: "--wipe", summary: "kill it, and delete all that it wrote" },
    { flags: "--rejoin", summary: "start it again: it makes up for votes it may have forgotten" },
    { flags: "--partition <on|off>", summary: "cut it off from everybody, or connect it again" },
    { flags: "--json", summary: "print one JSON object for each replica" },
  ],
  examples: [
    "fault demo --replica 1 --crash",
    "fault demo --replica 1 --restart",
    "fault demo --replica 0 --partition on",
    "fault demo --replica 2 --rejoin",
  ],
  run: runFault,
};

async function runFault(input: CommandInput, output: Output): Promise<ExitStatus> {
  const replica = input.wholeNumber("replica", 0, REPLICAS_MAX - 1);
  const listings = await askSupervisor(input.directory, { command: faultOf(input), replica });
  for (const listing of listings) {
    output.result(input.flag("json") ? JSON.stringify(listing) : wordsFor(listing));
  }
  return 0;
}

/** The faults that have a flag of their own. */
const PLAIN_FAULTS = ["crash", "restart", "wipe", "rejoin"] as const satisfies readonly Fault[];

/** The one fault that was asked for. */
function faultOf(input: CommandInput): Fault {
  const partition = input.text("partition") ?? null;
  if (partition !== null && partition !== "on" && partition !== "off") {
    throw new UsageError(`--partition must be on or off, not "${partition}"`);
  }
  const asked: Fault[] = PLAIN_FAULTS.filter((fault) => input.flag(fault));
  if (partition !== null) asked.push(partition === "on" ? "cut-off" : "connect");
  const [fault] = asked;
  if (fault === undefined || asked.length > 1) {
    throw new UsageError(
      "fault takes one of --crash, --restart, --wipe, --rejoin and --partition on|off",
    );
  }
  return fault;
}

function wordsFor({ replica, pid, state, isCutOff }: ReplicaListing): string {
  const process = pid === null ? "" : ` (pid ${pid})`;
  return `replica ${replica}: ${state}${process}${isCutOff ? ", cut off" : ""}`;
}
