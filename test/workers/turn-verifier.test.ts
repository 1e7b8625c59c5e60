import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import fc from "fast-check";
import { PortableCrypto } from "../../binding-free-src/portable-crypto.js";
import type { Verdict } from "../../src/core/crypto/check.js";
import { checkCostNs } from "../../src/workers/check-cost.js";
import { CheckRun, CheckRunner } from "../../src/workers/run-checks.js";
import { TurnVerifier } from "../../src/workers/turn-verifier.js";
import type { CheckList } from "../../src/workers/verify-job.js";
import { anyCheckList, damaged, KEYS, signedFrame } from "./check-lists.js";

const runner = new CheckRunner(new PortableCrypto(), KEYS);
const MAC_ONLY = signedFrame(new Uint8Array(40), 0, 0);
const SIGNED = signedFrame(new Uint8Array(40), 1, 1);
/** More signatures than a turn may verify. */
const ENDLESS = signedFrame(new Uint8Array(40), 1, 150);

function watched(): {
  verifier: TurnVerifier;
  finished: string[];
  submit: (name: string, list: CheckList, source?: number) => void;
} {
  const verifier = new TurnVerifier(runner);
  const finished: string[] = [];
  const submit = (name: string, { bytes, checks }: CheckList, source = 0): void => {
    verifier.submit(source, bytes, checks, ({ passed }: Verdict) => {
      finished.push(passed.includes(0) ? `${name} failed` : name);
    });
  };
  return { verifier, finished, submit };
}

/** Submits signed lists of `source` until one waits; returns how many were run at once. */
function fillTurn(source: number, { finished, submit }: ReturnType<typeof watched>): number {
  for (let count = 0; ; count += 1) {
    submit(`fill ${source}`, SIGNED, source);
    if (finished.length === count) return count;
  }
}

