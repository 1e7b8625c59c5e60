import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { crc32c } from "../../../src/core/journal/crc32c.js";
import {
  frameBytes,
  readFrameHeader,
  writeFrameHeader,
} from "../../../src/core/journal/record-frame.js";
import { JournalError } from "../../../src/io/journal-error.js";
import { FakeDisk } from "./fake-disk.js";
import {
  amnesiaReason,
  appendGroups,
  bytesOf,
  DIRECTORY,
  IDENTITY,
  intactTexts,
  journalOf,
  openJournal,
  pathOf,
  settle,
  textsOf,
} from "./fixture.js";

const MANIFEST = `${DIRECTORY}/journal.manifest`;
const HEADER_BYTES = 96;

/** A disk with a journal of one segment with groups of two records, left without a close. */
async function diskOfOneSegment(): Promise<FakeDisk> {
  const disk = new FakeDisk();
  const journal = journalOf(await openJournal(disk.mount()));
  await appendGroups(journal, [
    ["a1", "a2"],
    ["b1", "b2"],
    ["c1", "c2"],
  ]);
  disk.kill();
  return disk;
}

/** A disk with a journal of three segments with one group each, left without a close. */
async function diskOfThreeSegments(): Promise<FakeDisk> {
  const disk = new FakeDisk();
  const journal = journalOf(await openJournal(disk.mount(), { segmentBytesMax: 100 }));
  await appendGroups(journal, [["a"], ["b"], ["c"]]);
  disk.kill();
  return disk;
}

function changeByte(disk: FakeDisk, path: string, offset: number, mask = 1): void {
  const bytes = disk.bytesOf(path).slice();
  bytes[offset] = (bytes[offset] ?? 0) ^ mask;
  disk.overwrite(path, bytes);
}

/** Offset of the frame of record `index` in a segment of records of two bytes. */
function frameAt(index: number): number {
  return HEADER_BYTES + index * frameBytes(2);
}

test("RS1: a torn last group is cut off as a whole, sound records of it included", async () => {
  for (const damaged of [4, 5]) {
    const disk = await diskOfOneSegment();
    changeByte(disk, pathOf(1), frameAt(damaged) + 72);
    const { outcome } = await openJournal(disk.mount());
    assert.deepEqual(intactTexts(outcome), ["a1", "a2", "b1", "b2"]);
    assert.ok(outcome.kind === "intact" && outcome.tornBytes > 0);
    assert.equal(disk.bytesOf(pathOf(1)).length, frameAt(4));
  }
});

test("RS1: what was cut off stays away, and the journal goes on behind it", async () => {
  const disk = await diskOfOneSegment();
  changeByte(disk, pathOf(1), frameAt(4));
  await appendGroups(journalOf(await openJournal(disk.mount())), [["d1"], ["e1"]]);
  disk.kill();
  const { outcome } = await openJournal(disk.mount());
  assert.deepEqual(intactTexts(outcome), ["a1", "a2", "b1", "b2", "d1", "e1"]);
});

test("RS1: a bad record before a good group is amnesia, not a torn end", async () => {
  const disk = await diskOfOneSegment();
  changeByte(disk, pathOf(1), frameAt(2) + 72);
  const { journal, outcome } = await openJournal(disk.mount());
  assert.match(amnesiaReason(outcome), /a record in segment 1 at byte 256 is damaged/);
  assert.equal(journal, null);
});

test("RS1: a torn later group proves that the damaged one had been synced", async () => {
  const disk = await diskOfOneSegment();
  changeByte(disk, pathOf(1), frameAt(2) + 72);
  changeByte(disk, pathOf(1), frameAt(4) + 72);
  changeByte(disk, pathOf(1), frameAt(5));
  amnesiaReason((await openJournal(disk.mount())).outcome);
});

test("RS1: a bad first group is amnesia, for the manifest came after its sync", async () => {
  const disk = new FakeDisk();
  await appendGroups(journalOf(await openJournal(disk.mount())), [["a1", "a2"]]);
  disk.kill();
  changeByte(disk, pathOf(1), frameAt(1) + 72);
  const { outcome } = await openJournal(disk.mount());
  assert.match(amnesiaReason(outcome), /the first records of segment 1 are damaged/);
});

