import { mkdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { assert } from "../core/base/assert.js";
import type { Principal, Seq } from "../core/base/ids.js";
import type { Verifier } from "../core/crypto/check.js";
import type { EntryService } from "../core/entries/entry-service.js";
import { Replica } from "../core/pbft/replica.js";
import { createVerifier } from "../workers/create-verifier.js";
import { loadCrypto } from "../workers/load-crypto.js";
import { checkService, chooseService } from "./choose-service.js";
import { replicaDirectory } from "./cluster-directory.js";
import type { Genesis, ReplicaKey } from "./config.js";
import { collectGarbage } from "./garbage.js";
import { datagramBytesMaxOf } from "./datagram-size.js";
import { DatagramPacker } from "./datagram-packer.js";
import { Destination, Egress } from "./egress.js";
import { followLoop } from "./follow-loop.js";
import { FlowRecorder, type RequestFlow } from "./flow-recorder.js";
import type { HostedService } from "./hosted-service.js";
import { Ingress } from "./ingress.js";
import { type JournalFiles, nodeJournalFiles } from "./journal-files.js";
import { KeyRing } from "./key-ring.js";
import { ServiceRest } from "./service-rest.js";
import { LoopDelay } from "./loop-delay.js";
import { lockDirectory, type Lock } from "./lock-file.js";
import type { Log } from "./log.js";
import { machineMicros } from "./machine-clock.js";
import { ReplicaMetrics } from "./metrics.js";
import { serveMetrics, type MetricsPlace, type MetricsServer } from "./metrics-server.js";
import { chooseStore } from "./open-store.js";
import { PatientStore } from "./patient-store.js";
import { PartitionSwitch } from "./partition-switch.js";
import { type Closer, openPast, type Past } from "./replica-past.js";
import { ReplicaHost } from "./replica-host.js";
import { RootReader, type StateRoot } from "./root-reader.js";
import { alarmOf, figuresOf, type ReplicaStatus, statusOf } from "./replica-status.js";
import { StateLog } from "./state-log.js";
import { storePaceOf } from "./store-pace.js";
import { StoreRunner } from "./store-runner.js";
import { Tally } from "./tally.js";
import { startTicker } from "./ticker.js";
import { timedFiles } from "./timed-files.js";
import { TurnBudget } from "./turn-budget.js";
import { threadClocks, TurnClock } from "./turn-clock.js";
import { openUdpSocket, type DatagramSocket, type SocketAddress } from "./udp-socket.js";

/** What starting a replica takes. */
export interface StartReplicaOptions {
  /** The cluster's directory; the replica writes to `replica-N` in it. */
  readonly dir: string;
  readonly genesis: Genesis;
  readonly key: ReplicaKey;
  readonly log: Log;
  /**
   * Whether what this replica promised may be lost, as when its disk is a new one or its folder an
   * old copy: then it rejoins. Only its operator can say so, for no other copy of it may ever run.
   * What is found damaged makes it rejoin without being told.
   */
  readonly mayHaveForgotten?: boolean;
  /**
   * Called once when this replica cannot go on: a disk, a database or a worker failed. It has
   * stopped taking part; its process should end. The default logs and exits with status 1.
   */
  readonly onFatal?: (error: unknown) => void;
  /** Ends a start that waits for the database; it then fails. */
  readonly signal?: AbortSignal;
  /**
   * Where to take datagrams, if not at the address in the genesis: behind an address translation,
   * as in most containers, that address is not one of this machine.
   */
  readonly listenHost?: string;
  /** Serves metrics there; nowhere if left out. */
  readonly metrics?: MetricsPlace;
  /** The service to replicate, whose name is that of the genesis; the ledger if left out. */
  readonly service?: EntryService;
  /**
   * Verification threads, 0 (included) and up; by default as many as there are processors for, and
   * where there are none, one that helps when many signatures come together.
   */
  readonly workerCount?: number;
  /** Opens the socket; a test may put one in between that loses datagrams. */
  readonly openSocket?: (local: SocketAddress) => Promise<DatagramSocket>;
}

/** A replica that takes part in its cluster. */
export interface RunningReplica {
  readonly address: { readonly host: string; readonly port: number };
  /** What it would answer an inspection. May compute the state root, which takes some turns. */
  status(): Promise<ReplicaStatus>;
  /**
   * The messages of batch `seq` that went through here; null when it was not seen. What comes
   * before the first call is not recorded: nobody wanted to know.
   */
  flow(seq: Seq): RequestFlow | null;
  /** Cuts this replica off from everybody, or connects it again: a fault by hand. */
  cutOff(isCutOff: boolean): void;
  /** Stops taking part, makes everything durable and lets go of all files. Idempotent. */
  stop(): Promise<void>;
}

/** Ticks after which a message that still lacks fragments is given up. */
const REASSEMBLY_TICKS_MAX = 100;

/** Length of what is shown of a digest in a log line. */
const SHORT_HEX_LENGTH = 12;

/**
 * Starts one replica in this process: reads what it did before, catches up, serves.
 * @throws ConfigError, LockError, JournalError, StoreError or SocketError, each with a sentence for
 * the operator.
 */
export async function startReplica(options: StartReplicaOptions): Promise<RunningReplica> {
  const { dir, genesis, key, service } = options;
  checkService(genesis, service);
  const directory = replicaDirectory(dir, key.id);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const lock = await lockDirectory(directory);
  const opened: Closer[] = [
    () => {
      lock.release();
    },
  ];
  try {
    const parts = await openParts(options, opened);
    // In a later turn: until this one ends those who start the replica hold what they read for it.
    setImmediate(collectGarbage);
    return run(withoutAccounts(options), parts, lock);
  } catch (error) {
    for (const close of opened.reverse()) await close();
    throw error;
  }
}

/** The ledger has the accounts; as rows they would take more memory than all the rest of it. */
function withoutAccounts(options: StartReplicaOptions): StartReplicaOptions {
  return { ...options, genesis: { ...options.genesis, accounts: [] } };
}

/** Everything that has to be opened before the core can be made. */
interface Parts extends Past {
  readonly keys: KeyRing;
  readonly verifier: Verifier;
  /** Null where nobody asked for metrics. */
  readonly metricsServer: MetricsServer | null;
  readonly socket: PartitionSwitch;
  readonly hooks: Hooks;
}

/** What parts call that were opened before the host was made. */
interface Hooks {
  onDurable: (id: number) => void;
  /** A write to the journal took so many milliseconds. */
  onJournalWritten: (ms: number) => void;
  /** Null until there is something to tell. */
  metrics: ReplicaMetrics | null;
  onFatal: (error: unknown) => void;
}

async function openParts(options: StartReplicaOptions, opened: Closer[]): Promise<Parts> {
  const { dir, genesis, key, log } = options;
  const hooks: Hooks = {
    onDurable: () => undefined,
    onJournalWritten: () => undefined,
    metrics: null,
    onFatal: fatalHandler(options),
  };
  const { provider, reason } = await loadCrypto(process.env);
  const self: Principal = { role: "replica", id: key.id };
  const keys = new KeyRing(provider, genesis, self, key);
  const verifier = await createVerifier({
    workerCount: options.workerCount ?? defaultWorkerCount(genesis, key.id),
    // Who asks for no threads gets none; and one processor alone has nothing to help with.
    hasHelper: options.workerCount === undefined && availableParallelism() > 1,
    provider,
    keys: keys.checkKeys,
    onCrash: (cause) => {
      hooks.onFatal(cause);
    },
  });
  opened.push(() => verifier.close());
  log.info({ crypto: provider.name, verifier: verifier.description }, `crypto chosen: ${reason}`);
  const metricsServer = await openMetrics(options, hooks);
  opened.push(() => metricsServer?.close());
  const place = genesis.replicas[key.id];
  assert(place !== undefined, "the key belongs to this genesis");
  const openSocket = options.openSocket ?? openUdpSocket;
  const local = { address: options.listenHost ?? place.host, port: place.port };
  const socket = new PartitionSwitch(await openSocket(local));
  opened.push(() => socket.close());
  const past = await openPast(
    {
      ...{ dir, genesis, key, keys, log, mayHaveForgotten: options.mayHaveForgotten ?? false },
      makeService: serviceMaker(options, keys),
      makeStore: storeMaker(options),
      signal: options.signal,
      files: journalFilesOf(options, hooks),
      onDurable: (id) => {
        hooks.onDurable(id);
      },
      onFatal: (error) => {
        hooks.onFatal(error);
      },
    },
    opened,
  );
  return { ...past, keys, verifier, socket, hooks, metricsServer };
}

/** Writes are timed where somebody asks for metrics. */
function journalFilesOf({ metrics }: StartReplicaOptions, hooks: Hooks): JournalFiles {
  if (metrics === undefined) return nodeJournalFiles;
  return timedFiles(nodeJournalFiles, (ms) => {
    hooks.onJournalWritten(ms);
  });
}

/** The port is taken first, so that a start that cannot have it fails before it did anything. */
async function openMetrics(
  { metrics: place, log }: StartReplicaOptions,
  hooks: Hooks,
): Promise<MetricsServer | null> {
  if (place === undefined) return null;
  const server = await serveMetrics(() => hooks.metrics, place);
  log.info({ host: place.host, port: server.port }, "metrics served");
  return server;
}

/**
 * Makes the service of the genesis, accounts and all. Apart from what else is opened: closures of
 * one function keep alive what any of them uses, and some of those outlive the start.
 */
function serviceMaker(
  { genesis, service, log }: StartReplicaOptions,
  { hasher }: KeyRing,
): () => HostedService {
  return () => chooseService({ genesis, hasher, service, log });
}

/** Makes the store of the key file; what may pass is waited for, and told. */
function storeMaker({ dir, key, log }: StartReplicaOptions): () => PatientStore {
  return () =>
    new PatientStore({
      make: () => chooseStore(dir, key.id, key),
      onTrouble: (problem) => {
        if (problem === null) log.info({}, "the database works again");
        else log.warn({ problem }, "the database fails, and is tried again");
      },
    });
}

function run(options: StartReplicaOptions, parts: Parts, lock: Lock): RunningReplica {
  const { genesis, key, log } = options;
  const { keys, verifier, socket, store, service, records, hooks, metricsServer } = parts;
  const replica = makeReplica(options, parts);
  const isStrict = key.replies === "strict";
  const turns = new TurnClock(threadClocks());
  const budget = budgetOf(turns, (over) => {
    host.onceTurned(over);
  });
  const rest = new ServiceRest(service, budget);
  const { clients } = replica;
  const onStored = (seq: Seq): void => {
    host.onStored(seq);
  };
  const stores = storeRunnerOf(options, parts, { rest, budget, clients, onStored });
  const [drops, rejects] = [new Tally(), new Tally()];
  const egress = egressOf(options, parts, drops);
  const peers = peersOf(options);
  const loopDelay = new LoopDelay();
  const sources = (): Parameters<typeof statusOf>[0] => {
    return {
      ...{ key, replica, host, store, stores, verifier, drops, rejects, socket },
      ...{ loopDelay, turns, replicaCount: genesis.replicas.length },
    };
  };
  const roots: RootReader = new RootReader(rest, () => presentRoot(host, service));
  const status = (): Promise<ReplicaStatus> => roots.read((root) => statusOf(sources(), root));
  const flows = new FlowRecorder(machineMicros);
  const metrics = metricsOf(options, parts, () => figuresOf(sources()));
  const watching = [flows, turns, roots, new StateLog(replica, log)];
  const probes = metrics === null ? watching : [...watching, metrics];
  const tellNews = newsOf(parts, replica, log);
  const world = {
    ...{ keys, egress, records, stores, service, rest, budget, peers, rejects, isStrict, probes },
    inspect: status,
  };
  const host = new ReplicaHost(replica, world);
  const unfollow = followTurns(turns, host);
  hooks.onDurable = (id) => {
    host.onDurable(id);
  };
  stopOnFatal(hooks, host);
  const ingress = listen(parts, host, drops);
  const stopTicker = startTicker(genesis.settings.tickMs, () => {
    ingress.tick();
    host.dispatch({ kind: "ticked" });
    tellNews();
    records.tick();
  });
  logStart(log, statusOf(sources(), presentRoot(host, service)));
  const stop = once(async () => {
    stopTicker();
    unfollow();
    loopDelay.stop();
    await metricsServer?.close();
    await socket.close();
    await verifier.close();
    host.stop();
    await records.close();
    await stores.close();
    lock.release();
    log.info({ executed: replica.executedSeq, view: replica.view }, "stopped");
  });
  const { address, port } = socket.local;
  const flow = (seq: Seq): RequestFlow | null => flows.flow(seq);
  return { address: { host: address, port }, status, flow, cutOff: cutterOf(socket, log), stop };
}

function presentRoot({ stateSeq }: ReplicaHost, service: HostedService): StateRoot {
  return { seq: stateSeq, root: service.root() };
}

function budgetOf(turns: TurnClock, onceTurned: (over: () => void) => void): TurnBudget {
  const nowMs = (): number => performance.now();
  return new TurnBudget(onceTurned, nowMs, () => turns.presentMs);
}

/** Lets `turns` hear of those too in which the host has nothing to do; returns what ends that. */
function followTurns(turns: TurnClock, host: ReplicaHost): () => void {
  return followLoop(() => {
    if (!host.isTurnOpen) turns.turned();
  });
}

type StoreRunnerOptions = ConstructorParameters<typeof StoreRunner>[0];

function storeRunnerOf(
  { genesis, key }: StartReplicaOptions,
  { store, storedSeq, service, hooks }: Parts,
  others: Pick<StoreRunnerOptions, "rest" | "budget" | "clients" | "onStored">,
): StoreRunner {
  const onFatal = (error: unknown): void => {
    hooks.onFatal(error);
  };
  const pace = storePaceOf(genesis, key.id, key.replies === "strict");
  return new StoreRunner({ store, service, onFatal, ...others, ...pace }, storedSeq);
}

function egressOf({ genesis }: StartReplicaOptions, { keys, socket }: Parts, drops: Tally): Egress {
  const datagramBytesMax = datagramBytesMaxOf(genesis);
  const datagrams = new DatagramPacker({ socket, datagramBytesMax, drops });
  return new Egress({ roster: keys.roster, sealer: keys, datagrams, drops });
}

/** Where each replica is; null in this one's own place. */
function peersOf({ genesis, key }: StartReplicaOptions): (Destination | null)[] {
  return genesis.replicas.map(({ id, host, port }) =>
    id === key.id ? null : new Destination({ role: "replica", id }, { address: host, port }),
  );
}

function cutterOf(socket: PartitionSwitch, log: Log): RunningReplica["cutOff"] {
  return (isCutOff) => {
    socket.cutOff(isCutOff);
    log.warn({ isCutOff }, isCutOff ? "cut off by hand" : "connected again");
  };
}

/** Null where nobody asked for metrics: then nothing is measured. */
function metricsOf(
  { key, metrics: place }: StartReplicaOptions,
  { verifier, hooks }: Parts,
  status: () => ReturnType<typeof figuresOf>,
): ReplicaMetrics | null {
  if (place === undefined) return null;
  const metrics = new ReplicaMetrics(key.id, { status, verifier }, () => performance.now());
  hooks.onJournalWritten = (ms) => {
    metrics.journalWritten(ms);
  };
  hooks.metrics = metrics;
  return metrics;
}

/** The core, as the genesis, the key and the past determine it. */
function makeReplica({ genesis, key }: StartReplicaOptions, parts: Parts): Replica {
  const { tickMs: _, ...settings } = genesis.settings;
  // Where clients wait for the database, what is told waits for what is executed.
  const tentativeReplies = key.replies !== "strict";
  const replicaCount = genesis.replicas.length;
  const clientCount = genesis.clients.length;
  const self = key.id;
  const replicaOptions = { ...settings, self, replicaCount, clientCount, tentativeReplies };
  return new Replica(replicaOptions, parts.keys.hasher, parts.service, parts.recovered);
}

/** From here on what arrives reaches the host. */
function listen({ keys, verifier, socket }: Parts, host: ReplicaHost, drops: Tally): Ingress {
  const ingress = new Ingress({
    roster: keys.roster,
    verifier,
    macKeyOf: (from, epoch) => keys.macKeyOf(from, epoch),
    reassemblyTicksMax: REASSEMBLY_TICKS_MAX,
    drops,
    onMessage: (from, message, address) => {
      host.onMessage(from, message, address);
    },
  });
  socket.receive((bytes, from) => {
    ingress.receive(bytes, from);
  });
  return ingress;
}

function logStart(log: Log, status: ReplicaStatus): void {
  const { view, executed, stable, stateRoot } = status;
  const root = stateRoot.slice(0, SHORT_HEX_LENGTH);
  log.info({ view, executed, stable, stateRoot: root, pid: process.pid }, "serving");
}

/**
 * Tells the log, once each, what an operator must know, and when it is over. To be called at every
 * tick: to look after every event took 2 % of a replica's time under load.
 */
function newsOf({ keys }: Parts, replica: Replica, log: Log): () => void {
  let alarm: string | null = null;
  let wasRejoining = replica.rejoin !== null;
  return () => {
    const now = alarmOf(replica, keys.roster.replicaCount);
    if (now !== null && now !== alarm) log.error({ alarm: true }, now);
    if (now === null && alarm !== null) log.info({ alarm: false }, "that is over");
    alarm = now;
    const { view, stableSeq: stable } = replica;
    const isRejoining = replica.rejoin !== null;
    if (wasRejoining && !isRejoining) log.info({ view, stable }, "rejoined: votes count again");
    wasRejoining = isRejoining;
  };
}

/** A replica that cannot go on takes no further part, whatever its owner does about it. */
function stopOnFatal(hooks: Hooks, host: ReplicaHost): void {
  const { onFatal } = hooks;
  hooks.onFatal = (error) => {
    host.stop();
    onFatal(error);
  };
}

/** More threads than this one replica cannot keep busy. */
const WORKERS_DEFAULT_MAX = 4;

/**
 * As many threads as there are processors for each replica of this machine beyond its main thread.
 * Where replicas share processors a thread has none of its own, and a hop only adds to the work:
 * then one may help, which takes what nobody has begun, and nobody waits for it.
 */
function defaultWorkerCount({ replicas }: Genesis, self: number): number {
  const host = replicas[self]?.host;
  const neighbours = replicas.filter((replica) => replica.host === host).length;
  const processors = Math.floor(availableParallelism() / neighbours);
  return Math.min(Math.max(processors - 1, 0), WORKERS_DEFAULT_MAX);
}

function fatalHandler({ onFatal, log }: StartReplicaOptions): (error: unknown) => void {
  return once((error: unknown) => {
    if (onFatal !== undefined) onFatal(error);
    else {
      const message = error instanceof Error ? error.message : String(error);
      log.error({ err: error }, message);
      process.exit(1);
    }
  });
}

function once<A extends unknown[], R>(action: (...values: A) => R): (...values: A) => R {
  let result: { readonly value: R } | null = null;
  return (...values) => (result ??= { value: action(...values) }).value;
}
