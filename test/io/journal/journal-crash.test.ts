import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import fc from "fast-check";
import { Journal } from "../../../src/io/journal.js";
import type { JournalOptions } from "../../../src/io/journal.js";
import { FakeDisk, Halted } from "./fake-disk.js";
import type { Choose } from "./fake-disk.js";
import { appendGroups, bytesOf, DIRECTORY, HASHER, IDENTITY } from "./fixture.js";
import { intactTexts, openJournal, quickPace, settle } from "./fixture.js";

type Step =
  | { readonly kind: "append"; readonly seqStep: number; readonly size: number }
  | { readonly kind: "discard"; readonly behind: number }
  | { readonly kind: "turn" | "flush" | "trust" | "pause" | "resume" };

interface Life {
  readonly steps: readonly Step[];
  readonly haltAfter: number;
  readonly closes: boolean;
  readonly endsBy: "kill" | "power cut";
  readonly seed: number;
  /** Who writes small groups: always the thread, the main thread, or either. */
  readonly writer: "thread" | "main" | "either";
}

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("append" as const),
      seqStep: fc.nat(2),
      size: fc.oneof(fc.nat(80), fc.nat(1_500)),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("discard" as const), behind: fc.nat(4) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("turn" as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("flush" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("trust", "pause", "resume") }) },
);

const life: fc.Arbitrary<Life> = fc.record({
  steps: fc.array(step, { maxLength: 40 }),
  haltAfter: fc.oneof(fc.nat(25), fc.nat(150)),
  closes: fc.boolean(),
  endsBy: fc.constantFrom("kill", "power cut"),
  seed: fc.nat(),
  writer: fc.constantFrom("thread", "main", "either"),
});

const LAST_LIFE: Life = {
  steps: [],
  haltAfter: Infinity,
  closes: true,
  endsBy: "kill",
  seed: 0,
  writer: "thread",
};

/**
 * A power cut while leftovers are removed on the word of a manifest that is not on the disk yet.
 */
const REMOVED_TOO_EARLY: Life[] = [
  {
    steps: [{ kind: "append", seqStep: 0, size: 0 }, { kind: "turn" }],
    haltAfter: 17,
    closes: false,
    endsBy: "kill",
    seed: 0,
    writer: "thread",
  },
  {
    steps: [{ kind: "append", seqStep: 0, size: 0 }],
    haltAfter: 23,
    closes: true,
    endsBy: "kill",
    seed: 0,
    writer: "thread",
  },
  { ...LAST_LIFE, haltAfter: 4, closes: false, endsBy: "power cut", seed: 329_055_284 },
];

/** What a replica does with a journal, and what it must find again. */
class Owner {
  /** All that was appended and not lost in a crash before it was reported, in order. */
  history: { readonly id: number; readonly seq: number }[] = [];
  /** How many of them were reported. */
  reported = 0;
  discarded = 0;
  #nextId = 1;
  #seq = 0;
  #base = 0;
  #life = 0;

