import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Seq } from "../../../src/core/base/ids.js";
import type { Replica } from "../../../src/core/pbft/replica.js";
import type { Batch } from "../../../src/core/message.js";
import { batchOf, checkpointOf, commit, prePrepare, requestOf } from "./builders.js";
import { Cluster } from "./cluster.js";

const [LIAR, FED, ...STARVED] = [0, 1, 2, 3] as const;
const EVERYBODY = [FED, ...STARVED];
const T = 80;

/**
 * Replica 0 leads. It lets one replica decide its batches, and the others fetch the state after
 * them, from that one: they make progress from checkpoint to checkpoint.
 */
class StarvingPrimary {
  readonly cluster = new Cluster({ viewChangeTicks: T, viewChangeTicksMax: 8 * T });
  readonly #stateDigests = new Map<Seq, Uint8Array>();
  #nextSeq = 1;

  constructor() {
    this.cluster.crash(LIAR);
    this.cluster.carries = ({ from, to, message }) => {
      if (message.kind === "checkpoint" && from === FED) {
        this.#stateDigests.set(message.seq, message.stateDigest);
      }
      if (message.kind === "state-fetch" && to === LIAR) {
        this.cluster.packets.push({ from, to: FED, message });
      }
      return to !== LIAR;
    };
  }

  replica(id: number): Replica {
    return this.cluster.node(id).lone.replica;
  }

  /** Orders `batch`, if there is room. */
  order(batch: Batch): void {
    const stableSeq = Math.min(...STARVED.map((id) => this.replica(id).stableSeq));
    if (this.#nextSeq > stableSeq + 8) return;
    for (const to of STARVED) this.cluster.inject(LIAR, to, prePrepare(0, this.#nextSeq, batch));
    this.cluster.run();
    this.cluster.inject(LIAR, FED, commit(0, this.#nextSeq, batch));
    this.cluster.inject(LIAR, FED, { kind: "batch-body", batch });
    this.cluster.run();
    this.#nextSeq += 1;
  }

  vouch(): void {
    for (const [seq, stateDigest] of this.#stateDigests) {
      for (const to of EVERYBODY) {
        this.cluster.inject(LIAR, to, checkpointOf(LIAR, seq, stateDigest));
      }
    }
    this.#stateDigests.clear();
    this.cluster.run();
  }
}

/** Ticks until the victim of an attack with null batches only is answered. */
function ticksToServe(attack: StarvingPrimary, ticksMax: number): number {
  const victim = requestOf({ session: 9 });
  const { cluster } = attack;
  for (let tick = 0; tick < ticksMax; tick += 1) {
    if (tick % 50 === 0) cluster.submit(victim, EVERYBODY);
    cluster.tick();
    for (let count = 0; count < 4; count += 1) attack.order(batchOf());
    attack.vouch();
    if (cluster.answers.some(({ session }) => session === 9)) return tick;
  }
  return ticksMax;
}

describe("a primary that lets others install state", () => {
  test("and serves nobody is voted out as if they did not (VT1)", () => {
    const attack = new StarvingPrimary();
    assert(ticksToServe(attack, 1_000) < 2 * T);
    assert(
      STARVED.every((id) => attack.replica(id).stableSeq >= 8),
      "state was installed",
    );
    assert(EVERYBODY.every((id) => attack.replica(id).view > 0));
  });

  test("is voted out even if each state takes long to read in (VT6)", () => {
    const attack = new StarvingPrimary();
    for (const id of STARVED) attack.cluster.node(id).lone.readingTicks = 1_300;
    const ticks = ticksToServe(attack, 20_000);
    assert(ticks > 1_300, "at first nobody leaves");
    assert(ticks < 8 * 8 * T + 3 * T, `${ticks} ticks`);
  });

  test("and serves just fast enough by that is replaced (VT7)", () => {
    const attack = new StarvingPrimary();
    const { cluster } = attack;
    for (let timestamp = 1; timestamp <= 14; timestamp += 1) {
      const request = requestOf({ session: 9, timestamp });
      cluster.submit(request, EVERYBODY);
      for (let tick = 0; tick < T - 20; tick += 1) {
        cluster.tick();
        if (tick === T / 2) attack.order(batchOf(request));
        if (tick >= T / 2) for (let count = 0; count < 4; count += 1) attack.order(batchOf());
        attack.vouch();
      }
    }
    assert(
      STARVED.every((id) => attack.replica(id).stableSeq >= 8),
      "state was installed",
    );
    assert(STARVED.every((id) => attack.replica(id).view > 0));
    const counts = STARVED.map((id) => attack.replica(id).viewChangeCounts);
    assert(counts.some((count) => count.has("slow-primary")));
  });
});
