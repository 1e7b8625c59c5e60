/*
 * `npm start -- --hosts namespaces`: the same job with every replica and the client on a host of
 * its own, as far as the network goes. This program makes the network and runs itself again on the
 * client's host, with --network NAME in place of --hosts.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { CommandInput, ExitStatus } from "../src/cli/command.js";
import { UsageError } from "../src/cli/command.js";
import { DEMO_REPLICA_COUNT } from "../src/cli/demo-cluster.js";
import { clientLauncher, networkLab, withNetworkLab } from "../src/cli/network-lab.js";
import type { LinkQuality, NetworkLab } from "../src/cli/network-lab.js";

/** The lines of the usage that this file stands for. */
export const HOSTS_USAGE = `\
  --hosts namespaces    give each replica and the client an address and a link of its own (root)
  --delay <ms>          what every datagram takes on its way between these (default: 0)
  --loss <percent>      share of these that get lost (default: 0)`;

const MAIN_PATH = fileURLToPath(new URL("./main.js", import.meta.url));

const DELAY_MS_MAX = 1_000;
const LOSS_PERCENT_MAX = 50;

/** Options that only this file knows. */
const OWN_OPTIONS = ["--hosts", "--delay", "--loss"];

/** The network that this process was started in, null for the machine's own. */
export function networkOf(given: CommandInput): NetworkLab | null {
  const name = given.text("network");
  return name === null ? null : networkLab(name, DEMO_REPLICA_COUNT);
}

/**
 * Runs the job that `words` ask for on hosts of its own, if they do; null when they do not.
 * @throws UsageError or FailedOperation, each with a sentence.
 */
export async function runOnHosts(
  given: CommandInput,
  words: readonly string[],
): Promise<ExitStatus | null> {
  const hosts = given.text("hosts");
  const quality = qualityOf(given);
  if (hosts === null) {
    if (quality.delayMs + quality.lossPercent === 0) return null;
    throw new UsageError("--delay and --loss go with --hosts namespaces");
  }
  if (hosts !== "namespaces") throw new UsageError(`--hosts must be namespaces, not "${hosts}"`);
  return withNetworkLab(DEMO_REPLICA_COUNT, quality, (name) => {
    return runInside(name, [...withoutOwn(words), "--network", name]);
  });
}

function qualityOf(given: CommandInput): LinkQuality {
  const isDelayed = given.text("delay") !== null;
  const isLossy = given.text("loss") !== null;
  return {
    delayMs: isDelayed ? given.decimal("delay", 0, DELAY_MS_MAX) : 0,
    lossPercent: isLossy ? given.decimal("loss", 0, LOSS_PERCENT_MAX) : 0,
  };
}

function withoutOwn(words: readonly string[]): string[] {
  return words.filter((word, index) => {
    const before = words[index - 1] ?? "";
    return !OWN_OPTIONS.some((own) => word === own || word.startsWith(`${own}=`) || before === own);
  });
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
