/*
 * The journal of one replica process: what io/journal and io/record-log do, in virtual time. The
 * format, the rules of rotation and the judgement at start are the product's (core/journal).
 */
import { assert } from "../../src/core/base/assert.js";
import { Domain } from "../../src/core/base/hasher.js";
import type { AppendId, Seq } from "../../src/core/base/ids.js";
import { encodeManifest, type Manifest } from "../../src/core/journal/manifest.js";
import { recover, type Recovery } from "../../src/core/journal/recovery.js";
import {
  SegmentLog,
  type SegmentLogStart,
  type WritePlan,
} from "../../src/core/journal/segment-log.js";
import type { JournalRecord } from "../../src/core/message.js";
import { decodeRecord, encodeRecord } from "../../src/core/wire/record.js";
import type { KeyRing } from "../../src/io/key-ring.js";
import type { DiskStep, JournalDisk } from "./disk.js";
import { Violation } from "./failure.js";

/** What a journal works with. */
interface JournalSurroundings {
  readonly disk: JournalDisk;
  readonly keys: KeyRing;
  readonly segmentBytesMax: number;
  /** Whether something was done to the disks that may have cost promises (RS4). */
  readonly isAmnesiac: boolean;
  /** Whether to start over whatever is found, as when an operator says so. */
  readonly startsOver: boolean;
  /** 32 random bits. */
  readonly salt: () => number;
  /** Runs something when one write has become durable, unless the process has ended by then. */
  readonly afterSync: (run: () => void) => void;
  /** Everything up to `id` is durable. */
  readonly onDurable: (id: AppendId, records: readonly JournalRecord[]) => void;
}

/** Appends records and reports when they are durable, one group at a time. */
export class SimJournal {
  readonly #with: JournalSurroundings;
  readonly #log: SegmentLog;
  #manifest: Manifest;
  #openSegment = 0;
  #isWriting = false;
  /** The newest records of view and of low watermark: they outlive their segment. */
  #view: Uint8Array | null = null;
  #watermark: Uint8Array | null = null;
  readonly #unreported: JournalRecord[] = [];
  #reported: AppendId = 0;
  /** Runs once the manifest says that the journal may be trusted again; null: nobody asked. */
  #onTrusted: (() => void) | null = null;

  private constructor(surroundings: JournalSurroundings, start: Start) {
    const { keys, segmentBytesMax, salt } = surroundings;
    this.#with = surroundings;
    this.#manifest = start.manifest;
    const carryOver = (): readonly Uint8Array[] =>
      [this.#watermark, this.#view].filter((bytes): bytes is Uint8Array => bytes !== null);
    const identity = identityOf(keys);
    const { hasher } = keys;
    const options = { identity, hasher, segmentBytesMax, salt, carryOver };
    this.#log = new SegmentLog(options, start.log);
  }

  /** Reads what an earlier process left, and gets ready to append. */
  static open(surroundings: JournalSurroundings): {
    readonly journal: SimJournal;
    readonly records: readonly JournalRecord[];
    /** Whether records may be missing that were acted on. */
    readonly isDoubtful: boolean;
  } {
    const { disk, keys } = surroundings;
    const { hasher, roster } = keys;
    const start = startFrom(surroundings, judge(disk, keys));
    const journal = new SimJournal(surroundings, start);
    const records = start.records.map((bytes) => {
      const record = decodeRecord(bytes, hasher, roster);
      if (typeof record === "string") {
        throw new Violation("recovery", `a record of the journal cannot be read: ${record}`);
      }
      journal.#note(record, bytes);
      return record;
    });
    return { journal, records, isDoubtful: start.manifest.doubt !== null };
  }

  append(record: JournalRecord): AppendId {
    const bytes = encodeRecord(record);
    this.#note(record, bytes);
    this.#unreported.push(record);
    return this.#log.append(bytes, seqOf(record));
  }

  discard(seq: Seq): void {
    this.#log.discard(seq);
  }

  /** What was forgotten is made up for (RS4); `done` runs once that is durable. */
  trust(done: () => void): void {
    this.#onTrusted = done;
  }

  /** Writes what waits, if nothing is under way; called at the end of every turn. */
  flush(): void {
    if (this.#isWriting) return;
    const plan = this.#log.next();
    if (plan === null) {
      this.#trust();
      return;
    }
    this.#isWriting = true;
    if (plan.kind === "begin") this.#begin(plan);
    else {
      const bytes = plan.bytes.slice();
      const { offset } = plan;
      this.#carryOut({ kind: "write", segment: this.#openSegment, offset, bytes }, () => {
        this.#done(plan);
      });
    }
  }

