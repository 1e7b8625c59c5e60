import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Seq } from "../../../src/core/base/ids.js";
import type { Replica } from "../../../src/core/pbft/replica.js";
import { batchOf, checkpointOf, commit, prePrepare, requestOf } from "./builders.js";
import { Cluster } from "./cluster.js";

const [LIAR, FED, ...STARVED] = [0, 1, 2, 3] as const;
const EVERYBODY = [FED, ...STARVED];
const T = 80;

/**
 * Replica 0 leads and orders null batches only. It lets one replica decide them and the others
 * fetch the state after them: what installs checkpoint after checkpoint makes progress, and serves
 * nobody.
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
      return to !== LIAR;
    };
  }

  replica(id: number): Replica {
    return this.cluster.node(id).lone.replica;
  }

  order(): void {
    const stableSeq = Math.min(...STARVED.map((id) => this.replica(id).stableSeq));
    if (this.#nextSeq > stableSeq + 8) return;
    const batch = batchOf();
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

describe("a primary that serves nobody and lets others install state", () => {
  test("is voted out as if they did not (VT1, VT6)", () => {
    const attack = new StarvingPrimary();
    const victim = requestOf({ session: 9 });
    for (let tick = 0; tick < 4 * T && attack.cluster.answers.length === 0; tick += 1) {
      if (tick % 50 === 0) attack.cluster.submit(victim, EVERYBODY);
      attack.cluster.tick();
      if (tick % 5 === 0) attack.order();
      attack.vouch();
    }
    assert(
      STARVED.every((id) => attack.replica(id).stableSeq >= 8),
      "state was installed",
    );
    const answers = attack.cluster.answers.filter(({ session }) => session === 9);
    assert(answers.length > 0, "the victim is answered");
    assert(EVERYBODY.every((id) => attack.replica(id).view > 0));
  });
});
