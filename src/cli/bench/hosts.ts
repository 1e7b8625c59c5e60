/*
 * `bench table1 --hosts namespaces`: the same job with every replica and the client on a host of
 * its own, as far as the network goes. This program makes the network and runs itself again on the
 * client's host, with --network NAME in place of --hosts.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { CommandDescription, CommandInput, ExitStatus } from "../command.js";
import { UsageError } from "../command.js";
import { DEMO_REPLICA_COUNT } from "../demo-cluster.js";
import { clientLauncher, networkLab, withNetworkLab } from "../network-lab.js";
import type { LinkQuality, NetworkLab } from "../network-lab.js";

/** The options that this file stands for. */
export const HOSTS_OPTIONS: CommandDescription["options"] = [
  {
    flags: "--hosts <kind>",
    summary: "namespaces: an address and a link of its own for each replica and the client (root)",
  },
  {
    flags: "--delay <ms>",
    summary: "what every datagram takes on its way between these (default: 0)",
  },
  { flags: "--loss <percent>", summary: "share of these that get lost (default: 0)" },
  { flags: "--network <name>", summary: "the network it is started in", isInternal: true },
];

const MAIN_PATH = fileURLToPath(new URL("../main.js", import.meta.url));

const DELAY_MS_MAX = 1_000;
const LOSS_PERCENT_MAX = 50;

/** The network that this process was started in, null for the machine's own. */
export function networkOf(input: CommandInput): NetworkLab | null {
  const name = input.text("network");
  return name === null ? null : networkLab(name, DEMO_REPLICA_COUNT, qualityOf(input));
}

/**
 * Runs the job on hosts of its own, if it is asked for; null when it is not.
 * @param words the command and its options, as they were given.
 * @throws UsageError or FailedOperation, each with a sentence.
 */
export async function runOnHosts(
  input: CommandInput,
  words: readonly string[],
): Promise<ExitStatus | null> {
  const hosts = input.text("hosts");
  const quality = qualityOf(input);
  if (hosts === null) {
    if (quality.delayMs + quality.lossPercent === 0 || networkOf(input) !== null) return null;
    throw new UsageError("--delay and --loss go with --hosts namespaces");
  }
  if (hosts !== "namespaces") throw new UsageError(`--hosts must be namespaces, not "${hosts}"`);
  return withNetworkLab(DEMO_REPLICA_COUNT, quality, (name) => {
    const others = words.filter((word, index) => {
      return word !== "--hosts" && words[index - 1] !== "--hosts";
    });
    return runInside(name, [...others, "--network", name]);
  });
}

function qualityOf(input: CommandInput): LinkQuality {
  const isDelayed = input.text("delay") !== null;
  const isLossy = input.text("loss") !== null;
  return {
    delayMs: isDelayed ? input.decimal("delay", 0, DELAY_MS_MAX) : 0,
    lossPercent: isLossy ? input.decimal("loss", 0, LOSS_PERCENT_MAX) : 0,
  };
}

async function runInside(name: string, words: readonly string[]): Promise<ExitStatus> {
  const { execPath, execArgv } = clientLauncher(name);
  const ignore = (): void => undefined;
  // Ctrl-C reaches both; the network goes when the job has ended in order.
  process.on("SIGINT", ignore);
  try {
    const child = spawn(execPath, [...execArgv, MAIN_PATH, ...words], { stdio: "inherit" });
    const [status] = (await once(child, "exit")) as [number | null];
    return status === 0 || status === 2 ? status : 1;
  } finally {
    process.off("SIGINT", ignore);
  }
}
