import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ServiceRest } from "../../../src/io/service-rest.js";
import { steps, Turns } from "./turns.js";

/** A ledger that takes so many steps to hash. */
class Pages {
  left = 0;

  rehashSome(): boolean {
    this.left = Math.max(0, this.left - 1);
    return this.left === 0;
  }
}

class Fixture {
  readonly calls: string[] = [];
  readonly pages = new Pages();
  readonly turns = new Turns();
  readonly rest = new ServiceRest(this.pages, this.turns.budget);

  call(name: string): () => number {
    return () => this.calls.push(name);
  }

  /** A change of so many steps, each of which takes a turn. */
  change(name: string, count: number): void {
    this.rest.change(steps(count, (step) => this.calls.push(`${name} ${step}`)));
  }
}

describe("the rest of a ledger", () => {
  test("what has its place in this turn is done at once", () => {
    const { rest, turns, calls } = new Fixture();
    turns.stepMs = 0;
    rest.change(steps(2, (step) => calls.push(`batch ${step}`)));
    rest.whenOver(() => calls.push("installed"));
    assert.deepEqual(calls, ["batch 1", "batch 2", "installed"]);
  });

  test("nothing is executed while the root is computed over several turns", async () => {
    const { rest, pages, calls, turns } = new Fixture();
    pages.left = 3;
    const taken = rest.hashed(() => {
      calls.push("group taken");
      return 7;
    });
    rest.whenOver(() => calls.push("executed"));
    await turns.pass(1);
    assert.deepEqual(calls, []);
    await turns.pass(1);
    assert.equal(await taken, 7);
    assert.deepEqual(calls, ["group taken", "executed"]);
  });

  test("nothing is copied, executed or installed while a batch is half executed", async () => {
    const fixture = new Fixture();
    const { rest, calls, turns } = fixture;
    fixture.change("batch", 3);
    const taken = rest.hashed(fixture.call("group taken"));
    rest.whenOver(fixture.call("installed"));
    fixture.change("next", 1);
    assert.deepEqual(calls, ["batch 1"]);
    await turns.pass(1);
    assert.deepEqual(calls, ["batch 1", "batch 2"]);
    await turns.pass(2);
    await taken;
    const begun = ["batch 1", "batch 2", "batch 3", "group taken", "installed"];
    assert.deepEqual(calls.slice(0, 5), begun);
    await turns.pass(2);
    assert.deepEqual(calls, [...begun, "next 1"]);
  });
});
