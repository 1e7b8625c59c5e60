/*
 * What a starting replica finds of its past, and whether it may be believed (rules RS1, RS2, RS4).
 *
 *   journal          database              the replica
 *   ───────────────  ────────────────────  ──────────────────────────────────────────────────────
 *   none             none, never served    is new
 *   none             it has served         stays stopped until its operator says that it may rejoin
 *   whole            reaches the journal   goes on as itself
 *   whole            behind, or edited     rejoins
 *   damaged          any                   rejoins
 *   set aside, and   any                   rejoins: the last attempt did not get to its end
 *   not made up for
 *
 * Only the one who runs a replica knows whether a folder that is gone is on another machine that
 * still runs with this identity: that is why nobody but he can say that an empty one may rejoin.
 */
import { randomInt } from "node:crypto";
import { existsSync, renameSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import { hexOf } from "../core/base/bytes.js";
import type { Seq } from "../core/base/ids.js";
import type { JournalRecord } from "../core/message.js";
import type { Recovered } from "../core/pbft/recovery.js";
import { replicaDatabasePath, replicaDirectory, replicaServedPath } from "./cluster-directory.js";
import type { Genesis, ReplicaKey } from "./config.js";
import type { HostedService } from "./hosted-service.js";
import type { JournalFiles } from "./journal-files.js";
import { journalExists } from "./journal-open.js";
import type { KeyRing } from "./key-ring.js";
import type { Log } from "./log.js";
import type { PatientStore } from "./patient-store.js";
import { RecordLog } from "./record-log.js";
import { StoreError, type StoredState } from "./store.js";

/** Lets go of something that was opened. */
export type Closer = () => void | Promise<void>;

/** Where the past is, and who asks. */
interface PastOptions {
  /** The cluster's directory. */
  readonly dir: string;
  readonly genesis: Genesis;
  readonly key: ReplicaKey;
  readonly keys: KeyRing;
  /** Whether the operator says that what this replica promised may be lost. */
  readonly mayHaveForgotten: boolean;
  /** The service with the state of the genesis. */
  readonly makeService: () => HostedService;
  /** The store of the key file, not yet opened. */
  readonly makeStore: () => PatientStore;
  /** Ends a start that waits for the database. */
  readonly signal: AbortSignal | undefined;
  readonly log: Log;
  /** Where the journal is kept. */
  readonly files: JournalFiles;
  readonly onDurable: (id: number) => void;
  readonly onFatal: (error: unknown) => void;
}

/** What was found, opened and ready to go on with. */
export interface Past {
  readonly store: PatientStore;
  /** The last batch that the database holds. */
  readonly storedSeq: Seq;
  /** Holds the state after it. */
  readonly service: HostedService;
  readonly records: RecordLog;
  /** What the core gets to know of it; null on the first start only. */
  readonly recovered: Recovered | null;
}

/**
 * Opens journal and database. What can't be believed is set aside, and the replica will rejoin.
 * @param opened takes what was opened, for whoever has to close it again.
 * @throws JournalError or StoreError, each with a sentence for the operator.
 */
export async function openPast(options: PastOptions, opened: Closer[]): Promise<Past> {
  const { dir, key, log } = options;
  const directory = replicaDirectory(dir, key.id);
  const hasJournal = await journalExists(options.files, directory);
  const database = await openDatabase(options, opened);
  const servedPath = replicaServedPath(dir, key.id);
  const hasServed = existsSync(servedPath) || seqOf(database.stored) > 0;
  if (!hasJournal && hasServed && !options.mayHaveForgotten) {
    throw new StoreError(wipedSentence(options));
  }
  const { records, doubt, found } = await openRecords(options, database, opened);
  const current = await databaseToGoOnWith(options, database, opened);
  const { store, service } = current;
  if (current.stored === null) await storeGenesis(store, service, options.signal);
  if (!hasServed) await markServed(options.files, servedPath);
  if (doubt !== null)
    log.warn({ doubt }, "rejoining: no vote before all former ones are made up for");
  const isNew = !hasJournal && !hasServed && doubt === null;
  const recovered = isNew ? null : recoveredFrom(current.stored, found, doubt);
  return { store, storedSeq: seqOf(current.stored), service, records, recovered };
}

/** The last batch of a database; 0 for an empty one. */
function seqOf(stored: StoredState | null): Seq {
  return stored?.seq ?? 0;
}

/** A database as it was found. */
interface Database {
  readonly store: PatientStore;
  readonly stored: StoredState | null;
  readonly service: HostedService;
  /** Whether its rows are not those that this replica stored. */
  readonly isEdited: boolean;
}

/** Opens the database and reads it into a service; without one that holds the genesis state. */
async function openDatabase(options: PastOptions, opened: Closer[]): Promise<Database> {
  const store = options.makeStore();
  opened.push(() => store.close());
  const service = options.makeService();
  const stored = await store.open(options.signal);
  if (stored === null) return { store, stored, service, isEdited: false };
  const isLoaded = service.loadState(stored);
  const isEdited = !isLoaded || hexOf(service.root()) !== hexOf(stored.serviceRoot);
  const hasFile = existsSync(replicaDatabasePath(options.dir, options.key.id));
  if (isEdited && !hasFile) throw new StoreError(strangeRowsSentence());
  return { store, stored, service, isEdited };
}

interface FoundRecords {
  readonly records: RecordLog;
  readonly found: readonly JournalRecord[];
  readonly doubt: string | null;
}

/** Opens the journal, which starts over if it or the database can't be believed. */
async function openRecords(
  options: PastOptions,
  { stored, isEdited }: Database,
  opened: Closer[],
): Promise<FoundRecords> {
  const { dir, key, keys, files, onDurable, onFatal } = options;
  const directory = replicaDirectory(dir, key.id);
  const { durability } = key;
  const openWith = async (reason: string | null): Promise<FoundRecords> => {
    const { log, records, doubt } = await RecordLog.open({
      ...{ directory, keys, durability, files, doubt: reason, onDurable, onFatal },
    });
    return { records: log, found: records, doubt };
  };
  let opening = await openWith(options.mayHaveForgotten ? "the operator says so" : null);
  const stableSeq = opening.found.findLast((record) => record.kind === "stable")?.seq ?? 0;
  const mismatch = isEdited
    ? "somebody else changed the rows of the database"
    : lostBatches(seqOf(stored), stableSeq);
  // A journal that has just started over knows of nothing that the database could lack.
  if (mismatch !== null && (opening.doubt === null || opening.found.length > 0)) {
    await opening.records.close();
    opening = await openWith(mismatch);
  }
  const { records } = opening;
  opened.push(() => records.close());
  return opening;
}

/** Why the database cannot be whole; null if it holds the journal's stable checkpoint. */
function lostBatches(storedSeq: number, stableSeq: number): string | null {
  if (storedSeq >= stableSeq) return null;
  return (
    `the database ends at batch ${storedSeq.toString()}, and the journal says that it held ` +
    `batch ${stableSeq.toString()}`
  );
}

/** The database, or an empty one in its place if somebody changed it: its file is kept aside. */
async function databaseToGoOnWith(
  options: PastOptions,
  database: Database,
  opened: Closer[],
): Promise<Database> {
  if (!database.isEdited) return database;
  await database.store.close();
  setAside(replicaDatabasePath(options.dir, options.key.id));
  return openDatabase(options, opened);
}

const DATABASE_SUFFIXES = ["-wal", "-shm", ""] as const;

function setAside(path: string): void {
  let number = 1;
  while (existsSync(`${path}.lost-${number.toString()}`)) number += 1;
  for (const suffix of DATABASE_SUFFIXES) {
    if (!existsSync(path + suffix)) continue;
    renameSync(path + suffix, `${path}.lost-${number.toString()}${suffix}`);
  }
}

async function storeGenesis(
  store: PatientStore,
  service: HostedService,
  signal: AbortSignal | undefined,
): Promise<void> {
  const serviceRoot = service.root();
  const steps = service.allRows();
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  const state = { seq: 0, serviceRoot, ...step.value, sessions: [], evictedThrough: [] };
  await store.replace(state, signal);
}

/** From here on an empty folder means that promises were lost. */
async function markServed(files: JournalFiles, path: string): Promise<void> {
  const file = await open(path, "a", 0o600);
  await file.sync();
  await file.close();
  await files.syncDirectory(dirname(path));
}

/**
 * A past that left nothing counts too: with a durability below fsync a primary may have sent what
 * is lost (2.12).
 */
function recoveredFrom(
  stored: StoredState | null,
  records: readonly JournalRecord[],
  doubt: string | null,
): Recovered {
  const sessions = (stored?.sessions ?? []).map((row) => ({ ...row, code: 0 as const }));
  const evictedThrough = stored?.evictedThrough ?? [];
  const rejoinNonce = doubt === null ? null : randomInt(NONCE_END);
  return { records, storedSeq: seqOf(stored), sessions, evictedThrough, rejoinNonce };
}

/** The largest range that the random source draws from; it fits a counter. */
const NONCE_END = 2 ** 48 - 1;

/** A server's database has no file to set aside, and its rows may be somebody else's. */
function strangeRowsSentence(): string {
  return (
    "The customer table is not the one this replica stored: it is another cluster's, or " +
    "somebody changed its rows. Choose another MySQL prefix, or put the rows " +
    "back: `verify` names them."
  );
}

/** Who forgot its votes may vote against them: an amnesiac counts among the f faulty (RS4). */
function wipedSentence({ dir, key }: PastOptions): string {
  const id = key.id.toString();
  return (
    `Replica ${id} has taken part before (${replicaServedPath(dir, key.id)}), but its journal is ` +
    "gone, and with it what it promised. If no other copy of it runs or will ever run, let it " +
    `rejoin: pbft-ledger replica ${dir} --id ${id} --rejoin`
  );
}
