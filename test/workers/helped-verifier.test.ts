import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import fc from "fast-check";
import { PortableCrypto } from "../../binding-free-src/portable-crypto.js";
import type { Verdict } from "../../src/core/crypto/check.js";
import { CheckRunner } from "../../src/workers/run-checks.js";
import { TurnVerifier } from "../../src/workers/turn-verifier.js";
import type { CheckList } from "../../src/workers/verify-job.js";
import { anyCheckList, damaged, KEYS, signedFrame } from "./check-lists.js";
import { HeldHelper } from "./held-helper.js";

const MAC_ONLY = signedFrame(new Uint8Array(40), 0, 0);
const SIGNED = signedFrame(new Uint8Array(40), 1, 1);
const LARGE = signedFrame(new Uint8Array(40), 1, 3);

const portable = new PortableCrypto();

/** Mostly what a helper may help with, with good and bad signatures, and now and then anything. */
const anySigned: fc.Arbitrary<CheckList> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(SIGNED, wronglySigned(), damaged(SIGNED, 3)) },
  { weight: 1, arbitrary: anyCheckList },
);

/** Its MAC is right and its signature somebody else's. */
function wronglySigned(): CheckList {
  const { bytes, checks } = signedFrame(new Uint8Array(40), 1, 1);
  return {
    bytes,
    checks: checks.map((check) => (check.kind === "signature" ? { ...check, key: 2 } : check)),
  };
}

interface Step {
  readonly list: CheckList;
  readonly source: number;
}

/** Whether a step is of `source`, and nothing that is refused, or done, before others of it. */
function isOrdered(step: Step | undefined, source: number): boolean {
  return step?.source === source && step.list === SIGNED;
}

/** Counts what is verified on this thread. */
class CountingCrypto extends PortableCrypto {
  count = 0;

  override verify(...words: Parameters<PortableCrypto["verify"]>): boolean {
    this.count += 1;
    return super.verify(...words);
  }
}

function watched(isReady = true): {
  verifier: TurnVerifier;
  helper: HeldHelper;
  crypto: CountingCrypto;
  finished: string[];
  submit: (name: string, list: CheckList, source?: number) => void;
} {
  const helper = new HeldHelper(KEYS.publicKeys);
  if (isReady) helper.appear();
  const crypto = new CountingCrypto();
  const verifier = new TurnVerifier(new CheckRunner(crypto, KEYS), helper);
  const finished: string[] = [];
  const submit = (name: string, { bytes, checks }: CheckList, source = 0): void => {
    verifier.submit(source, bytes, checks, ({ passed }: Verdict) => {
      finished.push(passed.includes(0) ? `${name} failed` : name);
    });
  };
  return { verifier, helper, crypto, finished, submit };
}

/** Lets microtasks run, and nothing else. */
async function endOfDatagram(): Promise<void> {
  await Promise.resolve();
}

async function turnEnds(): Promise<void> {
  await nextTurn();
  await nextTurn();
  await nextTurn();
}

