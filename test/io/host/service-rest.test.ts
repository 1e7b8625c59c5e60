import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ServiceRest } from "../../../src/io/service-rest.js";

/** A ledger that takes so many turns to hash. */
class Pages {
  left = 0;

  rehashSome(): boolean {
    this.left = Math.max(0, this.left - 1);
    return this.left === 0;
  }
}

describe("the rest of a ledger", () => {
  test("what one turn can hash is acted on at once", () => {
    const calls: string[] = [];
    const rest = new ServiceRest(new Pages());
    rest.whenHashed(() => calls.push("pinned"));
    rest.whenOver(() => calls.push("executed"));
    assert.deepEqual(calls, ["pinned", "executed"]);
  });

  test("nothing is executed while the root is computed over several turns", async () => {
    const pages = new Pages();
    const rest = new ServiceRest(pages);
    const calls: string[] = [];
    pages.left = 3;
    const taken = rest.hashed(() => {
      calls.push("group taken");
      return 7;
    });
    rest.whenOver(() => {
      calls.push("executed");
      pages.left = 5;
    });
    assert.deepEqual(calls, []);
    assert.equal(await taken, 7);
    assert.deepEqual(calls, ["group taken", "executed"]);
  });

  test("a checkpoint's batch waits its turn, and the next batch waits for it", async () => {
    const pages = new Pages();
    const rest = new ServiceRest(pages);
    const calls: string[] = [];
    pages.left = 2;
    const taken = rest.hashed(() => calls.push("group taken"));
    rest.whenHashed(() => {
      calls.push("checkpoint");
      rest.whenOver(() => calls.push("executed"));
    });
    const again = rest.hashed(() => calls.push("group taken again"));
    await Promise.all([taken, again]);
    assert.deepEqual(calls, ["group taken", "checkpoint", "group taken again", "executed"]);
  });
});
