import assert from "node:assert/strict";
import { test } from "node:test";
import { JournalError } from "../../../src/io/journal-error.js";
import { FakeDisk } from "./fake-disk.js";
import {
  amnesiaReason,
  appendGroups,
  bytesOf,
  intactTexts,
  journalOf,
  openJournal,
  pathOf,
  settle,
} from "./fixture.js";

const KEEP_NOTHING = () => 0;

test("all records of one turn are one write, reported later by the last id", async () => {
  const disk = new FakeDisk();
  const opened = await openJournal(disk.mount());
  const journal = journalOf(opened);
  await appendGroups(journal, [["first"]]);
  disk.calls = [];
  const ids = ["a", "b", "c"].map((text) => journal.append(bytesOf(text), 0));
  assert.deepEqual(ids, [2, 3, 4]);
  assert.deepEqual(opened.durable, [1]);
  await settle();
  assert.deepEqual(disk.calls, ["write"]);
  assert.deepEqual(opened.durable, [1, 4]);
});

test("records that come while a write is under way are the next group", async () => {
  const disk = new FakeDisk();
  const opened = await openJournal(disk.mount());
  const journal = journalOf(opened);
  await appendGroups(journal, [["first"]]);
  disk.calls = [];
  disk.pause();
  await appendGroups(journal, [["a"], ["b"], ["c"]]);
  assert.deepEqual(disk.calls, ["write"]);
  disk.resume();
  await settle();
  assert.deepEqual(disk.calls, ["write", "write"]);
  assert.deepEqual(opened.durable, [1, 2, 4]);
});

test("space that is written ahead of the groups is zero", async () => {
  const disk = new FakeDisk();
  const journal = journalOf(await openJournal(disk.mount()));
  await appendGroups(journal, [["x".repeat(70_000)], ["y".repeat(66_000)], ["z".repeat(62_000)]]);
  const bytes = disk.bytesOf(pathOf(1));
  const end = bytes.lastIndexOf("z".charCodeAt(0)) + 1;
  assert.equal(bytes.length, 4 * 65_536);
  assert.ok(bytes.subarray(end).every((byte) => byte === 0));
});

test("the caller may reuse the bytes it appended", async () => {
  const disk = new FakeDisk();
  const journal = journalOf(await openJournal(disk.mount()));
  const record = bytesOf("before");
  journal.append(record, 0);
  record.fill(0);
  await journal.close();
  disk.kill();
  assert.deepEqual(intactTexts((await openJournal(disk.mount())).outcome), ["before"]);
});

test("fsync: nothing is reported before the write is durable", async () => {
  const disk = new FakeDisk();
  const opened = await openJournal(disk.mount());
  disk.pause();
  journalOf(opened).append(bytesOf("a"), 0);
  await settle();
  assert.deepEqual(opened.durable, []);
  disk.cutPower(KEEP_NOTHING);
  assert.deepEqual(intactTexts((await openJournal(disk.mount())).outcome), []);
});

test("async: a record is reported once the kernel has it, and synced behind", async () => {
  const disk = new FakeDisk();
  const opened = await openJournal(disk.mount(), { durability: "async" });
  const journal = journalOf(opened);
  await appendGroups(journal, [["first"]]);
  disk.failure = (call) => {
    if (call === "sync") disk.pause();
    return null;
  };
  disk.calls = [];
  await appendGroups(journal, [["a"], ["b"]]);
  assert.deepEqual(disk.calls.slice(0, 2), ["write", "sync"]);
  assert.ok(opened.durable.includes(2));
});

test("async: a segment is let go of only after the sync behind its writes", async () => {
  const disk = new FakeDisk();
  const opened = await openJournal(disk.mount(), { durability: "async", segmentBytesMax: 400 });
  await appendGroups(journalOf(opened), [["first"]]);
  let letSync: () => void = () => undefined;
  const syncMay = new Promise<null>((resolve) => {
    letSync = () => resolve(null);
  });
  disk.failure = (call, path) => (call === "sync" && path.endsWith(".log") ? syncMay : null);
  await appendGroups(journalOf(opened), [["a"], ["b"], ["c"]]);
  assert.ok(!disk.calls.slice(disk.calls.lastIndexOf("write")).includes("close"));
  letSync();
  await settle();
  assert.deepEqual(opened.fatal, []);
  assert.equal(opened.durable.at(-1), 4);
});