describe("TurnVerifier with a helper", () => {
  test("a lone signature is verified at once, and nobody is asked", async () => {
    const { verifier, helper, finished, submit } = watched();
    for (let count = 0; count < 20; count += 1) {
      submit("lone", SIGNED);
      assert.equal(finished.length, count + 1);
      await turnEnds();
    }
    assert.equal(helper.starts, 0);
    await verifier.close();
    assert.ok(helper.isClosed);
  });

  test("many signatures of a turn start the helper, and until it is there none waits", async () => {
    const { verifier, helper, finished, submit } = watched(false);
    for (let count = 1; count <= 20; count += 1) {
      submit("signed", SIGNED, count);
      assert.equal(finished.length, count);
      assert.equal(helper.starts > 0, count >= 16);
    }
    await verifier.close();
  });

  test("RB1: forged signatures start no helper", async () => {
    const { verifier, helper, finished, submit } = watched(false);
    for (let count = 1; count <= 40; count += 1) submit("forged", damaged(SIGNED, 3), count);
    for (let count = 1; count <= 15; count += 1) submit("signed", SIGNED, count);
    assert.equal(finished.length, 55);
    assert.equal(helper.starts, 0);
    await verifier.close();
  });

  test("what the helper has done by the end of the datagram is not done again", async () => {
    const { verifier, helper, crypto, finished, submit } = watched();
    for (let source = 0; source < 40; source += 1) submit(`signed ${source}`, SIGNED, source);
    assert.equal(finished.length, 2, "the first ones do not wait");
    helper.workOff();
    await endOfDatagram();
    assert.deepEqual(
      finished,
      Array.from({ length: 40 }, (_, source) => `signed ${source}`),
    );
    assert.equal(crypto.count, 2);
    assert.equal(helper.count, 38);
    await verifier.close();
  });

  test("what the helper has not begun by then is done here, in the same turn", async () => {
    const { verifier, helper, crypto, finished, submit } = watched();
    for (let source = 0; source < 30; source += 1) submit("signed", SIGNED, source);
    await endOfDatagram();
    assert.equal(finished.length, 30);
    assert.equal(crypto.count, 30);
    helper.workOff();
    assert.equal(helper.count, 0);
    await verifier.close();
  });

  test("signatures in datagrams of their own wake nobody, for nothing would be left", async () => {
    const { verifier, helper, finished, submit } = watched();
    for (let source = 0; source < 30; source += 1) {
      submit("signed", SIGNED, source);
      await endOfDatagram();
      assert.equal(finished.length, source + 1);
    }
    assert.equal(helper.wakeUps, 0);
    await turnEnds();
    for (let source = 0; source < 18; source += 1) submit("signed", SIGNED, source);
    assert.equal(helper.wakeUps, 2, "once for 8, after two that are verified at once");
    await verifier.close();
  });

  test("what waits for a later turn wakes the helper, whatever datagram it came in", async () => {
    const { verifier, helper, finished, submit } = watched();
    for (let source = 0; source < 100; source += 1) {
      submit("signed", SIGNED, source);
      await endOfDatagram();
    }
    assert.ok(finished.length < 60, "a turn's own part");
    assert.ok(helper.wakeUps >= 5);
    await verifier.close();
  });

  test("a turn goes on with what is done although it verifies no more itself", async () => {
    const { verifier, helper, finished, submit } = watched();
    for (let source = 0; source < 100; source += 1) submit("signed", SIGNED, source);
    await endOfDatagram();
    const before = finished.length;
    assert.ok(before < 60, "a turn's own part");
    helper.workOff();
    await turnEnds();
    assert.equal(finished.length, 100);
    await verifier.close();
  });

  test("a MAC never waits, and who has more to verify than a signature is not helped", async () => {
    const { verifier, helper, finished, submit } = watched();
    for (let source = 0; source < 5; source += 1) submit("signed", SIGNED, source);
    submit("vote", MAC_ONLY, 6);
    submit("large", LARGE, 7);
    assert.deepEqual(finished, ["signed", "signed", "vote"]);
    helper.workOff();
    assert.equal(helper.count, 3);
    await endOfDatagram();
    assert.deepEqual(finished.slice(3), ["signed", "signed", "signed", "large"]);
    await verifier.close();
  });

  test("RB1: what is forged is refused at once, not posted, and takes nobody's room", async () => {
    const { verifier, helper, finished, submit } = watched();
    for (let source = 0; source < 5; source += 1) submit("signed", SIGNED, source);
    for (let count = 0; count < 3_000; count += 1) submit("forged", damaged(SIGNED, 0), 1);
    assert.equal(finished.length, 3_002);
    assert.equal(verifier.canAccept(1), true);
    helper.workOff();
    assert.equal(helper.count, 3);
    await endOfDatagram();
    assert.equal(finished.length, 3_005);
    await verifier.close();
  });

  test("RB1: a flooding source has no room at last, who sends little overtakes it", async () => {
    const { verifier, helper, finished, submit } = watched();
    let count = 0;
    for (; verifier.canAccept(0); count += 1) {
      submit("flood", SIGNED, 0);
      assert.ok(count < 100_000, "what waits is bounded");
    }
    assert.equal(verifier.canAccept(1), true);
    submit("modest", SIGNED, 1);
    for (let turns = 0; !finished.includes("modest"); turns += 1) {
      helper.workOff();
      await nextTurn();
    }
    assert.ok(finished.indexOf("modest") < 2 + 60, "a slice of the other comes before it");
    while (finished.length <= count) await nextTurn();
    await verifier.close();
  });

  test("whatever the helper does and when, verdicts and sources' order are the same", async () => {
    const step = fc.record({ list: anySigned, source: fc.nat(3), works: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const runner = new CheckRunner(portable, KEYS);
        const { verifier, helper } = watched();
        const order: number[] = [];
        for (const [index, { list, source, works }] of steps.entries()) {
          verifier.submit(source, list.bytes, list.checks, (verdict) => {
            assert.deepEqual(verdict, runner.run(list.bytes, list.checks));
            order.push(index);
          });
          if (works) helper.workOff();
          if (index % 13 === 12) await endOfDatagram();
        }
        await verifier.close();
        assert.equal(order.length, steps.length);
        for (let source = 0; source <= 3; source += 1) {
          const waited = order.filter((index) => isOrdered(steps[index], source));
          assert.deepEqual(
            waited,
            waited.toSorted((one, other) => one - other),
          );
        }
      }),
    );
  });

  test("when the helper dies in the middle everything is verified here", async () => {
    const { verifier, helper, crypto, finished, submit } = watched();
    for (let source = 0; source < 80; source += 1) submit("signed", SIGNED, source);
    await endOfDatagram();
    helper.board = null;
    for (let source = 0; source < 20; source += 1) submit("signed", SIGNED, source);
    while (finished.length < 100) await nextTurn();
    assert.deepEqual(finished, new Array<string>(100).fill("signed"));
    assert.equal(crypto.count, 100);
    await verifier.close();
  });

  test("close answers what waits for its datagram's end, and stops the helper", async () => {
    const { verifier, helper, finished, submit } = watched();
    for (let source = 0; source < 30; source += 1) submit("early", SIGNED, source);
    await verifier.close();
    assert.deepEqual(finished, new Array<string>(30).fill("early"));
    assert.ok(helper.isClosed);
    submit("late", SIGNED);
    assert.equal(finished.at(-1), "late failed");
  });

  test("says that it has a helper, and how that is", () => {
    const { verifier } = watched();
    assert.equal(verifier.description, "portable on the main thread and a test that helps it");
  });
});
