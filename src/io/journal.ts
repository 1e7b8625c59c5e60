import { assert } from "../core/base/assert.js";
import type { Hasher } from "../core/base/hasher.js";
import type { AppendId, Seq } from "../core/base/ids.js";
import { MESSAGE_BYTES_MAX } from "../core/base/limits.js";
import type { Manifest, NewestRecords } from "../core/journal/manifest.js";
import { SegmentLog } from "../core/journal/segment-log.js";
import type { SegmentLogStart, WritePlan } from "../core/journal/segment-log.js";
import type { Durability } from "./config-schema.js";
import { DiskPace } from "./disk-pace.js";
import { JournalError } from "./journal-error.js";
import type { JournalFile, JournalFiles } from "./journal-files.js";
import { prepareJournal, segmentPath, segmentsDirectory, writeManifest } from "./journal-open.js";
import type { JournalOutcome } from "./journal-open.js";

/*
 * The journal of one replica: what it must find again after a crash (2.12), in files of its own.
 *
 * All records appended in one turn of the event loop, and all that come while a write is under way,
 * are one group: one write and one sync. Another thread makes them, unless the group is small and
 * the disk so quick that the way there would cost more than to wait (`DiskPace`). core/journal
 * decides what is written where, and what may be believed after a crash; this file carries it out
 * on a disk.
 *
 *   durability   a record is reported when it is       survives kill -9   survives a power cut
 *   ──────────   ───────────────────────────────────   ────────────────   ────────────────────
 *   fsync        on the disk: write and fdatasync      yes                yes
 *   async        in the kernel: write has returned,    yes                no, but is noticed
 *                and fdatasync follows behind
 *   none         in a group that is about to be        no, but is         no, but is noticed
 *                written, and is not synced            noticed
 *
 * "Noticed": the next start finds that the replica may have acted on records that are gone, and
 * says so instead of going on (RS4). After a clean `close` all three keep everything. A group that
 * begins a segment is synced in every mode, so that only the newest segment can end in a torn
 * group.
 */

const NEWEST_RECORDS: Readonly<Record<Durability, NewestRecords>> = {
  fsync: "on-disk",
  async: "in-kernel",
  none: "in-process",
};

/** Default size at which a new segment is begun, in bytes. */
const SEGMENT_BYTES_MAX = 16 * 1024 * 1024;

/** Default for the bytes that may wait: two of the largest records. */
const WAITING_BYTES_MAX = 2 * MESSAGE_BYTES_MAX;

/** What a journal asks of a `DiskPace`. */
type Pace = Pick<DiskPace, keyof DiskPace>;

/** What a journal needs to know, and whom it tells. */
export interface JournalOptions {
  /** Directory of one replica, locked by its owner. The journal keeps `journal*` in it. */
  readonly directory: string;
  /** Names cluster and replica, 32 bytes: files of another identity are refused. */
  readonly identity: Uint8Array;
  /** When a record counts as durable; the table above says what each is worth. */
  readonly durability: Durability;
  readonly files: JournalFiles;
  readonly hasher: Hasher;
  /** Everything up to append `id` is durable. Never called from within `append`. */
  readonly onDurable: (id: AppendId) => void;
  /**
   * The disk failed: nothing will be reported any more, and the process has to end. Called once.
   */
  readonly onFatal: (error: JournalError) => void;
  /**
   * The records that stand for everything appended so far, apart from records about sequence
   * numbers that were not discarded. Asked for whenever a segment is begun after the first, and
   * relied on at once: a segment in which no record concerns a sequence number goes as soon as the
   * next is begun.
   */
  readonly carryOver: () => readonly Uint8Array[];
  /**
   * On amnesia: false (default) returns no journal, true sets the old one aside and starts another.
   */
  readonly startOver?: boolean;
  /**
   * Why nothing that is found may be believed, whatever it looks like: the journal starts over. A
   * clause without a full stop.
   */
  readonly doubt?: string;
  /** A group that would make a segment larger than this begins a new one; 16 MiB by default. */
  readonly segmentBytesMax?: number;
  /**
   * Bytes that may wait for a write before `canAppend` says no; two of the largest records by
   * default.
   */
  readonly waitingBytesMax?: number;
  /** Says when the main thread may wait for the disk; by default one that knows nothing yet. */
  readonly pace?: Pace;
}

/** A journal, or null when amnesia forbids to go on, and what was found in it. */
interface OpenedJournal {
  readonly journal: Journal | null;
  readonly outcome: JournalOutcome;
}

type Write = Extract<WritePlan, { kind: "write" }>;