test("async: a power cut is noticed as amnesia, the end of the process alone is not", async () => {
  const disk = new FakeDisk();
  const durability = "async";
  const journal = journalOf(await openJournal(disk.mount(), { durability }));
  await appendGroups(journal, [["a"], ["b"]]);
  disk.kill();
  const { outcome } = await openJournal(disk.mount(), { durability });
  assert.deepEqual(intactTexts(outcome), ["a", "b"]);
  disk.cutPower(KEEP_NOTHING);
  const after = await openJournal(disk.mount(), { durability });
  assert.match(amnesiaReason(after.outcome), /the machine stopped .* durability async/);
});

test("none: a record is reported unwritten, and any sudden end is noticed as amnesia", async () => {
  const disk = new FakeDisk();
  const durability = "none";
  const opened = await openJournal(disk.mount(), { durability });
  disk.pause();
  journalOf(opened).append(bytesOf("a"), 0);
  assert.deepEqual(opened.durable, []);
  await settle();
  assert.deepEqual(opened.durable, [1]);
  disk.kill();
  const { outcome } = await openJournal(disk.mount(), { durability });
  assert.match(amnesiaReason(outcome), /did not end properly .* durability none/);
});

test("after a clean close every durability keeps everything, power cut or not", async () => {
  for (const durability of ["fsync", "async", "none"] as const) {
    const disk = new FakeDisk();
    const opened = await openJournal(disk.mount(), { durability, segmentBytesMax: 300 });
    const journal = journalOf(opened);
    await appendGroups(journal, [["a"], ["b"], ["c"]]);
    journal.append(bytesOf("d"), 1);
    await Promise.all([journal.close(), journal.close()]);
    assert.equal(opened.durable.at(-1), 4);
    disk.cutPower(KEEP_NOTHING);
    const { outcome } = await openJournal(disk.mount());
    assert.deepEqual(intactTexts(outcome), ["a", "b", "c", "d"]);
  }
});

test("the journal says no when enough waits, and yes again with a report", async () => {
  const disk = new FakeDisk();
  const asked: boolean[] = [];
  const opened = await openJournal(disk.mount(), {
    waitingBytesMax: 1_000,
    onDurable: () => asked.push(journal.canAppend()),
  });
  const journal = journalOf(opened);
  assert.ok(journal.canAppend());
  journal.append(new Uint8Array(1_000), 0);
  assert.ok(!journal.canAppend());
  await settle();
  assert.deepEqual(asked, [true]);
});

test("an error of the disk is fatal, told once, and nothing is tried again", async () => {
  for (const failing of ["create", "write", "sync", "rename", "syncDirectory", "close"]) {
    const disk = new FakeDisk();
    const opened = await openJournal(disk.mount());
    const journal = journalOf(opened);
    disk.failure = (call) => (call === failing ? new Error("EIO: i/o error, fsync") : null);
    journal.append(bytesOf("a"), 0);
    await settle();
    const callCount = disk.calls.length;
    journal.append(bytesOf("b"), 0);
    await settle();
    await journal.close();
    assert.deepEqual(opened.durable, [], failing);
    assert.equal(opened.fatal.length, 1, failing);
    assert.ok(opened.fatal[0] instanceof JournalError);
    assert.match(opened.fatal[0].message, /cannot be written: EIO.*replica stops.*Check the disk/);
    assert.equal(disk.calls.length, callCount, failing);
    assert.ok(!journal.canAppend());
  }
});

test("async: an error of the sync behind the writes is fatal too", async () => {
  const disk = new FakeDisk();
  const opened = await openJournal(disk.mount(), { durability: "async" });
  await appendGroups(journalOf(opened), [["a"]]);
  disk.failure = (call) => (call === "sync" ? new Error("EIO") : null);
  await appendGroups(journalOf(opened), [["b"], ["c"]]);
  assert.equal(opened.fatal.length, 1);
  assert.ok(!opened.durable.includes(3));
});

test("a disk that cannot be read at start is a clear sentence", async () => {
  const disk = new FakeDisk();
  disk.failure = (call) => (call === "read" ? new Error("EACCES: permission denied") : null);
  await assert.rejects(openJournal(disk.mount()), /cannot be opened: EACCES.*Check that/);
});