describe("TurnVerifier", () => {
  test("runs what a turn has room for before submit returns, the rest in later turns", async () => {
    const { verifier, finished, submit } = watched();
    const countMax = Math.floor(2_500_000 / checkCostNs(SIGNED.checks, "portable"));
    for (let index = 0; index <= 3 * countMax; index += 1) submit(String(index), SIGNED);
    assert.equal(finished.length, countMax);
    let steps = 0;
    for (let before = finished.length; finished.length <= 3 * countMax; before = finished.length) {
      await nextTurn();
      // One more was begun before, and the MAC of each was checked when it came.
      assert.ok(finished.length - before <= countMax + 2, "no turn takes more than its part");
      steps += finished.length > before ? 1 : 0;
    }
    assert.ok(steps >= 2);
    assert.deepEqual(
      finished,
      finished.map((_, index) => String(index)),
    );
    await verifier.close();
  });

  test("where nothing waits the next turn has room for as much again", async () => {
    const { verifier, finished, submit } = watched();
    const countMax = Math.floor(2_500_000 / checkCostNs(SIGNED.checks, "portable"));
    for (let turn = 1; turn <= 3; turn += 1) {
      for (let count = 0; count < countMax; count += 1) submit("signed", SIGNED);
      assert.equal(finished.length, turn * countMax);
      await nextTurn();
    }
    await verifier.close();
  });

  test("goes on with the turn's datagrams and timers before it goes on verifying", async () => {
    const all = watched();
    const atOnce = fillTurn(0, all);
    await nextTurn();
    assert.equal(all.finished.length, atOnce, "what follows from this turn comes first");
    await nextTurn();
    await nextTurn();
    assert.equal(all.finished.length, atOnce + 1);
    await all.verifier.close();
  });

  test("a MAC never waits behind signatures", async () => {
    const all = watched();
    const atOnce = fillTurn(0, all);
    all.submit("vote", MAC_ONLY);
    all.submit("forged vote", damaged(MAC_ONLY, 3));
    assert.deepEqual(all.finished.slice(atOnce), ["vote", "forged vote failed"]);
    await all.verifier.close();
  });

  test("RB1: sources take turns, so who sends little overtakes who sends much", async () => {
    const all = watched();
    const atOnce = fillTurn(0, all);
    for (let count = 0; count < 500; count += 1) all.submit("flood", SIGNED, 0);
    all.submit("modest", SIGNED, 1);
    while (!all.finished.includes("modest")) await nextTurn();
    assert.ok(all.finished.indexOf("modest") <= atOnce + 4, "after a slice of the other at most");
    await all.verifier.close();
  });

  test("RB1: whose lists are large gets no more of a turn than who sends small ones", async () => {
    const all = watched();
    fillTurn(0, all);
    all.submit("large", ENDLESS, 0);
    for (let count = 0; count < 12; count += 1) all.submit("modest", SIGNED, 1);
    while (!all.finished.includes("large")) await nextTurn();
    const before = all.finished.slice(0, all.finished.indexOf("large"));
    assert.equal(before.filter((name) => name === "modest").length, 12);
    await all.verifier.close();
  });

  test("RB1: forged lists take no room of who did not send them, and none of a turn", async () => {
    const { verifier, finished, submit } = watched();
    for (let count = 0; count < 50; count += 1) submit("forged", damaged(ENDLESS, 0), 1);
    submit("signed", SIGNED, 0);
    assert.equal(finished.at(-1), "signed");
    fillTurn(0, { verifier, finished, submit });
    for (let count = 0; count < 3_000; count += 1) submit("forged", damaged(SIGNED, 0), 1);
    assert.equal(finished.at(-1), "forged failed");
    assert.equal(verifier.canAccept(1), true);
    await verifier.close();
  });

  test("RB1: a flooding source has no room at last, and leaves some for others", async () => {
    const { verifier, submit } = watched();
    let count = 0;
    while (verifier.canAccept(0)) {
      submit("flood", SIGNED, 0);
      count += 1;
      assert.ok(count < 100_000, "what waits is bounded");
    }
    assert.equal(verifier.canAccept(1), true);
    await verifier.close();
  });

  test("a list with more signatures than a turn may verify takes several turns", async () => {
    const { verifier, finished, submit } = watched();
    submit("endless", ENDLESS);
    let turns = 0;
    for (; finished.length === 0; turns += 1) await nextTurn();
    assert.ok(turns >= 4, "two for each part, and more than one part");
    assert.deepEqual(finished, ["endless"]);
    submit("damaged", damaged(ENDLESS, 3));
    while (finished.length === 1) await nextTurn();
    assert.equal(finished[1], "damaged failed");
    await verifier.close();
  });

  test("in pieces of any size a list has the verdict that it has at once", () => {
    fc.assert(
      fc.property(anyCheckList, fc.integer({ min: 0, max: 200_000 }), (list, budgetNs) => {
        const run = new CheckRun(list.bytes, list.checks);
        while (!run.isOver) runner.advance(run, budgetNs);
        assert.deepEqual(run.verdict, runner.run(list.bytes, list.checks));
      }),
    );
  });

  test("what an answer brings to verify is verified too", async () => {
    const all = watched();
    fillTurn(0, all);
    const second = await new Promise<Verdict>((resolve) => {
      all.verifier.submit(0, SIGNED.bytes, SIGNED.checks, () => {
        all.verifier.submit(0, SIGNED.bytes, SIGNED.checks, resolve);
      });
    });
    assert.deepEqual(second, runner.run(SIGNED.bytes, SIGNED.checks));
    await all.verifier.close();
  });

  test("close waits for all that is pending, and nothing passes from then on", async () => {
    const { verifier, finished, submit } = watched();
    for (let count = 0; count < 200; count += 1) submit("early", SIGNED);
    await verifier.close();
    assert.deepEqual(finished, new Array<string>(200).fill("early"));
    submit("late", SIGNED);
    assert.equal(finished.at(-1), "late failed");
  });
});
