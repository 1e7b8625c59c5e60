import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { View } from "../../../src/core/base/ids.js";
import { primaryOf } from "../../../src/core/base/ids.js";
import type { Rejoin } from "../../../src/core/message.js";
import { newViewOf, viewChangeOf } from "./builders.js";
import { LoneReplica } from "./lone-replica.js";

/** Who asks for help, and where it has to be brought. */
const GUEST = 2;

/** In ticks. */
const TIMEOUT_MAX = 20;

/** How long a guest that asks once is taken for present, in ticks. */
const PRESENT = 50;

function rejoinOf(seq = 0, view = 0): Rejoin {
  return { kind: "rejoin", nonce: 77, seq, view };
}

/** A backup of which somebody wants help from views in which nobody gives any. */
function helper(): LoneReplica {
  return new LoneReplica({ self: 1, viewChangeTicks: 10, viewChangeTicksMax: TIMEOUT_MAX });
}

/** The view begins, its primary being whoever is next. */
function enter(lone: LoneReplica, view: View): void {
  const votes = [0, 1, 3].map((replica) => viewChangeOf(replica, view));
  for (const vote of votes) if (vote.replica !== 1) lone.receive(vote.replica, vote);
  lone.answer();
  lone.receive(primaryOf(view, 4), newViewOf(view, votes));
  lone.answer();
  assert(lone.replica.active && lone.replica.view === view, `it is in view ${view}`);
}

/** Asks once in `askTicks`; returns after how many ticks the view was left, or `ticksMax`. */
function ticksUntilLeft(
  lone: LoneReplica,
  askTicks: number,
  ticksMax: number,
  question = rejoinOf(8, 1),
): number {
  for (let tick = 0; tick < ticksMax; tick += 1) {
    if (tick % askTicks === 0) lone.receive(GUEST, question);
    lone.tick();
    if (!lone.replica.active) return tick + 1;
  }
  return ticksMax;
}

describe("the patience with a primary that does not help (PR3)", () => {
  test("lasts for four timeouts of being asked", () => {
    const lone = helper();
    assert.equal(ticksUntilLeft(lone, 10, 1_000), 4 * TIMEOUT_MAX + 1);
    assert.equal(lone.replica.viewChangeCounts.get("rejoin"), 1);
  });

  test("does not end sooner for time in which nobody asked", () => {
    const lone = helper();
    lone.receive(GUEST, rejoinOf(8, 1));
    lone.tick(1_000);
    assert.equal(lone.replica.view, 0);
    const before = PRESENT - 2;
    assert.equal(ticksUntilLeft(lone, 10, 1_000), 4 * TIMEOUT_MAX - before);
  });

  test("ends though five questions of six are lost", () => {
    const lone = helper();
    const ticks = ticksUntilLeft(lone, 60, 1_000);
    assert(
      ticks > 4 * TIMEOUT_MAX && ticks <= (4 * TIMEOUT_MAX * 60) / (PRESENT - 1) + 1,
      `${ticks}`,
    );
  });

  test("ends though questions are as far apart as the longest timeout", () => {
    const lone = new LoneReplica({ self: 1, viewChangeTicks: 10, viewChangeTicksMax: 10 });
    assert.equal(ticksUntilLeft(lone, 10, 1_000), 4 * 10 + 1);
  });

  test("is there for as many primaries again after a pause, as long as it gets nowhere", () => {
    const lone = helper();
    // A grant is good for f + 1 of them, each of which begins its view and helps nobody.
    assert.equal(ticksUntilLeft(lone, 10, 1_000), 81);
    enter(lone, 3);
    assert.equal(ticksUntilLeft(lone, 10, 1_000), 81);
    enter(lone, 4);
    // The pause after the first grant is 500 ticks, and some of it is over.
    const third = ticksUntilLeft(lone, 10, 1_000);
    assert(third > 500 - 2 * 81 && third < 500, `${third}`);
    enter(lone, 7);
    assert.equal(ticksUntilLeft(lone, 10, 1_000), 81);
    enter(lone, 8);
    // It has doubled.
    const fifth = ticksUntilLeft(lone, 10, 2_000);
    assert(fifth > 2 * third && fifth < 1_000, `${fifth}`);
  });
});

describe("an old question that somebody repeats (PR3)", () => {
  test("does not take the place of what was granted", () => {
    const lone = helper();
    for (const next of [3, 4]) {
      assert(ticksUntilLeft(lone, 10, 1_000, rejoinOf(8, 2)) < 100);
      enter(lone, next);
    }
    // The pause is over, and with it nobody's patience is left.
    lone.tick(500);
    assert.equal(lone.receive(GUEST, rejoinOf(4, 1)), null);
    assert.equal(lone.receive(GUEST, rejoinOf(8, 2)), null, "it stands");
    assert.equal(ticksUntilLeft(lone, 10, 1_000, rejoinOf(8, 2)), 81);
  });

  test("is granted nothing where its goals are reached, so that a new one need not wait", () => {
    const lone = helper();
    enter(lone, 3);
    assert.equal(lone.receive(GUEST, rejoinOf(0, 1)), null);
    assert.equal(lone.receive(GUEST, rejoinOf(8, 4)), null);
    assert.equal(lone.receive(GUEST, rejoinOf(8, 5)), "rejoin/too-often");
  });
});

describe("a view whose primary asks for help (PR4)", () => {
  test("is left at once, and not again before a pause, if somebody repeats its question", () => {
    const lone = helper();
    lone.receive(0, rejoinOf());
    lone.tick();
    assert.equal(lone.replica.active, false);
    enter(lone, 4);
    const again = (ticks: number): void => {
      for (let tick = 0; tick < ticks && lone.replica.active; tick += 1) {
        lone.receive(0, rejoinOf());
        lone.tick();
      }
    };
    again(400);
    assert(lone.replica.active, "it has a chance to show that it is back");
    again(200);
    assert.equal(lone.replica.active, false);
    enter(lone, 8);
    again(900);
    assert(lone.replica.active, "the pause has doubled");
  });
});