/** Appends records and reports when they are durable. One owner, one process. */
export class Journal {
  readonly #options: JournalOptions;
  readonly #waitingBytesMax: number;
  readonly #log: SegmentLog;
  readonly #pace: Pace;
  #manifest: Manifest;
  #file: JournalFile | null = null;
  /** Disk work happens in one line, in the order in which it was asked for. */
  #work: Promise<void> = Promise.resolve();
  /** How much of it is not over. */
  #taskCount = 0;
  /** What will begin to write at the end of this turn. */
  #flushDue: NodeJS.Immediate | null = null;
  /** Whether a part of the line writes all that is urgent, until there is no more. */
  #isFlushing = false;
  /** Whether somebody waits for what waits. */
  #isUrgent = false;
  /** Whether what waits did so at the last tick. */
  #hasWaited = false;
  /** The sync that runs behind the writes (`async`), and whether another has to follow. */
  #syncBehind: Promise<void> | null = null;
  #syncIsDue = false;
  /** The removal of discarded segments; only `close` waits for it. */
  #removal: Promise<void> = Promise.resolve();
  #failed = false;
  #closed: Promise<void> | null = null;

  private constructor(options: JournalOptions, start: SegmentLogStart, manifest: Manifest) {
    const { identity, hasher, files, carryOver } = options;
    const segmentBytesMax = options.segmentBytesMax ?? SEGMENT_BYTES_MAX;
    const salt = (): number => files.salt();
    this.#options = options;
    this.#waitingBytesMax = options.waitingBytesMax ?? WAITING_BYTES_MAX;
    this.#log = new SegmentLog({ identity, hasher, segmentBytesMax, salt, carryOver }, start);
    this.#pace = options.pace ?? new DiskPace();
    this.#manifest = manifest;
  }

  /**
   * Reads what an earlier run left and gets ready to append.
   * @throws JournalError with a sentence for the operator when the files cannot be used.
   */
  static async open(options: JournalOptions): Promise<OpenedJournal> {
    const { durability, startOver = false, doubt = null } = options;
    const newestRecords = NEWEST_RECORDS[durability];
    try {
      const prepared = await prepareJournal({ ...options, startOver, doubt, newestRecords });
      const { outcome, start } = prepared;
      const journal = start && new Journal(options, start.log, start.manifest);
      return { journal, outcome };
    } catch (error) {
      if (error instanceof JournalError) throw error;
      throw new JournalError(
        `The journal in ${options.directory} cannot be opened: ${messageOf(error)}. ` +
          "Check that the directory exists, is yours, and is on a disk in order.",
        { cause: error },
      );
    }
  }

  /**
   * Takes a copy of `record`; `onDurable` will report the returned id, 1 for the first append of
   * this run and consecutive. `seq` is the highest sequence number that the record concerns, 0 for
   * none.
   * @param isUrgent false for what may wait for the next urgent record, for `hurry` or for `tick`.
   */
  append(record: Uint8Array, seq: Seq, isUrgent = true): AppendId {
    assert(this.#closed === null, "nothing is appended to a closed journal");
    const id = this.#log.append(record, seq);
    if (isUrgent) this.hurry();
    return id;
  }

  /** Writes what waits, at the end of the turn. Costs nothing when nothing does. */
  hurry(): void {
    if (this.#log.waitingBytes === 0) return;
    this.#isUrgent = true;
    if (this.#isFlushing) return;
    this.#flushDue ??= setImmediate(() => {
      this.#endTurn();
    });
  }

  /**
   * The owner has appended what it can in this turn. If the disk is quick, what waits for the end
   * of the turn is written now, and reported before this returns; what is appended meanwhile waits
   * for the next turn. Not to be called from within `onDurable`.
   */
  flush(): void {
    if (this.#flushDue === null || !this.#isQuick(this.#log.waitingBytes)) return;
    clearImmediate(this.#flushDue);
    this.#endTurn();
  }

  /**
   * One tick passed: writes what waited already when the last one did. What came since then may
   * still go with the next urgent record, which under any load is there before the next tick.
   */
  tick(): void {
    if (this.#hasWaited) this.hurry();
    this.#hasWaited = this.#log.waitingBytes > 0;
  }

  /**
   * Whether the owner may take on work that appends. Once it may not, it may again after some call
   * of `onDurable`. What work already begun appends is taken in any case.
   */
  canAppend(): boolean {
    return !this.#failed && this.#log.waitingBytes < this.#waitingBytesMax;
  }

  /**
   * Records about sequence numbers up to `seq` (included) are not needed any more. Files go when
   * the next segment is begun: the manifest is written then anyway.
   */
  discard(seq: Seq): void {
    this.#log.discard(seq);
  }

  /**
   * The owner has made up for an amnesia (RS4): the next start need not report it. Durable on
   * return.
   */
  async trust(): Promise<void> {
    await this.#enqueue(() => this.#disk(() => this.#updateManifest({ doubt: null })));
  }

  /** Writes and syncs what waits, then lets go of the files. Idempotent. */
  close(): Promise<void> {
    this.#isUrgent = true;
    this.#closed ??= this.#enqueue(() => this.#writeAll(null)).then(() => this.#finish());
    return this.#closed;
  }

  #enqueue(task: () => Promise<void>): Promise<void> {
    this.#taskCount += 1;
    this.#work = this.#work.then(task).then(() => {
      this.#taskCount -= 1;
    });
    return this.#work;
  }

  /** What is urgent, as one group; null when nothing is. To be carried out at once. */
  #next(): WritePlan | null {
    if (this.#failed || !this.#isUrgent) return null;
    this.#isUrgent = false;
    this.#hasWaited = false;
    return this.#log.next();
  }

  #endTurn(): void {
    this.#flushDue = null;
    const plan = this.#taskCount === 0 ? this.#next() : null;
    if (plan?.kind === "write" && this.#isQuick(plan.bytes.length)) this.#writeNow(plan);
    else this.#flushInLine(plan);
  }

  /**
   * Whether the main thread may wait for a write of so many bytes: nothing is in the line. Not
   * without `fsync`, where a write may wait for the sync behind the last one, but its owner does
   * not.
   */
  #isQuick(byteCount: number): boolean {
    const { durability } = this.#options;
    return durability === "fsync" && this.#taskCount === 0 && this.#pace.allows(byteCount);
  }

