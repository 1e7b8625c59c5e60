import { BUNDLE_OPERATIONS_MAX, type BundleReader, type BundleWriter } from "../base/bundle.js";
import type { Hasher } from "../base/hasher.js";
import type { ClientId } from "../base/ids.js";
import type { Service } from "../base/service.js";
import { PagedService } from "../paging/paged-service.js";
import type { StateTree } from "../paging/state-tree.js";
import { EntryChanges } from "./entry-changes.js";
import type { EntryRow } from "./entry-row.js";
import type { Caller, EntryService } from "./entry-service.js";
import type { SlotContent } from "./entry-page.js";
import { EntryTable, tableOfPages, tableOfRows } from "./entry-table.js";
import { accessOf } from "./entry-operation.js";
import { CROWDED_RESULT, doneResult, FAILED_RESULT } from "./entry-result.js";

/** Most entries, where the service does not say. */
const ENTRIES_MAX_DEFAULT = 1_000_000;

/** Bytes that the results of one request may have together, their tags included. */
const RESULTS_BYTES_MAX = 60_001;

/**
 * Operations of a request that are performed, as many as a client puts into one; the rest is to be
 * sent anew. A datagram has room for thousands that do nothing but fail.
 */
const OPERATIONS_MAX = 2_048;

/** Pages that one step of reading a state in hashes: 20 ms if all are full. */
const PAGES_HASHED_PER_STEP = 64;

/** Rows of one piece. */
const ROWS_PER_PIECE = 8_192;

/** What such a state machine is made of; all but `onFault` the same on every replica. */
interface EntryMachineOptions {
  readonly hasher: Hasher;
  readonly service: EntryService;
  /** The names of the clients, by client id. */
  readonly clientNames: readonly string[];
  /** Gets to know what an operation threw, or what is wrong with what it returned. */
  readonly onFault: (fault: unknown) => void;
}

/** A service of one's own as the protocol sees it. */
export class EntryMachine extends PagedService<readonly SlotContent[]> implements Service {
  readonly #options: EntryMachineOptions;
  readonly #entriesMax: number;
  #table: EntryTable;

  constructor(options: EntryMachineOptions) {
    super(options.hasher);
    this.#options = options;
    this.#entriesMax = options.service.entriesMax ?? ENTRIES_MAX_DEFAULT;
    this.#table = new EntryTable(options.hasher);
  }

  protected get tree(): StateTree<readonly SlotContent[]> {
    return this.#table.tree;
  }

  execute(
    client: ClientId,
    bundle: BundleReader,
    results: BundleWriter,
    operationsMax = BUNDLE_OPERATIONS_MAX,
  ): void {
    for (let left = operationsMax; left > 0 && bundle.next(); left -= 1) {
      this.#answer(client, bundle.item(), results, true);
    }
  }

  query(client: ClientId, bundle: BundleReader, results: BundleWriter): void {
    while (bundle.next()) this.#answer(client, bundle.item(), results, false);
  }

  /** A program is asked to execute what it has to, and nothing twice. */
  preview(): null {
    return null;
  }

  *readIn(pages: readonly Uint8Array[]): Generator<void, () => void> {
    const table = yield* tableOfPages(this.hasher, pages);
    while (!table.tree.rehash(PAGES_HASHED_PER_STEP)) yield;
    return () => {
      this.#table = table;
    };
  }

  /**
   * Replaces the whole state, pins included, by all slots as a store keeps them, in order.
   * @throws EntryRowError when they can't be a state; it is then what it was.
   */
  load(rows: readonly EntryRow[]): void {
    this.#table = tableOfRows(this.hasher, rows);
  }

  /** All slots, ascending, in pieces that are made when they are asked for. */
  *rows(): Generator<EntryRow[]> {
    const { count } = this.#table;
    for (let first = 0; first < count; first += ROWS_PER_PIECE) {
      const length = Math.min(ROWS_PER_PIECE, count - first);
      yield Array.from({ length }, (_, index) => this.#table.row(first + index));
    }
  }

  /** The slots that changed since the last call, or since the state was replaced; likewise. */
  *takeChangedRows(): Generator<EntryRow[]> {
    for (const slots of this.#table.takeChanged(ROWS_PER_PIECE)) {
      yield Array.from(slots, (slot) => this.#table.row(slot));
    }
  }

  /** Appends what comes of one operation, if there is room for it beside those before it. */
  #answer(client: ClientId, tagged: Uint8Array, results: BundleWriter, mayWrite: boolean): void {
    let result: Uint8Array = CROWDED_RESULT;
    if (results.count < OPERATIONS_MAX) {
      const caller = { client, name: this.#options.clientNames[client] ?? "" };
      result = this.#perform(tagged, caller, mayWrite, RESULTS_BYTES_MAX - results.itemBytes);
    }
    results.append(result);
  }

  /** Performs one operation, and returns its result, for which there are so many bytes. */
  #perform(tagged: Uint8Array, caller: Caller, mayWrite: boolean, roomBytes: number): Uint8Array {
    const { service, onFault } = this.#options;
    const access = accessOf(tagged);
    if (access === null || (access === "write" && !mayWrite)) return FAILED_RESULT;
    // A copy of its own: the program may keep it, and must not be able to change a request.
    const operation = new Uint8Array(tagged.subarray(1));
    const changes = new EntryChanges(this.#table, access === "write");
    try {
      const returned: unknown =
        access === "write"
          ? service.execute(changes, operation, caller)
          : service.query(changes, operation, caller);
      const done = doneResult(bytesReturned(returned));
      checkSize(done);
      if (done.length > roomBytes) return CROWDED_RESULT;
      this.#checkRoom(changes);
      changes.apply();
      return done;
    } catch (fault) {
      onFault(fault);
      return FAILED_RESULT;
    } finally {
      changes.end();
    }
  }

  #checkRoom(changes: EntryChanges): void {
    if (changes.count <= Math.max(this.#entriesMax, this.#table.entryCount)) return;
    throw new RangeError(`There are ${this.#entriesMax} entries already, as many as may be.`);
  }
}

/** A copy of what a service returned. @throws TypeError when that is no bytes. */
function bytesReturned(returned: unknown): Uint8Array {
  if (returned instanceof Uint8Array) return new Uint8Array(returned);
  // A promise that nobody waits for would end the process if it is rejected.
  if (returned instanceof Promise) returned.catch(() => undefined);
  throw new TypeError("A service returns a Uint8Array, and no promise of one.");
}

function checkSize(result: Uint8Array): void {
  if (result.length <= RESULTS_BYTES_MAX) return;
  throw new RangeError(`A result has up to ${RESULTS_BYTES_MAX - 1} bytes.`);
}
