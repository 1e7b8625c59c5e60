import { isIP } from "node:net";
import { CLIENTS_MAX } from "../core/base/limits.js";
import { REPLICAS_MAX, REPLICAS_MIN } from "../core/base/quorum.js";
import type { EntryService } from "../core/entries/entry-service.js";
import { type ClusterOptions, createCluster, DEMO_ACCOUNTS } from "../io/cluster-create.js";
import { writeCluster } from "../io/cluster-directory.js";
import type { Genesis } from "../io/config.js";
import { loadCrypto } from "../workers/load-crypto.js";
import type { CommandDescription, CommandInput, ExitStatus, Output } from "./command.js";
import { UsageError } from "./command.js";
import { SERVICE_OPTION, serviceOf } from "./service-module.js";
import { durabilityOf, repliesOf, STORAGE_OPTIONS, storeOf } from "./storage-options.js";

const PORT_MAX = 65_535;

/** `init`: makes a new cluster. */
export const initCommand: CommandDescription = {
  name: "init",
  summary: "make a new cluster: a public genesis file, and a private key for everybody",
  positionals: [["<dir>", "where to put it; must not hold a cluster yet"]],
  options: [
    { flags: "--replicas <n>", summary: "replicas, 4 to 31", fallback: "4" },
    { flags: "--clients <n>", summary: "clients; the first is a teller", fallback: "1" },
    ...STORAGE_OPTIONS,
    {
      flags: "--host <address>",
      summary: "IP address of all replicas, or one for each, separated by commas",
      fallback: "127.0.0.1",
    },
    { flags: "--port <number>", summary: "first UDP port", fallback: "7000" },
    SERVICE_OPTION,
    { flags: "--json", summary: "print one JSON object" },
  ],
  examples: [
    "init demo",
    "init demo --replicas 7 --clients 3 --port 9000",
    "init names --service names.js",
  ],
  run: runInit,
};

async function runInit(input: CommandInput, output: Output): Promise<ExitStatus> {
  const replicaCount = input.wholeNumber("replicas", REPLICAS_MIN, REPLICAS_MAX);
  const clientCount = input.wholeNumber("clients", 1, CLIENTS_MAX);
  const port = input.wholeNumber("port", 1, PORT_MAX + 1 - replicaCount);
  const hosts = hostsOf(input.text("host") ?? "", replicaCount);
  const store = storeOf(input.text("store") ?? "");
  const durability = durabilityOf(input.text("durability") ?? "");
  const replies = repliesOf(input.text("replies") ?? "");
  const { provider } = await loadCrypto(process.env);
  const options = { replicaCount, clientCount, hosts, port, store, durability, replies };
  const { service } = await serviceOf(input);
  const cluster = createCluster({ ...options, ...contentOf(service) }, provider);
  writeCluster(input.directory, cluster);
  if (input.flag("json")) output.result(jsonReport(input.directory, cluster.genesis));
  else for (const line of textReport(input, cluster.genesis)) output.result(line);
  return 0;
}

/** The ledger begins with the demo accounts; another service begins with nothing. */
function contentOf(
  service: EntryService | undefined,
): Pick<ClusterOptions, "service" | "accounts"> {
  if (service === undefined) return { accounts: DEMO_ACCOUNTS };
  return { service: service.name, accounts: [] };
}

function hostsOf(written: string, replicaCount: number): readonly string[] {
  const hosts = written.split(",").map((host) => host.trim());
  const stranger = hosts.find((host) => isIP(host) === 0);
  if (stranger !== undefined)
    throw new UsageError(`--host must be IP addresses, not "${stranger}"`);
  if (hosts.length === 1 || hosts.length === replicaCount) return hosts;
  const expected = `one address, or one for each of the ${replicaCount} replicas`;
  throw new UsageError(`--host must be ${expected}, not ${hosts.length}`);
}

function jsonReport(directory: string, genesis: Genesis): string {
  const replicas = genesis.replicas.map(({ id, host, port }) => ({ replica: id, host, port }));
  const clients = genesis.clients.map(({ name, role }) => ({ name, role }));
  return JSON.stringify({ directory, replicas, clients });
}

function textReport(input: CommandInput, genesis: Genesis): readonly string[] {
  const { directory } = input;
  const service = input.text("service");
  const places = genesis.replicas.map(({ host, port }) => `${host}:${port}`);
  const names = genesis.clients.map((client) => client.name);
  return [
    `${directory} holds a new cluster of ${places.length} replicas, to serve at:`,
    `  ${places.join(", ")}`,
    `Clients: ${names.slice(0, 5).join(", ")}${names.length > 5 ? ", …" : ""}`,
    `Start it with: pbft-ledger up ${directory}${service === null ? "" : ` --service ${service}`}`,
  ];
}
