import { assert } from "../base/assert.js";
import { type Digest, Domain, type Hasher } from "../base/hasher.js";
import { encodePlainText } from "../base/plain-text.js";
import { ChangeSet } from "../paging/change-set.js";
import { type PagedRows, StateTree } from "../paging/state-tree.js";
import { decodePage, encodePage, PAGE_SLOTS, type SlotContent } from "./entry-page.js";
import {
  ENTRY_KEY_BYTES_MAX,
  ENTRY_SLOTS_MAX,
  ENTRY_VALUE_BYTES_MAX,
  type EntryRow,
  EntryRowError,
} from "./entry-row.js";
import { FreeSlots } from "./free-slots.js";

const NOTHING: SlotContent = { key: "", value: new Uint8Array(0) };

/**
 * The entries of a service in numbered slots, cut into pages under a Merkle tree. An entry keeps
 * its slot; one that is new takes the lowest free slot, or the next. So the number of slots never
 * goes back, and everything follows from the slots' content.
 */
export class EntryTable implements PagedRows<readonly SlotContent[]> {
  readonly pageRows = PAGE_SLOTS;
  readonly tree: StateTree<readonly SlotContent[]>;
  readonly #hasher: Hasher;
  readonly #slots: SlotContent[] = [];
  readonly #slotOf = new Map<string, number>();
  readonly #free = new FreeSlots();
  readonly #changed = new ChangeSet();

  constructor(hasher: Hasher) {
    this.#hasher = hasher;
    this.tree = new StateTree(hasher, this);
  }

  /**
   * Adds a slot of a state that is read back.
   * @throws EntryRowError when it can't be one.
   */
  restore(content: SlotContent): void {
    const { key, value } = content;
    const slot = this.#slots.length;
    if (slot >= ENTRY_SLOTS_MAX) throw new EntryRowError("There are too many slots.");
    const keyBytes = encodePlainText(key)?.length ?? Infinity;
    if (keyBytes > ENTRY_KEY_BYTES_MAX) throw new EntryRowError(`Slot ${slot} has no proper key.`);
    if (value.length > (key === "" ? 0 : ENTRY_VALUE_BYTES_MAX)) {
      throw new EntryRowError(`Slot ${slot} has a value that is too long.`);
    }
    if (this.#slotOf.has(key)) throw new EntryRowError(`Slot ${slot} has the key of another one.`);
    if (key === "") this.#free.add(slot);
    else this.#slotOf.set(key, slot);
    this.#slots.push(content);
    this.tree.afterAdd(slot);
  }

  /** Slots there are, free ones included. */
  get count(): number {
    return this.#slots.length;
  }

  /** Entries there are. */
  get entryCount(): number {
    return this.#slotOf.size;
  }

  /** The value of `key`, not to be written to; null if there is none. */
  value(key: string): Uint8Array | null {
    const slot = this.#slotOf.get(key);
    return slot === undefined ? null : this.#at(slot).value;
  }

  /** Every key, by slot. */
  *keys(): IterableIterator<string> {
    for (const { key } of this.#slots) if (key !== "") yield key;
  }

  /** Makes `value`, which is kept, the value of `key`, which was checked. */
  set(key: string, value: Uint8Array): void {
    const slot = this.#slotOf.get(key) ?? this.#free.take();
    if (slot !== null) {
      this.#write(slot, { key, value });
      this.#slotOf.set(key, slot);
      return;
    }
    const added = this.#slots.length;
    assert(added < ENTRY_SLOTS_MAX, "the service's own limit is lower");
    this.#slots.push({ key, value });
    this.#slotOf.set(key, added);
    this.tree.afterAdd(added);
    this.#changed.add(added);
  }

  /** Removes `key`, if it is there. */
  delete(key: string): void {
    const slot = this.#slotOf.get(key);
    if (slot === undefined) return;
    this.#write(slot, NOTHING);
    this.#slotOf.delete(key);
    this.#free.add(slot);
  }

  /**
   * The slots that changed since the last call, ascending, in pieces of so many or a few more:
   * nothing may change before the last one is asked for.
   */
  takeChanged(sizeMin: number): Iterable<Uint32Array> {
    return this.#changed.take(sizeMin);
  }

  /** One slot as a row. */
  row(slot: number): EntryRow {
    return { slot, ...this.#at(slot) };
  }

  copy(first: number, end: number): readonly SlotContent[] {
    return this.#slots.slice(first, end);
  }

  encode(first: number, end: number, copy: readonly SlotContent[] | null): Uint8Array {
    return encodePage(copy?.slice(0, end - first) ?? this.#slots.slice(first, end));
  }

  digest(first: number, end: number, copy: readonly SlotContent[] | null): Digest {
    return this.#hasher.digest(Domain.page, this.encode(first, end, copy));
  }

  #at(slot: number): SlotContent {
    const content = this.#slots[slot];
    assert(content !== undefined, "the slot exists");
    return content;
  }

  #write(slot: number, content: SlotContent): void {
    this.tree.beforeWrite(slot);
    this.#slots[slot] = content;
    this.#changed.add(slot);
  }
}

/**
 * A table with a state that `rows` are all slots of, ascending.
 * @throws EntryRowError when they can't be a state.
 */
export function tableOfRows(hasher: Hasher, rows: readonly EntryRow[]): EntryTable {
  const table = new EntryTable(hasher);
  for (const { slot, key, value } of rows) {
    if (slot !== table.count) throw new EntryRowError(`Slot ${table.count} is missing.`);
    table.restore({ key, value });
  }
  return table;
}

/** Merkle root of such a state; throws likewise. */
export function rootOfEntries(hasher: Hasher, rows: readonly EntryRow[]): Digest {
  return tableOfRows(hasher, rows).tree.root();
}

/** Pages that one step decodes: some milliseconds if they are full. */
const PAGES_PER_STEP = 128;

/**
 * Reads a state that is cut into `pages`, all of them, in order, step by step.
 * @throws InvariantError or EntryRowError when they are no state: whoever agreed on their digests
 * made them.
 */
export function* tableOfPages(
  hasher: Hasher,
  pages: readonly Uint8Array[],
): Generator<void, EntryTable> {
  const table = new EntryTable(hasher);
  for (const [index, bytes] of pages.entries()) {
    const page = decodePage(bytes);
    assert(page !== null && page.length > 0, "a page holds slots");
    const isFull = page.length === PAGE_SLOTS;
    assert(isFull || index === pages.length - 1, "all pages but the last are full");
    for (const content of page) table.restore(content);
    if ((index + 1) % PAGES_PER_STEP === 0) yield;
  }
  return table;
}