test("RS1: a replaced record with fitting checksums breaks the chain of hashes", async () => {
  const disk = await diskOfOneSegment();
  const bytes = disk.bytesOf(pathOf(1)).slice();
  const salt = new DataView(bytes.buffer).getUint32(88);
  const header = readFrameHeader(bytes, frameAt(1), salt) ?? assert.fail("there is a frame");
  bytes.set(bytesOf("a3"), frameAt(1) + 72);
  writeFrameHeader(bytes, frameAt(1), salt, header);
  disk.overwrite(pathOf(1), bytes);
  amnesiaReason((await openJournal(disk.mount())).outcome);
});

test("RS1: a missing segment is amnesia, be it first, middle or last", async () => {
  for (const missing of [1, 2, 3]) {
    const disk = await diskOfThreeSegments();
    disk.remove(pathOf(missing));
    const { outcome } = await openJournal(disk.mount());
    assert.match(amnesiaReason(outcome), new RegExp(`segment ${missing} is missing`));
  }
});

test("RS1: a segment cut short, swapped, or taken from an older copy is amnesia", async () => {
  const short = await diskOfThreeSegments();
  short.overwrite(pathOf(2), short.bytesOf(pathOf(2)).subarray(0, 150));
  assert.match(amnesiaReason((await openJournal(short.mount())).outcome), /segment 2/);

  const swapped = await diskOfThreeSegments();
  swapped.overwrite(pathOf(2), swapped.bytesOf(pathOf(3)));
  assert.match(amnesiaReason((await openJournal(swapped.mount())).outcome), /is really 3/);

  const older = await diskOfThreeSegments();
  const other = new FakeDisk();
  const journal = journalOf(await openJournal(other.mount(), { segmentBytesMax: 100 }));
  await appendGroups(journal, [["x"], ["y"]]);
  older.overwrite(pathOf(2), other.bytesOf(pathOf(2)));
  assert.match(amnesiaReason((await openJournal(older.mount())).outcome), /does not go on/);
});

test("RS1: a journal whose folder is gone or empty was wiped, it is not new", async () => {
  const disk = await diskOfThreeSegments();
  disk.remove(`${DIRECTORY}/journal`);
  const { journal, outcome } = await openJournal(disk.mount());
  assert.equal(journal, null);
  assert.ok(outcome.kind === "amnesia" && outcome.cause === "wiped");
  assert.match(outcome.reason, /all of its segments are gone/);
});

test("RS1: segments without a manifest, or with an unreadable one, are amnesia", async () => {
  const missing = await diskOfThreeSegments();
  missing.remove(MANIFEST);
  assert.match(amnesiaReason((await openJournal(missing.mount())).outcome), /manifest is missing/);

  const unreadable = await diskOfThreeSegments();
  changeByte(unreadable, MANIFEST, 33);
  const { outcome } = await openJournal(unreadable.mount());
  assert.match(amnesiaReason(outcome), /manifest is unreadable/);
});

test("a journal that was opened and never written to is not amnesia", async () => {
  const disk = new FakeDisk();
  await openJournal(disk.mount());
  disk.kill();
  assert.deepEqual(intactTexts((await openJournal(disk.mount())).outcome), []);
});

test("RS4: a journal that starts over keeps the old files and remembers the doubt", async () => {
  const disk = await diskOfThreeSegments();
  disk.remove(pathOf(2));
  const opened = await openJournal(disk.mount(), { startOver: true });
  assert.ok(opened.outcome.kind === "amnesia" && opened.outcome.cause === "damaged");
  await appendGroups(journalOf(opened), [["after"]]);
  assert.ok(disk.paths().includes(`${DIRECTORY}/journal.lost-1/000000000003.log`));
  disk.kill();

  const again = await openJournal(disk.mount());
  assert.ok(again.outcome.kind === "amnesia" && again.outcome.cause === "earlier");
  assert.deepEqual(textsOf(again.outcome.records), ["after"]);
  await journalOf(again).trust();
  disk.kill();

  assert.deepEqual(intactTexts((await openJournal(disk.mount())).outcome), ["after"]);
});

