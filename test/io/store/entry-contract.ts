import assert from "node:assert/strict";
import { ENTRY_KEY_BYTES_MAX, ENTRY_VALUE_BYTES_MAX } from "../../../src/core/entries/entry-row.js";
import { entryOf, groupOf, newStateOf, stateOf } from "./fixture.js";
import type { Clause } from "./store-contract.js";

/** Keys that are different bytes, though a database, its locale or a driver may not see it. */
const KEYS: readonly string[] = [
  ...["a", "A", "a ", "a  ", " a", "ä", "Ä", "a\u0308", "ß", "ss", "é😀", "\ufeffa", "\ufefe"],
  ...["\0", "a\0", "a\0b", "1", "01", "1.0", "1e3", "NULL", "'", "''", '"', "\\", "%", "_"],
  ...["Robert'); DROP TABLE ENTRY;--", "\n", "\r\n", "x".repeat(ENTRY_KEY_BYTES_MAX)],
  ...["é".repeat(127), `${"😀".repeat(63)}xyz`],
];

const ENTRIES = [entryOf(0, "a", 1, 2), entryOf(1, "b"), entryOf(2, ""), entryOf(3, "d", 4)];

/** More than two pieces that a store reads or writes, and as many as two pieces. */
const COUNTS = [9_001, 8_192] as const;

const CONTRACT: readonly Clause[] = [
  [
    "entries come back slot by slot; a group changes, frees, takes and adds slots",
    async (subject) => {
      const store = await subject.openWith(newStateOf(stateOf(0, { entries: ENTRIES })));
      const changed = [entryOf(0, "a", 9), entryOf(2, "c", 3), entryOf(3, ""), entryOf(4, "e", 5)];
      await store.commit(groupOf(1, 2, { entries: changed }));
      await store.commit(groupOf(3, 3));
      const entries = [changed[0], ENTRIES[1], ...changed.slice(1)];
      assert.deepEqual(await subject.reopen(store), { ...stateOf(3, {}), entries });
    },
  ],
  [
    "a state holds its entries before any group",
    async (subject) => {
      const store = await subject.openWith(newStateOf(stateOf(0, { entries: ENTRIES })));
      assert.deepEqual(await subject.reopen(store), stateOf(0, { entries: ENTRIES }));
    },
  ],
  [
    "BK3: entries of a group that comes again are written once",
    async (subject) => {
      const store = await subject.openWith(newStateOf(stateOf(0, { entries: ENTRIES })));
      const first = groupOf(1, 1, { entries: [entryOf(1, "b", 1)] });
      await store.commit(first);
      const latest = [entryOf(1, "b", 2)];
      await store.commit(groupOf(2, 2, { entries: latest }));
      await store.commit(first);
      assert.deepEqual((await subject.reopen(store))?.entries?.[1], latest[0]);
    },
  ],
  [
    "keys are their bytes: case, spaces, accents, zero bytes, up to 255 of them",
    async (subject) => {
      const entries = KEYS.map((key, slot) => entryOf(slot, key, slot));
      const store = await subject.openWith(newStateOf(stateOf(0, { entries })));
      assert.deepEqual((await subject.reopen(store))?.entries, entries);
    },
  ],
  [
    "a group gives every slot another key",
    async (subject) => {
      const entries = KEYS.map((key, slot) => entryOf(slot, key, slot));
      const store = await subject.openWith(newStateOf(stateOf(0, { entries })));
      const changed = [...KEYS].reverse().map((key, slot) => entryOf(slot, key, slot));
      await store.commit(groupOf(1, 1, { entries: changed }));
      assert.deepEqual((await subject.reopen(store))?.entries, changed);
    },
  ],
  [
    "values are their bytes, 0 to 8,192 of them, also where they are part of a larger array",
    async (subject) => {
      const bytes = Uint8Array.from({ length: 2 * ENTRY_VALUE_BYTES_MAX }, (_, index) => index);
      const lengths = [0, 1, 255, 256, ENTRY_VALUE_BYTES_MAX];
      const entries = lengths.map((length, slot) => {
        return { slot, key: `k${slot}`, value: bytes.subarray(7, 7 + length) };
      });
      const store = await subject.openWith(newStateOf(stateOf(0, { entries })));
      const swapped = entries.map(({ slot, key }) => {
        return { slot, key, value: bytes.slice(slot, slot + (lengths.at(-1 - slot) ?? 0)) };
      });
      await store.commit(groupOf(1, 1, { entries: swapped }));
      assert.deepEqual((await subject.reopen(store))?.entries, swapped);
    },
  ],
  [
    "replacing leaves no entry of what was there",
    async (subject) => {
      const store = await subject.openWith(newStateOf(stateOf(0, { entries: ENTRIES })));
      await store.replace(newStateOf(stateOf(50, { entries: [entryOf(0, "z", 1)] })));
      await store.commit(groupOf(51, 51, { entries: [entryOf(1, "a", 2)] }));
      const entries = [entryOf(0, "z", 1), entryOf(1, "a", 2)];
      assert.deepEqual(await subject.reopen(store), stateOf(51, { entries }));
      const other = await subject.openWith(newStateOf(stateOf(0, { entries: ENTRIES })));
      await other.replace(newStateOf(stateOf(50, {})));
      assert.deepEqual(await subject.reopen(other), stateOf(50, {}));
    },
  ],
  [
    "thousands of entries arrive, whatever the number",
    async (subject) => {
      for (const count of COUNTS) {
        const entries = Array.from({ length: count }, (_, slot) =>
          entryOf(slot, `key ${slot}`, slot & 0xff),
        );
        const store = await subject.openWith(newStateOf(stateOf(0, { entries })));
        const changed = entries.map((row) => ({ ...row, value: Uint8Array.of(1, row.slot & 7) }));
        await store.commit(groupOf(1, 1, { entries: changed }));
        assert.deepEqual((await subject.reopen(store))?.entries, changed);
      }
    },
  ],
];

/** What every kind of store does with the entries of a service that is not the ledger. */
export function entryContract(): readonly Clause[] {
  return CONTRACT;
}