  /** Listens for one life: what a process learns in the moment it ends, it cannot act on. */
  listen(): (id: number) => void {
    const life = (this.#life += 1);
    return (id) => {
      if (life !== this.#life) return;
      assert.ok(this.#base + id > this.reported, "reports ascend");
      assert.ok(this.#base + id <= this.history.length, "only what was appended is reported");
      this.reported = this.#base + id;
    };
  }

  /** The process is gone. */
  end(): void {
    this.#life += 1;
  }

  /** Ids without a sequence number are what only the carried state keeps. */
  readonly carryOver = (): readonly Uint8Array[] => {
    const ids = this.history.filter(({ seq }) => seq === 0).map(({ id }) => id);
    return [bytesOf(`carried ${ids.join(" ")}`)];
  };

  append(journal: Journal, seqStep: number, size: number): void {
    this.#seq += seqStep;
    const seq = seqStep === 0 ? 0 : this.#seq;
    const id = this.#nextId;
    this.#nextId += 1;
    this.history.push({ id, seq });
    journal.append(bytesOf(`${id} ${"x".repeat(size)}`), seq);
  }

  discard(journal: Journal, behind: number): void {
    this.discarded = Math.max(this.discarded, this.#seq - behind);
    journal.discard(this.discarded);
  }

  /** Compares what was recovered with what must be there, and goes on from it. */
  restart(texts: readonly string[]): void {
    const carried = texts[0]?.startsWith("carried") === true ? texts[0].split(" ").slice(1) : [];
    const plain = (carried.length > 0 || texts[0] === "carried " ? texts.slice(1) : texts).map(
      (text) => Number(text.split(" ")[0]),
    );
    const found = new Set([...carried.filter(Boolean).map(Number), ...plain]);
    assert.deepEqual(
      plain,
      [...new Set(plain)].sort((a, b) => a - b),
      "records come back in order, once",
    );
    const newest = Math.max(0, ...found);
    for (const [index, { id, seq }] of this.history.entries()) {
      if (seq !== 0 && seq <= this.discarded) continue;
      if (index < this.reported) assert.ok(found.has(id), `reported record ${id} is there`);
      if (id <= newest) assert.ok(found.has(id), `record ${id} is there, as later ones are`);
    }
    const known = new Set(this.history.map(({ id }) => id));
    for (const id of found) assert.ok(known.has(id), `record ${id} was appended`);
    this.history = this.history.filter(({ id }, index) => index < this.reported || id <= newest);
    this.reported = this.history.length;
    this.#base = this.history.length;
  }
}

function chooser(seed: number): Choose {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  return (bound) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) >>> 0;
    return Math.floor(((state ^ (state >>> 13)) >>> 0) / (0x1_0000_0000 / bound));
  };
}

/** Whether the main thread writes, as `writer` says and, for either, by choice. */
function paceOf({ writer, seed }: Life): NonNullable<JournalOptions["pace"]> {
  const choose = chooser(seed);
  const allows = (): boolean => writer === "main" || (writer === "either" && choose(2) === 0);
  return { allows, start: () => 0, waited: () => undefined, wrote: () => undefined };
}

function optionsFor(disk: FakeDisk, owner: Owner, life: Life): JournalOptions {
  return {
    directory: DIRECTORY,
    identity: IDENTITY,
    durability: "fsync",
    files: disk.mount(),
    hasher: HASHER,
    onDurable: owner.listen(),
    onFatal: (error) => {
      if (!(error.cause instanceof Halted)) assert.fail(error);
    },
    carryOver: owner.carryOver,
    segmentBytesMax: 3_000,
    pace: paceOf(life),
  };
}

async function run(journal: Journal, disk: FakeDisk, owner: Owner, steps: readonly Step[]) {
  for (const step of steps) {
    if (step.kind === "append") owner.append(journal, step.seqStep, step.size);
    else if (step.kind === "discard") owner.discard(journal, step.behind);
    else if (step.kind === "flush") journal.flush();
    else if (step.kind === "trust") void journal.trust();
    else if (step.kind === "pause") disk.pause();
    else if (step.kind === "resume") disk.resume();
    else await nextTurn();
  }
}

/** One life of a process, from start to its end, which may come at any call to the disk. */
async function live(
  disk: FakeDisk,
  owner: Owner,
  life: Life,
  changes: Partial<JournalOptions> = {},
): Promise<"closed" | "halted"> {
  const { steps, haltAfter, closes } = life;
  disk.haltAfter(haltAfter);
  const options = { ...optionsFor(disk, owner, life), ...changes };
  const opened = await Promise.race([Journal.open(options), disk.halted]);
  if (opened === undefined) return "halted";
  owner.restart(intactTexts(opened.outcome));
  assert.ok(opened.journal !== null);
  await run(opened.journal, disk, owner, steps);
  if (!closes) return "halted";
  disk.resume();
  const closed = opened.journal.close().then(() => "closed" as const);
  return Promise.race([disk.halted.then(() => "halted" as const), closed]);
}

test("PS, RS1: kills, power cuts and torn writes never lose a reported record", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 5 }), async (lives) => {
      const disk = new FakeDisk();
      const owner = new Owner();
      for (const each of lives) {
        const end = await live(disk, owner, each);
        if (end === "closed") assert.equal(owner.reported, owner.history.length);
        owner.end();
        if (each.endsBy === "kill") disk.kill();
        else disk.cutPower(chooser(each.seed));
      }
      await live(disk, owner, LAST_LIFE);
    }),
    { numRuns: 300, examples: [[REMOVED_TOO_EARLY]] },
  );
});

test("PS: with durability async every reported record outlives the process", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 4 }), async (lives) => {
      const disk = new FakeDisk();
      const owner = new Owner();
      for (const each of lives) {
        await live(disk, owner, each, { durability: "async" });
        owner.end();
        disk.kill();
      }
      await live(disk, owner, LAST_LIFE);
    }),
    { numRuns: 100 },
  );
});

test("RS1: what a failed sync left in memory only is written anew before it counts", async () => {
  for (const [namesSurvive, failing] of [
    [true, "write"],
    [false, "write"],
    [true, "writeNow"],
    [false, "writeNow"],
  ] as const) {
    const disk = new FakeDisk();
    const pace = failing === "writeNow" ? { pace: quickPace() } : {};
    const { journal, fatal } = await openJournal(disk.mount(), pace);
    assert.ok(journal !== null);
    await appendGroups(journal, [["synced"]]);
    disk.failure = (call) => (call === failing ? new Error("EIO: i/o error, write") : null);
    await appendGroups(journal, [["unsynced"]]);
    assert.equal(fatal.length, 1);
    disk.failure = () => null;
    disk.kill();
    const again = await openJournal(disk.mount());
    assert.deepEqual(intactTexts(again.outcome), ["synced", "unsynced"]);
    // Of what was not synced, all bytes are lost; names are kept or lost.
    disk.cutPower((bound) => (bound === 2 && !namesSurvive ? 1 : 0));
    const last = await openJournal(disk.mount());
    assert.deepEqual(intactTexts(last.outcome), ["synced", "unsynced"]);
  }
});

for (const writer of ["thread", "main"] as const) {
  test(`the crash test can fail: a disk forgets what the ${writer} thread synced`, async () => {
    const disk = new FakeDisk();
    const owner = new Owner();
    const steps: Step[] = [
      { kind: "append", seqStep: 0, size: 10 },
      { kind: "turn" },
      { kind: "turn" },
      { kind: "append", seqStep: 0, size: 10 },
    ];
    await live(disk, owner, { ...LAST_LIFE, steps, closes: false, writer });
    await settle();
    assert.equal(owner.reported, 2);
    assert.equal(disk.calls.includes("writeNow"), writer === "main");
    const segment = disk.paths().find((path) => path.endsWith(".log")) ?? "";
    disk.overwrite(segment, disk.bytesOf(segment).subarray(0, 184));
    await assert.rejects(live(disk, owner, LAST_LIFE), /reported record 2 is there/);
  });
}
