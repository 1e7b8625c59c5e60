import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeDisk } from "./fake-disk.js";
import {
  appendGroups,
  bytesOf,
  intactTexts,
  journalOf,
  openJournal,
  pathOf,
  settle,
} from "./fixture.js";

const SMALL = 400;

function segmentsOf(disk: FakeDisk): string[] {
  return disk.paths().filter((path) => path.endsWith(".log"));
}

test("a segment is begun where a group would make the last one too large", async () => {
  const disk = new FakeDisk();
  const journal = journalOf(await openJournal(disk.mount(), { segmentBytesMax: SMALL }));
  const large = ["1", "2", "3", "4", "5", "6"];
  await appendGroups(journal, [["a"], ["b"], ["c"], large, ["d"]]);
  assert.deepEqual(segmentsOf(disk), [1, 2, 3].map(pathOf));
  disk.kill();
  const { outcome } = await openJournal(disk.mount());
  assert.deepEqual(intactTexts(outcome), ["a", "b", "c", ...large, "d"]);
});

test("old segments go once their sequence numbers are discarded, for what is carried", async () => {
  const disk = new FakeDisk();
  const carryOver = () => [bytesOf("view 3"), bytesOf("stable 20")];
  const options = { segmentBytesMax: 200, carryOver };
  const journal = journalOf(await openJournal(disk.mount(), options));
  await appendGroups(journal, [["view 1"]], 0);
  await appendGroups(journal, [["seq 10"]], 10);
  await appendGroups(journal, [["seq 30"]], 30);
  journal.discard(20);
  await appendGroups(journal, [["view 3"]], 0);
  assert.deepEqual(segmentsOf(disk), [3, 4].map(pathOf));
  disk.kill();
  const { outcome } = await openJournal(disk.mount(), options);
  assert.deepEqual(intactTexts(outcome), ["view 3", "stable 20", "seq 30", "view 3"]);
});

test("a segment stays as long as an older one is needed: what is left is a chain", async () => {
  const disk = new FakeDisk();
  const journal = journalOf(await openJournal(disk.mount(), { segmentBytesMax: 200 }));
  await appendGroups(journal, [["seq 9"]], 9);
  await appendGroups(journal, [["seq 1"]], 1);
  journal.discard(8);
  await appendGroups(journal, [["seq 10"]], 10);
  assert.deepEqual(segmentsOf(disk), [1, 2, 3].map(pathOf));
  journal.discard(9);
  await appendGroups(journal, [["seq 11"]], 11);
  assert.deepEqual(segmentsOf(disk), [3, 4].map(pathOf));
});

test("what is carried comes back only when the segments before are gone", async () => {
  const disk = new FakeDisk();
  const carryOver = () => [bytesOf("carried")];
  const options = { segmentBytesMax: 200, carryOver };
  await appendGroups(journalOf(await openJournal(disk.mount(), options)), [["a"], ["b"]], 5);
  disk.kill();
  const { outcome } = await openJournal(disk.mount(), options);
  assert.deepEqual(intactTexts(outcome), ["a", "b"]);
});

test("segments found at start are discarded like others", async () => {
  const disk = new FakeDisk();
  await appendGroups(journalOf(await openJournal(disk.mount())), [["old"]], 5);
  disk.kill();
  const journal = journalOf(await openJournal(disk.mount()));
  journal.discard(4);
  await appendGroups(journal, [["kept"]], 6);
  assert.deepEqual(segmentsOf(disk), [1, 2].map(pathOf));
  disk.kill();
  const later = journalOf(await openJournal(disk.mount()));
  later.discard(5);
  await appendGroups(later, [["newest"]], 7);
  assert.deepEqual(segmentsOf(disk), [2, 3].map(pathOf));
});

test("a discarded segment is removed only after the manifest stopped naming it", async () => {
  const disk = new FakeDisk();
  const journal = journalOf(await openJournal(disk.mount(), { segmentBytesMax: 200 }));
  await appendGroups(journal, [["a"]], 1);
  journal.discard(1);
  disk.calls = [];
  await appendGroups(journal, [["b"]], 2);
  const renamed = disk.calls.indexOf("rename");
  const unlinked = disk.calls.indexOf("unlink");
  assert.ok(renamed >= 0 && unlinked > disk.calls.indexOf("syncDirectory", renamed));
});

test("a discarded segment that a crash left behind goes at the next start", async () => {
  const disk = new FakeDisk();
  const journal = journalOf(await openJournal(disk.mount(), { segmentBytesMax: 200 }));
  await appendGroups(journal, [["a"]], 1);
  journal.discard(1);
  const old = disk.bytesOf(pathOf(1));
  await appendGroups(journal, [["b"]], 2);
  disk.kill();
  disk.place(pathOf(1), old);
  disk.place(pathOf(9), old.subarray(0, 7));
  assert.deepEqual(intactTexts((await openJournal(disk.mount())).outcome), ["b"]);
  assert.deepEqual(segmentsOf(disk), [pathOf(2)]);
});

test("names are synced, the segment's before the manifest names it", async () => {
  const disk = new FakeDisk();
  const journal = journalOf(await openJournal(disk.mount()));
  disk.calls = [];
  journal.append(bytesOf("a"), 0);
  await settle();
  assert.deepEqual(disk.calls, [
    "create",
    "write",
    "syncDirectory",
    ...["create", "write", "sync", "close", "rename", "syncDirectory"],
  ]);
});