  #trust(): void {
    const done = this.#onTrusted;
    if (done === null) return;
    this.#onTrusted = null;
    this.#isWriting = true;
    this.#manifest = { ...this.#manifest, doubt: null };
    this.#carryOut({ kind: "manifest", bytes: encodeManifest(this.#manifest) }, () => {
      this.#isWriting = false;
      done();
    });
  }

  #begin(plan: Extract<WritePlan, { kind: "begin" }>): void {
    const { segment, segmentFirst, discarded } = plan;
    this.#openSegment = segment;
    this.#carryOut({ kind: "create", segment, bytes: plan.bytes.slice() }, () => {
      this.#manifest = { ...this.#manifest, segmentFirst, segmentLast: segment };
      this.#carryOut({ kind: "manifest", bytes: encodeManifest(this.#manifest) }, () => {
        for (const number of discarded) {
          this.#carryOut({ kind: "remove", segment: number }, () => undefined);
        }
        this.#done(plan);
      });
    });
  }

  #carryOut(step: DiskStep, then: () => void): void {
    const { disk, afterSync } = this.#with;
    disk.begin(step);
    afterSync(() => {
      disk.finish(step);
      then();
    });
  }

  #done(plan: WritePlan): void {
    this.#isWriting = false;
    const count = plan.appendLast - this.#reported;
    this.#reported = plan.appendLast;
    this.#with.onDurable(plan.appendLast, this.#unreported.splice(0, count));
  }

  #note(record: JournalRecord, bytes: Uint8Array): void {
    if (record.kind === "stable" || record.kind === "certified") this.#watermark = bytes;
    else if (record.kind === "view-change" || record.kind === "new-view") this.#view = bytes;
    else assert(seqOf(record) > 0, "all other records concern a sequence number");
  }
}

interface Start {
  readonly log: SegmentLogStart;
  readonly manifest: Manifest;
  readonly records: readonly Uint8Array[];
}

/** What a starting process may believe of the files. */
function judge(disk: JournalDisk, keys: KeyRing): Recovery {
  const identity = identityOf(keys);
  const { manifest } = disk;
  const segments = disk.segments();
  return recover({ identity, bootId: "sim", manifest, segments, hasher: keys.hasher });
}

/** Damages what the disk holds, if it can be in a way that the next start notices. */
export function rotJournal(disk: JournalDisk, keys: KeyRing): boolean {
  if (judge(disk, keys).kind !== "intact") return false;
  const undo = disk.rot();
  if (undo === null || judge(disk, keys).kind === "amnesia") return undo !== null;
  // Where it looks like a last write that was cut short, nobody can tell: a Byzantine fault.
  undo();
  return false;
}

/** Judges the files as io/journal-open does, and tidies them up. */
function startFrom(surroundings: JournalSurroundings, recovery: Recovery): Start {
  const { disk, isAmnesiac, startsOver } = surroundings;
  if (startsOver) return startEmpty(disk, "the operator says so");
  switch (recovery.kind) {
    case "new":
      return startEmpty(disk, null);
    case "intact": {
      const { segments, group, hash, manifest, records, cut, leftovers } = recovery;
      for (const segment of leftovers) disk.at({ kind: "remove", segment });
      if (cut !== null) disk.truncate(cut.number, cut.bytes);
      return { log: { segments, group, hash }, manifest, records };
    }
    case "amnesia":
      if (isAmnesiac) return startEmpty(disk, recovery.reason);
      throw notBelieved(recovery.reason);
    case "foreign":
      throw notBelieved(recovery.reason);
  }
}

function notBelieved(reason: string): Violation {
  return new Violation("recovery", `a journal that lost nothing is not believed: ${reason}`);
}

function startEmpty(disk: JournalDisk, doubt: string | null): Start {
  const manifest: Manifest = {
    ...{ segmentFirst: 1, segmentLast: 0, newestRecords: "on-disk", bootId: "sim", doubt },
  };
  disk.at({ kind: "manifest", bytes: encodeManifest(manifest) });
  disk.setAside();
  return { log: { segments: [], group: 0, hash: null }, manifest, records: [] };
}

function identityOf(keys: KeyRing): Uint8Array {
  return keys.hasher.digest(Domain.journal, Uint8Array.of(keys.roster.self.id));
}

/** The highest sequence number that a record concerns; 0 for none. */
export function seqOf(record: JournalRecord): Seq {
  switch (record.kind) {
    case "pre-prepared":
    case "prepared":
    case "committed":
    case "body":
      return record.seq;
    case "view-change":
    case "new-view":
    case "stable":
    case "certified":
      return 0;
  }
}
