import { rmSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { REPLICAS_MAX } from "../core/base/quorum.js";
import { loadGenesis, loadReplicaKey, replicaPidPath } from "../io/cluster-directory.js";
import type { Genesis } from "../io/config.js";
import { compileEarly } from "../io/early-compilation.js";
import { collectSeldom } from "../io/garbage.js";
import { createLog, LOG_LEVELS } from "../io/log.js";
import type { LogLevel } from "../io/log.js";
import type { MetricsPlace } from "../io/metrics-server.js";
import { type RunningReplica, startReplica } from "../io/replica-process.js";
import { StoreError } from "../io/store.js";
import { WORKERS_MAX } from "../workers/create-verifier.js";
import { loadCrypto } from "../workers/load-crypto.js";
import type { CommandDescription, CommandInput, ExitStatus, Output } from "./command.js";
import { PORT_MAX, UsageError } from "./command.js";
import { sentenceFor } from "./failure.js";
import type { ReplicaOrder, ReplicaReport } from "./replica-child.js";
import { SERVICE_OPTION, serviceOf } from "./service-module.js";

/** `replica`: runs one replica until it is told to stop. */
export const replicaCommand: CommandDescription = {
  name: "replica",
  summary: "run one replica of a cluster",
  positionals: [["<dir>", "the cluster's directory, with the genesis and this replica's key"]],
  options: [
    { flags: "--id <n>", summary: "which replica, 0 and up" },
    {
      flags: "--rejoin",
      summary:
        "its disk is new, or its folder an old copy: make up for votes it may have forgotten",
    },
    { flags: "--log-level <level>", summary: LOG_LEVELS.join(", "), fallback: "info" },
    { flags: "--listen <ip>", summary: "where to listen, if not at its address in the genesis" },
    {
      flags: "--workers <n>",
      summary: "verification threads (default: by the processors that each replica here has)",
    },
    SERVICE_OPTION,
    { flags: "--metrics-port <n>", summary: "serve Prometheus metrics there; 0: any free port" },
    { flags: "--metrics-host <ip>", summary: "address for them", fallback: "127.0.0.1" },
    { flags: "--json", summary: "print one JSON object when it serves" },
  ],
  notes:
    "--rejoin is for this one start, and only if no other copy of this replica runs or will " +
    "ever run. It votes\nagain once it has caught up and the others have moved on, which they do " +
    "by themselves. A damaged journal\nor database needs no --rejoin: that is noticed.",
  examples: [
    "replica demo --id 0",
    "replica demo --id 0 --metrics-port 9464",
    "replica demo --id 2 --rejoin",
  ],
  run: runReplica,
};

async function runReplica(input: CommandInput, output: Output): Promise<ExitStatus> {
  const stopped = stopRequest();
  const stopping = new AbortController();
  void stopped.then(() => {
    stopping.abort();
  });
  try {
    await serve(input, output, stopped, stopping.signal);
  } catch (error) {
    // It was to stop, and had not begun to serve.
    if (stopping.signal.aborted && error instanceof StoreError) return 0;
    report({ kind: "failed", reason: sentenceFor(error) ?? String(error) });
    throw error;
  } finally {
    // An open channel to the supervisor would keep this process alive.
    if (process.connected) process.disconnect();
  }
  return 0;
}

async function serve(
  input: CommandInput,
  output: Output,
  stopped: Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  collectSeldom();
  compileEarly();
  const replica = await start(input, signal);
  const id = input.wholeNumber("id", 0, REPLICAS_MAX - 1);
  const pidPath = replicaPidPath(input.directory, id);
  writeFileSync(pidPath, `${process.pid}\n`);
  process.on("message", (order: ReplicaOrder) => {
    if (order.kind === "cut-off") {
      replica.cutOff(order.isCutOff);
      report(order);
    } else void observe(replica, order);
  });
  report({ kind: "serving" });
  const { host, port } = replica.address;
  const place = { replica: id, pid: process.pid, host, port };
  const words = `replica ${id} serves at ${host}:${port}`;
  output.result(input.flag("json") ? JSON.stringify(place) : words);
  await stopped;
  await replica.stop();
  rmSync(pidPath, { force: true });
}

async function observe(
  replica: RunningReplica,
  { number, seq }: Extract<ReplicaOrder, { kind: "observe" }>,
): Promise<void> {
  const status = await replica.status();
  report({ kind: "observed", number, status, flow: seq === null ? null : replica.flow(seq) });
}

/** What it reads, all accounts of the genesis among it, is let go when the replica runs. */
async function start(input: CommandInput, signal: AbortSignal): Promise<RunningReplica> {
  const id = input.wholeNumber("id", 0, REPLICAS_MAX - 1);
  const level = logLevelOf(input.text("log-level") ?? "");
  const dir = input.directory;
  const genesis = loadGenesis(dir);
  const { provider } = await loadCrypto(process.env);
  const key = loadReplicaKey(dir, genesis, id, provider);
  const log = createLog(level, { replica: id });
  const listening = listenHostOf(input, genesis);
  const workers = workerCountOf(input);
  const mayHaveForgotten = input.flag("rejoin");
  return startReplica({
    ...{ dir, genesis, key, log, signal, mayHaveForgotten },
    ...listening,
    ...workers,
    ...(await serviceOf(input)),
    ...metricsOf(input),
  });
}

function workerCountOf(input: CommandInput): { readonly workerCount?: number } {
  if (input.text("workers") === null) return {};
  return { workerCount: input.wholeNumber("workers", 0, WORKERS_MAX) };
}

/** Tells the supervisor, if there is one. */
function report(message: ReplicaReport): void {
  if (process.connected) process.send?.(message);
}

/**
 * Resolves when this process shall stop: at a signal, or when the supervisor lets go of its channel
 * or dies. Under a supervisor Ctrl-C is the supervisor's business: it reaches the whole process
 * group.
 */
function stopRequest(): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      resolve();
    };
    process.once("SIGTERM", stop);
    process.once("disconnect", stop);
    if (process.send === undefined) process.once("SIGINT", stop);
    else process.on("SIGINT", ignoreSignal);
  });
}

function ignoreSignal(): void {
  // Without a listener the signal would end the process.
}

/** Where to listen, if somewhere else than the genesis says. */
function listenHostOf(input: CommandInput, genesis: Genesis): { readonly listenHost?: string } {
  const listenHost = input.text("listen");
  if (listenHost === null) return {};
  const family = isIP(genesis.replicas[0]?.host ?? "");
  if (isIP(listenHost) === family) return { listenHost };
  throw new UsageError(
    `--listen must be an IPv${family} address, as the genesis has, not "${listenHost}"`,
  );
}

/** Where to serve metrics, if anywhere. */
function metricsOf(input: CommandInput): { readonly metrics?: MetricsPlace } {
  if (input.text("metrics-port") === null) return {};
  const host = input.text("metrics-host") ?? "";
  if (isIP(host) === 0) throw new UsageError(`--metrics-host must be an IP address, not "${host}"`);
  return { metrics: { host, port: input.wholeNumber("metrics-port", 0, PORT_MAX) } };
}

function logLevelOf(written: string): LogLevel {
  const level = LOG_LEVELS.find((each) => each === written);
  if (level !== undefined) return level;
  throw new UsageError(`--log-level must be one of ${LOG_LEVELS.join(", ")}, not "${written}"`);
}
