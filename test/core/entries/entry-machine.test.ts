import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { BundleReader, BundleWriter } from "../../../src/core/base/bundle.js";
import { taggedOperation } from "../../../src/core/entries/entry-operation.js";
import { readResult } from "../../../src/core/entries/entry-result.js";
import type { EntryWriter } from "../../../src/core/entries/entry-service.js";
import { bytesOf, Fixture, Scripted } from "./fixture.js";

/** Lets the operation "act" do `act`. */
function acting(act: (state: EntryWriter) => unknown, service = new Scripted()): Fixture {
  service.acts.set("act", act);
  return new Fixture(service);
}

describe("a service of one's own", () => {
  test("executes operations in order, and sees what those before it did", () => {
    const fixture = new Fixture();
    assert.deepEqual(fixture.execute("set a 1", "set a 2", "delete a", "delete a"), [
      ...["ok", "ok"],
      ...["true", "false"],
    ]);
    assert.deepEqual(fixture.execute("set b 3"), ["ok"]);
    assert.deepEqual(fixture.query("a", "b"), ["-", "3"]);
  });

  test("is told who asks", () => {
    const service = new Scripted();
    const seen: unknown[] = [];
    const execute = service.execute.bind(service);
    service.execute = (...args: readonly unknown[]) => {
      seen.push(args[2]);
      return execute(args[0] as EntryWriter, args[1] as Uint8Array);
    };
    new Fixture(service).execute("set a 1");
    assert.deepEqual(seen, [{ client: 1, name: "client-1" }]);
  });

  test("changes nothing with an operation that throws, and goes on (BK1)", () => {
    const fixture = acting((state) => {
      state.set("a", bytesOf("9"));
      state.set("b", bytesOf("9"));
      state.delete("c");
      throw new Error("no");
    });
    fixture.execute("set a 1", "set c 3");
    const before = fixture.machine.root();
    assert.deepEqual(fixture.execute("act"), [null]);
    assert.deepEqual(fixture.slots(), ["a 1", "c 3"]);
    assert.deepEqual(fixture.machine.root(), before);
    assert.deepEqual(fixture.execute("act", "set a 2"), [null, "ok"]);
    assert.equal(fixture.faults.length, 2);
  });

  test("sees its own changes within an operation", () => {
    const fixture = acting((state) => {
      state.set("new", bytesOf("1"));
      state.delete("old");
      const view = [state.has("new"), state.has("old"), state.count, [...state.keys()].join()];
      state.delete("new");
      state.set("old", bytesOf("2"));
      return bytesOf([...view, [...state.keys()].join(), state.count].join(" "));
    });
    fixture.execute("set old 0", "set kept 0");
    assert.deepEqual(fixture.execute("act"), ["true false 2 kept,new old,kept 2"]);
    assert.deepEqual(fixture.slots(), ["old 2", "kept 0"]);
  });

  test("can't change what it was given or gave", () => {
    const value = bytesOf("1");
    const fixture = acting((state) => {
      state.set("a", value);
      state.get("a")?.fill(0);
      return bytesOf("ok");
    });
    fixture.execute("act");
    value.fill(0);
    assert.deepEqual(fixture.slots(), ["a 1"]);
  });

  test("sees and changes nothing once an operation is over, nor changes it in a read (RO2)", () => {
    let kept: EntryWriter | null = null;
    const fixture = acting((state) => {
      kept = state;
      return bytesOf("ok");
    });
    fixture.execute("act");
    assert.throws(() => kept?.set("late", bytesOf("1")), RangeError);
    assert.throws(() => kept?.delete("late"), RangeError);
    assert.throws(() => {
      (kept as unknown as { apply(): void }).apply();
    }, RangeError);
    assert.throws(() => kept?.get("late"), RangeError);
    assert.throws(() => kept?.has("late"), RangeError);
    assert.throws(() => kept?.count, RangeError);
    assert.throws(() => [...(kept?.keys() ?? [])], RangeError);
    fixture.service.acts.set("write", (state) => {
      state.set("a", bytesOf("1"));
      return bytesOf("ok");
    });
    assert.deepEqual(fixture.query("write"), [null]);
    assert.deepEqual(fixture.slots(), []);
  });

  test("reads also where a read is ordered, and never writes for one (RO2)", () => {
    const fixture = acting((state) => {
      state.set("a", bytesOf("9"));
      return bytesOf("ok");
    });
    fixture.execute("set a 1");
    assert.deepEqual(fixture.executeReads("a", "set a 2", "act"), ["1", "-", null]);
    assert.deepEqual(fixture.slots(), ["a 1"]);
  });

  test("is not asked to write where only reads are answered, nor for what is no operation", () => {
    const fixture = new Fixture();
    const bundle = new BundleWriter();
    const operations = [taggedOperation("write", bytesOf("set a 1")), Uint8Array.of(2, 1)];
    for (const operation of [...operations, new Uint8Array(0)]) bundle.append(operation);
    const results = new BundleWriter();
    fixture.machine.query(0, new BundleReader(bundle.finish()), results);
    const reader = new BundleReader(results.finish());
    while (reader.next())
      assert.equal(readResult(reader.bytes, reader.start, reader.end), "failed");
    assert.deepEqual(fixture.slots(), []);
  });

  test("performs 2,048 operations of a request, and leaves the rest for another", () => {
    const fixture = new Fixture(new Scripted(5_000));
    const results = fixture.execute(
      ...Array.from({ length: 2_050 }, (_, index) => `set k${index} 1`),
    );
    assert.deepEqual(results.slice(2_047), ["ok", "crowded", "crowded"]);
    assert.equal(fixture.slots().length, 2_048);
    assert.deepEqual(fixture.faults, []);
  });

  test("fails where it returns no bytes, a promise say, rejected or not", () => {
    const promises = [Promise.resolve(bytesOf("1")), Promise.reject(new Error("later"))];
    for (const result of [undefined, "text", ...promises]) {
      const fixture = acting((state) => {
        state.set("a", bytesOf("1"));
        return result;
      });
      assert.deepEqual(fixture.execute("act"), [null]);
      assert.deepEqual(fixture.slots(), []);
      assert.deepEqual(fixture.query("act"), [null]);
    }
  });

  test("may return 60,000 bytes for the operations of a request, then they have no room", () => {
    const fixture = acting((state) => {
      state.set(`k${state.count}`, bytesOf("1"));
      return new Uint8Array(29_999);
    });
    assert.deepEqual(
      fixture.execute("act", "act", "act").map((text) => text?.length ?? null),
      [29_999, 29_999, "crowded".length],
    );
    assert.equal(fixture.slots().length, 2);
    assert.deepEqual(fixture.execute("set a 1"), ["ok"], "the next request has room again");
    assert.deepEqual(fixture.faults, [], "which is nobody's fault");
  });

  test("has that room, and so many operations, in a request that is executed in parts too", () => {
    const fixture = acting(() => new Uint8Array(29_999));
    const parted = (operations: readonly string[]) => fixture.executeInParts(1, ...operations);
    const lengths = parted(["act", "act", "act"]).map((text) => text?.length ?? null);
    assert.deepEqual(lengths, [29_999, 29_999, "crowded".length]);
    const many = parted(Array.from({ length: 2_049 }, () => "delete a"));
    assert.deepEqual(many.slice(2_047), ["false", "crowded"]);
  });

  test("may return 60,000 bytes for one operation, and not one more", () => {
    for (const [length, expected] of [
      [60_000, 60_000],
      [60_001, null],
    ] as const) {
      const fixture = acting((state) => {
        state.set("a", bytesOf("1"));
        return new Uint8Array(length);
      });
      assert.equal(fixture.execute("act")[0]?.length ?? null, expected);
      assert.equal(fixture.slots().length, expected === null ? 0 : 1);
    }
  });

  test("gets and gives plain bytes, wherever they come from (BK5)", () => {
    const service = new Scripted();
    const seen: string[] = [];
    const execute = service.execute.bind(service);
    service.execute = (state, operation) => {
      seen.push(operation.constructor.name);
      const result = execute(state, operation);
      operation.fill(0);
      return Buffer.from(result);
    };
    const fixture = new Fixture(service);
    const bundle = new BundleWriter();
    bundle.append(taggedOperation("write", bytesOf("set a 1")));
    const replayed = Buffer.from(bundle.finish());
    const before = Uint8Array.from(replayed);
    for (const bytes of [replayed, bundle.finish()]) {
      fixture.machine.execute(0, new BundleReader(bytes), new BundleWriter());
    }
    assert.deepEqual(seen, ["Uint8Array", "Uint8Array"]);
    assert.deepEqual(Uint8Array.from(replayed), before, "a request is what it was");
  });

  test("can't lie about the length of what it returns or keeps", () => {
    class Liar extends Uint8Array {
      override get length(): number {
        return 1;
      }
    }
    const fixture = acting((state) => {
      state.set("a", new Liar(70_000));
      return bytesOf("ok");
    });
    fixture.service.acts.set("return", (state) => {
      state.set("b", bytesOf("1"));
      return new Liar(70_000);
    });
    assert.deepEqual(fixture.execute("act", "return"), [null, null]);
    assert.deepEqual(fixture.slots(), []);
  });

  test("takes keys of 1 to 255 bytes of plain text, and values of up to 8,192", () => {
    const good = ["a", "é".repeat(127), "x".repeat(255), " "];
    const bad = ["", "x".repeat(256), "é".repeat(128), "a\n", "\u0000", "\ud800"];
    for (const [keys, expected] of [
      [good, "ok"],
      [bad, null],
    ] as const) {
      for (const key of keys) {
        const fixture = acting((state) => {
          state.set(key, new Uint8Array(8_192));
          return bytesOf("ok");
        });
        assert.deepEqual(fixture.execute("act"), [expected], JSON.stringify(key));
      }
    }
    const large = acting((state) => {
      state.set("a", new Uint8Array(8_193));
      return bytesOf("ok");
    });
    assert.deepEqual(large.execute("act"), [null]);
  });

  test("has as many entries as it says, and room again for what was removed", () => {
    const fixture = new Fixture(new Scripted(2));
    assert.deepEqual(fixture.execute("set a 1", "set b 2", "set c 3"), ["ok", "ok", null]);
    assert.deepEqual(fixture.execute("set a 4", "delete b", "set c 3"), ["ok", "true", "ok"]);
    assert.deepEqual(fixture.slots(), ["a 4", "c 3"]);
  });

  test("puts what is new into the lowest free slot", () => {
    const fixture = new Fixture();
    fixture.execute("set a 1", "set b 2", "set c 3", "delete c", "delete a");
    assert.deepEqual(fixture.slots(), [null, "b 2", null]);
    fixture.execute("set d 4", "set e 5", "set f 6");
    assert.deepEqual(fixture.slots(), ["d 4", "b 2", "e 5", "f 6"]);
  });
});