  #writeNow({ bytes, offset, appendLast }: Write): void {
    const startMs = this.#pace.start();
    try {
      this.#openFile().writeNow(bytes, offset);
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#pace.waited(startMs);
    this.#options.onDurable(appendLast);
  }

  #flushInLine(first: WritePlan | null): void {
    this.#isFlushing = true;
    void this.#enqueue(() => this.#writeAll(first));
  }

  async #writeAll(first: WritePlan | null): Promise<void> {
    for (let plan = first ?? this.#next(); plan !== null; plan = this.#next()) {
      await this.#carryOut(plan);
    }
    this.#isFlushing = false;
  }

  async #carryOut(plan: WritePlan): Promise<void> {
    const { durability, onDurable } = this.#options;
    if (durability === "none") onDurable(plan.appendLast);
    await this.#disk(() => (plan.kind === "begin" ? this.#begin(plan) : this.#write(plan)));
    if (durability !== "none" && !this.#failed) onDurable(plan.appendLast);
  }

  async #write({ bytes, offset }: Write): Promise<void> {
    const file = this.#openFile();
    const startMs = this.#pace.start();
    await file.write(bytes, offset);
    this.#pace.wrote(startMs);
    if (this.#options.durability === "async") this.#startSyncBehind(file);
  }

  #openFile(): JournalFile {
    assert(this.#file !== null, "a segment is begun before it is written to");
    return this.#file;
  }

  async #begin(plan: Extract<WritePlan, { kind: "begin" }>): Promise<void> {
    const { files, directory, durability } = this.#options;
    await this.#retireFile();
    const path = segmentPath(directory, plan.segment);
    this.#file = await files.create(path, durability === "fsync");
    await this.#file.write(plan.bytes, 0);
    if (durability !== "fsync") await this.#file.sync();
    await files.syncDirectory(segmentsDirectory(directory));
    const { segment: segmentLast, segmentFirst, discarded } = plan;
    await this.#updateManifest({ segmentFirst, segmentLast });
    this.#removal = this.#removal.then(() => this.#disk(() => this.#removeSegments(discarded)));
  }

  /** All of the file is durable before the next segment counts. */
  async #retireFile(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    if (file === null) return;
    await this.#syncBehind;
    if (this.#options.durability !== "fsync") await file.sync();
    await file.close();
  }

  async #removeSegments(numbers: readonly number[]): Promise<void> {
    const { files, directory } = this.#options;
    for (const number of numbers) await files.unlink(segmentPath(directory, number));
  }

  #startSyncBehind(file: JournalFile): void {
    this.#syncIsDue = true;
    this.#syncBehind ??= this.#disk(async () => {
      while (this.#syncIsDue) {
        this.#syncIsDue = false;
        await file.sync();
      }
      this.#syncBehind = null;
    });
  }

  async #updateManifest(change: Partial<Manifest>): Promise<void> {
    const { files, directory } = this.#options;
    this.#manifest = { ...this.#manifest, ...change };
    await writeManifest(files, directory, this.#manifest);
  }

  async #finish(): Promise<void> {
    await this.#removal;
    await this.#disk(async () => {
      await this.#retireFile();
      if (this.#options.durability === "fsync") return;
      await this.#updateManifest({ newestRecords: "on-disk" });
    });
  }

  /**
   * Runs disk work. Its first error ends the journal: what a failed sync leaves behind is unknown.
   */
  async #disk(task: () => Promise<void>): Promise<void> {
    if (this.#failed) return;
    try {
      await task();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    const { directory, onFatal } = this.#options;
    onFatal(
      new JournalError(
        `The journal in ${directory} cannot be written: ${messageOf(error)}. ` +
          "The replica stops: what it has not recorded it must not say. " +
          "Check the disk and its free space, then start the replica again.",
        { cause: error },
      ),
    );
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