test("files of another replica or another version are refused and left alone", async () => {
  const disk = await diskOfThreeSegments();
  const identity = IDENTITY.slice().fill(8);
  const before = disk.paths().map((path) => disk.bytesOf(path));
  await assert.rejects(openJournal(disk.mount(), { identity, startOver: true }), (error) => {
    assert.ok(error instanceof JournalError);
    assert.match(error.message, /belongs to another replica or another cluster/);
    return true;
  });
  const otherVersion = disk.bytesOf(pathOf(1)).slice();
  otherVersion[7] = 9;
  new DataView(otherVersion.buffer).setUint32(92, crc32c(otherVersion, 0, 92));
  disk.overwrite(pathOf(1), otherVersion);
  await assert.rejects(openJournal(disk.mount()), /another version of this program/);
  disk.overwrite(pathOf(1), before[1] ?? assert.fail("there is a segment"));
  assert.deepEqual(
    disk.paths().map((path) => disk.bytesOf(path)),
    before,
  );
});

test("a record that imitates later groups does not turn a torn end into amnesia", async () => {
  const disk = new FakeDisk();
  const journal = journalOf(await openJournal(disk.mount()));
  const imitation = new Uint8Array(4 * frameBytes(0));
  for (let index = 0; index < 4; index += 1) {
    const hashBefore = new Uint8Array(32);
    const header = { length: 0, recordsToCome: 0, carried: false, group: 99, seq: 0, hashBefore };
    writeFrameHeader(imitation, index * frameBytes(0), index, header);
  }
  await appendGroups(journal, [["sound"]]);
  journal.append(imitation, 0);
  await settle();
  disk.kill();
  changeByte(disk, pathOf(1), HEADER_BYTES + frameBytes(5) + 12);
  assert.deepEqual(intactTexts((await openJournal(disk.mount())).outcome), ["sound"]);
});

test("damage brings back no wrong record and silently loses at most the last group", async () => {
  const groups = fc.array(fc.array(fc.nat(200), { minLength: 1, maxLength: 3 }), {
    minLength: 1,
    maxLength: 6,
  });
  const hit = fc.record({ at: fc.nat(), length: fc.integer({ min: 1, max: 600 }), mask: fc.nat() });
  await fc.assert(
    fc.asyncProperty(groups, fc.nat(), hit, async (sizes, where, { at, length, mask }) => {
      const disk = new FakeDisk();
      const opened = await openJournal(disk.mount(), { segmentBytesMax: 700 });
      const texts = sizes.map((group, g) =>
        group.map((size, r) => `${g}.${r} ${"z".repeat(size)}`),
      );
      await appendGroups(journalOf(opened), texts);
      disk.kill();
      const segments = disk.paths().filter((path) => path.endsWith(".log"));
      const path = segments[where % segments.length] ?? "";
      const bytes = disk.bytesOf(path).slice();
      const start = at % bytes.length;
      for (let i = start; i < Math.min(bytes.length, start + length); i += 1) bytes[i] = mask & 255;
      disk.overwrite(path, bytes);
      const { outcome } = await openJournal(disk.mount());
      if (outcome.kind === "amnesia") return;
      const found = textsOf(outcome.records);
      const whole = texts.flat();
      assert.deepEqual(found, whole.slice(0, found.length));
      assert.ok(found.length >= texts.slice(0, -1).flat().length);
    }),
    { numRuns: 400 },
  );
});

test("recovery never throws, whatever the files hold", async () => {
  const bytes = fc.uint8Array({ maxLength: 400 });
  await fc.assert(
    fc.asyncProperty(bytes, bytes, fc.boolean(), async (segment, manifest, keepsHeader) => {
      const disk = await diskOfThreeSegments();
      const start = keepsHeader ? HEADER_BYTES : 0;
      const head = disk.bytesOf(pathOf(3)).subarray(0, start);
      disk.overwrite(pathOf(3), Uint8Array.of(...head, ...segment));
      amnesiaReason((await openJournal(disk.mount())).outcome);
      disk.overwrite(MANIFEST, manifest);
      amnesiaReason((await openJournal(disk.mount())).outcome);
    }),
    { numRuns: 100 },
  );
});

test("what comes back is what went in, byte by byte, empty records too", async () => {
  const disk = new FakeDisk();
  const all = Uint8Array.from({ length: 256 }, (_, index) => index);
  const journal = journalOf(await openJournal(disk.mount()));
  journal.append(all, 1);
  journal.append(new Uint8Array(), 2);
  await journal.close();
  disk.kill();
  const { outcome } = await openJournal(disk.mount());
  assert.deepEqual(
    outcome.records.map((bytes) => [...bytes]),
    [[...all], []],
  );
});
