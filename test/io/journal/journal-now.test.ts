import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { DiskPace } from "../../../src/io/disk-pace.js";
import type { Journal, JournalOptions } from "../../../src/io/journal.js";
import { FakeDisk } from "./fake-disk.js";
import {
  appendGroups,
  bytesOf,
  intactTexts,
  journalOf,
  openJournal,
  quickPace,
  settle,
} from "./fixture.js";

/** A journal on a quick disk, with a segment begun. */
async function quickJournal(options: Partial<JournalOptions> = {}) {
  const disk = new FakeDisk();
  const opened = await openJournal(disk.mount(), { pace: quickPace(), ...options });
  const journal = journalOf(opened);
  await appendGroups(journal, [["first"]]);
  disk.calls = [];
  return { ...opened, disk, journal };
}

function append(journal: Journal, text: string): number {
  return journal.append(bytesOf(text), 1);
}

describe("a small group on a quick disk", () => {
  test("is written from the main thread at the end of the turn, with all of the turn", async () => {
    const { disk, journal, durable } = await quickJournal();
    append(journal, "a");
    append(journal, "b");
    assert.deepEqual(disk.calls, []);
    await nextTurn();
    assert.deepEqual(disk.calls, ["writeNow"]);
    assert.deepEqual(durable, [1, 3]);
  });

  test("is written and reported at once if the owner ends its turn, and only once", async () => {
    const { disk, journal, durable } = await quickJournal();
    append(journal, "a");
    journal.flush();
    assert.deepEqual(durable, [1, 2]);
    journal.flush();
    await settle();
    assert.deepEqual(disk.calls, ["writeNow"]);
    assert.deepEqual(durable, [1, 2]);
  });

  test("is not asked for by what is not urgent", async () => {
    const { disk, journal } = await quickJournal();
    journal.append(bytesOf("a"), 1, false);
    journal.flush();
    assert.deepEqual(disk.calls, []);
    append(journal, "b");
    journal.flush();
    assert.deepEqual(disk.calls, ["writeNow"]);
  });

  test("goes into the next turn if it is the answer to a report", async () => {
    const reports: number[] = [];
    let appendMore = (): void => undefined;
    const { disk, journal } = await quickJournal({
      onDurable: (id) => {
        reports.push(id);
        appendMore();
        assert.equal(reports.at(-1), id, "no report comes from within an append");
      },
    });
    appendMore = () => {
      if (reports.length < 5) append(journal, "another");
    };
    append(journal, "second");
    journal.flush();
    assert.deepEqual(reports, [1, 2]);
    for (let turn = 0; turn < 3; turn += 1) await nextTurn();
    assert.deepEqual(reports, [1, 2, 3, 4, 5]);
    assert.deepEqual(disk.calls, Array(4).fill("writeNow"));
  });

  test("waits in line while the thread writes, begins a segment or a manifest", async () => {
    const { disk, journal, durable } = await quickJournal({ segmentBytesMax: 20_000 });
    const large = "x".repeat(17_000);
    for (const work of [
      () => append(journal, large),
      () => append(journal, large),
      () => void journal.trust(),
    ]) {
      const before = disk.calls.length;
      disk.pause();
      work();
      journal.flush();
      await nextTurn();
      append(journal, "small");
      journal.flush();
      await settle();
      assert.equal(disk.calls.length, before + 1, "one call is under way");
      assert.ok(!disk.calls.includes("writeNow"));
      disk.resume();
      await settle();
      await settle();
      await settle();
    }
    assert.deepEqual(durable, [1, 2, 3, 4, 5, 6]);
    append(journal, "now");
    journal.flush();
    assert.equal(disk.calls.at(-1), "writeNow");
  });

  test("is the thread's if it needs new space, which takes longer", async () => {
    const { disk, journal } = await quickJournal();
    for (let count = 0; count < 6; count += 1) {
      append(journal, "x".repeat(13_000));
      journal.flush();
      await settle();
    }
    assert.deepEqual(disk.calls.filter((call) => call === "write").length, 1);
    assert.deepEqual(disk.calls.filter((call) => call === "writeNow").length, 5);
  });

  test("is the thread's where its owner does not wait for the disk", async () => {
    for (const durability of ["async", "none"] as const) {
      const { disk, journal } = await quickJournal({ durability });
      append(journal, "a");
      journal.flush();
      await settle();
      assert.ok(disk.calls.includes("write"), durability);
      assert.ok(!disk.calls.includes("writeNow"), durability);
    }
  });

  test("whose write fails ends the journal, told once", async () => {
    const { disk, journal, durable, fatal } = await quickJournal();
    disk.failure = (call) => (call === "writeNow" ? new Error("EIO: i/o error, write") : null);
    append(journal, "a");
    journal.flush();
    assert.equal(fatal.length, 1);
    assert.match(fatal[0]?.message ?? "", /cannot be written: EIO.*replica stops.*Check the disk/);
    append(journal, "b");
    journal.flush();
    await settle();
    await journal.close();
    assert.deepEqual(disk.calls, ["writeNow"]);
    assert.deepEqual(durable, [1]);
    assert.equal(fatal.length, 1);
    assert.ok(!journal.canAppend());
  });

  test("is there after a close that comes in the same turn, and after a power cut", async () => {
    const { disk, journal, durable } = await quickJournal();
    append(journal, "a");
    journal.flush();
    append(journal, "b");
    await journal.close();
    journal.flush();
    await settle();
    assert.deepEqual(durable, [1, 2, 3]);
    disk.cutPower(() => 0);
    assert.deepEqual(intactTexts((await openJournal(disk.mount())).outcome), ["first", "a", "b"]);
  });

  test("is written by the thread until the disk has shown that it is quick", async () => {
    const disk = new FakeDisk();
    let nowMs = 0;
    const pace = new DiskPace(() => (nowMs += 0.1));
    const journal = journalOf(await openJournal(disk.mount(), { pace }));
    for (let count = 0; count < 100; count += 1) await appendGroups(journal, [["a"]]);
    const first = disk.calls.indexOf("writeNow");
    assert.ok(first > 20 && !disk.calls.slice(first).includes("write"));
  });
});
