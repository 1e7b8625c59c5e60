import { assert } from "../core/base/assert.js";
import { Domain } from "../core/base/hasher.js";
import type { AppendId, Seq } from "../core/base/ids.js";
import type { JournalRecord } from "../core/message.js";
import { decodeRecord, encodeRecord } from "../core/wire/record.js";
import type { Durability } from "./config-schema.js";
import type { JournalFiles } from "./journal-files.js";
import { JournalError } from "./journal-error.js";
import { Journal, type JournalOptions } from "./journal.js";
import type { KeyRing } from "./key-ring.js";

/** What opening a replica's record log takes. */
interface RecordLogOptions {
  /** The replica's own directory. */
  readonly directory: string;
  readonly keys: KeyRing;
  readonly durability: Durability;
  readonly files: JournalFiles;
  /** Why nothing that is found may be believed; null when what is found decides. */
  readonly doubt: string | null;
  readonly onDurable: (id: AppendId) => void;
  readonly onFatal: (error: Error) => void;
}

/** A log, and what an earlier run left in it. */
interface OpenedRecordLog {
  readonly log: RecordLog;
  readonly records: readonly JournalRecord[];
  /**
   * Why it may have lost what this replica promised, in which case `records` are what came since
   * then; else null (RS4).
   */
  readonly doubt: string | null;
}

/** The protocol's records in a journal of bytes: knows which ones outlive their segment. */
export class RecordLog {
  readonly #journal: Journal;
  readonly #carried: CarriedRecords;

  private constructor(journal: Journal, carried: CarriedRecords) {
    this.#journal = journal;
    this.#carried = carried;
  }

  /**
   * Opens the log and reads what an earlier run wrote. What may have lost a promise is set aside,
   * and stays there for whoever wants to find out what happened to it.
   * @throws JournalError when the journal cannot be used.
   */
  static async open(options: RecordLogOptions): Promise<OpenedRecordLog> {
    const { directory, keys, durability, files, doubt, onDurable, onFatal } = options;
    const carried = new CarriedRecords();
    const { roster, hasher } = keys;
    const identity = hasher.digest(Domain.journal, Uint8Array.of(roster.self.id));
    const carryOver = (): readonly Uint8Array[] => carried.records();
    const journalOptions: JournalOptions = {
      ...{ directory, identity, durability, files, hasher, onDurable, onFatal, carryOver },
      ...{ startOver: true, ...(doubt === null ? {} : { doubt }) },
    };
    const { journal, outcome } = await Journal.open(journalOptions);
    assert(journal !== null, "a journal that may start over is always there");
    const records = outcome.records.map((bytes) => {
      const record = decodeRecord(bytes, hasher, roster);
      if (typeof record === "string") {
        throw new JournalError(
          `The journal in ${directory} holds a record of another release (${record}).`,
        );
      }
      carried.note(record, bytes);
      return record;
    });
    const found = outcome.kind === "amnesia" ? outcome.reason : null;
    return { log: new RecordLog(journal, carried), records, doubt: found };
  }

  /**
   * Appends `record`; returns its number, 1 and up. A decision is written with what comes next, or
   * when `hurry` or `tick` asks for it: its P-entry is durable already, and a reply waits for no
   * more. A lone write's decision would else be synced while the next write waits for the disk.
   */
  append(record: JournalRecord): AppendId {
    const bytes = encodeRecord(record);
    this.#carried.note(record, bytes);
    return this.#journal.append(bytes, seqOf(record), record.kind !== "committed");
  }

  /** Somebody waits for what was appended. */
  hurry(): void {
    this.#journal.hurry();
  }

  /** This turn's appends are made: what a quick disk can take is written, and reported, at once. */
  flush(): void {
    this.#journal.flush();
  }

  /** One tick passed: what has waited for the whole of it has waited long enough. */
  tick(): void {
    this.#journal.tick();
  }

  /** Records about sequence numbers up to `seq` are not needed any more. */
  discard(seq: Seq): void {
    this.#journal.discard(seq);
  }

  /** What was forgotten is made up for: the next start believes this log. Durable on return. */
  async trust(): Promise<void> {
    await this.#journal.trust();
  }

  /** Whether there is room for more work (back-pressure). */
  canAppend(): boolean {
    return this.#journal.canAppend();
  }

  /** Makes durable what waits, and closes. */
  async close(): Promise<void> {
    await this.#journal.close();
  }
}

/** The newest record of view and of low watermark: they stand for all before them. */
class CarriedRecords {
  #view: Uint8Array | null = null;
  #watermark: Uint8Array | null = null;

  note(record: JournalRecord, bytes: Uint8Array): void {
    if (record.kind === "stable" || record.kind === "certified") this.#watermark = bytes;
    else if (record.kind === "view-change" || record.kind === "new-view") this.#view = bytes;
    else assert(seqOf(record) > 0, "all other records concern a sequence number");
  }

  records(): Uint8Array[] {
    return [this.#watermark, this.#view].filter((bytes): bytes is Uint8Array => bytes !== null);
  }
}

function seqOf(record: JournalRecord): Seq {
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
