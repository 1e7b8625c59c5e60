/*
 * A checker that cannot fail proves nothing: each is shown, by hand, what it must object to, and
 * something that it must let pass.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type Batch,
  type CertificateEntry,
  type Checkpoint,
  type JournalRecord,
  type NewView,
  ReplyCode,
  type ViewChange,
} from "../../src/core/message.js";
import { Bounds } from "./checkers/bounds.js";
import { Evidence } from "./checkers/evidence.js";
import { Promises } from "./checkers/promises.js";
import { checkRecovery, recoveryBounds, RecoveryTime } from "./checkers/recovery-time.js";
import { Votes } from "./checkers/votes.js";
import { digest, invocation, mustObject, READ, read, START } from "./checker-samples.js";
import { calmOptions } from "./options.js";

/** A run of four replicas, none of them Byzantine. */
const OPTIONS = calmOptions("checkers", 4);

const BATCH: Batch = { requests: [], digest: digest(1) };
const Q_ENTRY: JournalRecord = { kind: "pre-prepared", view: 0, seq: 1, batch: BATCH };
const P_ENTRY: Extract<JournalRecord, { kind: "prepared" }> = {
  kind: "prepared",
  view: 0,
  seq: 1,
  digest: digest(1),
};
const VOTE = { view: 0, seq: 1, digest: digest(1) };

function viewChange(view: number, change: Partial<ViewChange> = {}): ViewChange {
  const checkpoints = [{ seq: 0, stateDigest: digest(0) }];
  const empty = { stableSeq: 0, checkpoints, prepared: [], prePrepared: [] };
  const bytes = Uint8Array.of(view, change.prepared?.length ?? 0);
  return { kind: "view-change", replica: 0, view, ...empty, bytes, ...change };
}

function newView(view: number, mark: number): NewView {
  const checkpoint = { seq: 0, stateDigest: digest(0) };
  const decision = { viewChanges: [], checkpoint, chosen: [] };
  return { kind: "new-view", replica: 0, view, ...decision, bytes: Uint8Array.of(view, mark) };
}

function checkpoint(seq: number, mark: number): Checkpoint {
  const bytes = Uint8Array.of(seq, mark);
  return { kind: "checkpoint", replica: 0, seq, stateDigest: digest(mark), bytes };
}

describe("what a disk holds when a message leaves (2.12)", () => {
  test("lets pass what is durable", () => {
    const promises = new Promises(OPTIONS);
    promises.onDurable(0, [Q_ENTRY, P_ENTRY]);
    promises.onSend(0, { kind: "prepare", ...VOTE });
    promises.onSend(0, { kind: "commit", ...VOTE });
    promises.onStart(0, [Q_ENTRY, P_ENTRY], 0);
  });

  test("objects to votes, checkpoints and replies about what is not", () => {
    const promises = new Promises(OPTIONS);
    mustObject("persist before send", () => {
      promises.onSend(0, { kind: "prepare", ...VOTE });
    });
    promises.onDurable(0, [Q_ENTRY]);
    mustObject("persist before send", () => {
      promises.onSend(0, { kind: "commit", ...VOTE });
    });
    mustObject("persist before send", () => {
      promises.onSend(0, viewChange(1));
    });
    mustObject("persist before send", () => {
      promises.onSend(0, checkpoint(8, 1));
    });
    mustObject("persist before send", () => {
      const about = { view: 0, session: 1, timestamp: 1, seq: 1, code: 0 as const };
      promises.onReply(0, 0, { kind: "reply", ...about, results: new Uint8Array(0) });
    });
  });

  test("objects to answers as if executed, and to tentative ones of another view (EX3)", () => {
    const promises = new Promises(OPTIONS);
    promises.onDurable(0, [Q_ENTRY, P_ENTRY]);
    const about = { kind: "reply", session: 1, timestamp: 1, seq: 1 } as const;
    const results = new Uint8Array(0);
    const { executed, tentative } = ReplyCode;
    promises.onReply(0, 0, { ...about, view: 0, code: tentative, results });
    mustObject("persist before send", () => {
      promises.onReply(0, 0, { ...about, view: 1, code: tentative, results });
    });
    mustObject("persist before send", () => {
      promises.onReply(0, 0, { ...about, view: 0, code: executed, results });
    });
    promises.onInstalled(0, 1);
    promises.onReply(0, 0, { ...about, view: 0, code: executed, results });
  });

  test("knows when a client may have been told before anybody executed (EX3)", () => {
    const protocol = { ...OPTIONS.protocol, tentativeReplies: true };
    const promises = new Promises({ ...OPTIONS, protocol });
    const later: JournalRecord = { ...P_ENTRY, view: 1 };
    for (const [replica, record] of [
      [0, P_ENTRY],
      [1, P_ENTRY],
      [2, later],
      [3, later],
    ] as const) {
      promises.onDurable(replica, [record]);
    }
    assert.equal(promises.mayBeToldOf(1), false, "two in each of two views are no quorum");
    promises.onForgotten(2);
    promises.onDurable(1, [later]);
    assert.equal(promises.mayBeToldOf(1), true, "what was forgotten may have been told");
    assert.equal(promises.mayBeToldOf(2), false);
  });

  test("objects to a record or a stored batch that a restart does not find", () => {
    const promises = new Promises(OPTIONS);
    promises.onDurable(0, [Q_ENTRY]);
    mustObject("recovery", () => {
      promises.onStart(0, [], 0);
    });
    promises.onStored(1, 3);
    mustObject("recovery", () => {
      promises.onStart(1, [], 2);
    });
  });

  test("objects to forgetting what is not stable or not stored", () => {
    mustObject("persist before send", () => {
      new Promises(OPTIONS).onDiscard(0, 1);
    });
  });
});

describe("what one replica says over all its lives", () => {
  test("may be said again", () => {
    const votes = new Votes(OPTIONS);
    votes.onSend(0, { kind: "prepare", ...VOTE });
    votes.onSend(0, { kind: "commit", ...VOTE });
    votes.onSend(0, viewChange(1));
    votes.onSend(0, viewChange(1));
  });

  test("is for one digest in each view (I5), and never for a view that it left (I6)", () => {
    const votes = new Votes(OPTIONS);
    votes.onSend(0, { kind: "prepare", ...VOTE });
    mustObject("I5 one vote", () => {
      votes.onSend(0, { kind: "commit", ...VOTE, digest: digest(2) });
    });
    for (const replica of [0, 1, 2]) votes.onSend(replica, { ...viewChange(1), replica });
    votes.onSend(0, viewChange(2));
    mustObject("I6 monotone", () => {
      votes.onSend(0, { kind: "commit", ...VOTE, view: 1 });
    });
    mustObject("I6 monotone", () => {
      votes.onSend(0, viewChange(1));
    });
  });

  test("leads nobody through the views alone (VT2)", () => {
    const votes = new Votes(OPTIONS);
    votes.onSend(0, viewChange(1));
    mustObject("VT2 view synchronisation", () => {
      votes.onSend(0, viewChange(2));
    });
  });

  test("agrees with every other correct replica about a checkpoint (I10)", () => {
    const votes = new Votes(OPTIONS);
    votes.onSend(0, checkpoint(8, 1));
    mustObject("I10 checkpoint", () => {
      votes.onSend(1, { ...checkpoint(8, 2), replica: 1 });
    });
  });
});

describe("what a third party could hold against a replica (I12)", () => {
  const prepared: CertificateEntry[] = [{ seq: 3, digest: digest(3), view: 1 }];

  test("is not what it signs again, nor what others signed", () => {
    const evidence = new Evidence();
    evidence.onSend(0, viewChange(2, { prepared }));
    evidence.onSend(0, viewChange(2, { prepared }));
    evidence.onSend(0, viewChange(3, { prepared }));
    evidence.onSend(0, { ...checkpoint(8, 1), replica: 1 });
    evidence.onSend(0, { ...checkpoint(8, 2), replica: 1 });
    evidence.onSend(0, viewChange(4, { stableSeq: 4 }));
  });

  test("is two votes, two announcements or two digests of one checkpoint", () => {
    const evidence = new Evidence();
    evidence.onSend(0, viewChange(2));
    mustObject("I12 evidence", () => {
      evidence.onSend(0, viewChange(2, { prepared }));
    });
    evidence.onSend(0, newView(4, 1));
    mustObject("I12 evidence", () => {
      evidence.onSend(0, newView(4, 2));
    });
    mustObject("I12 evidence", () => {
      evidence.onSend(0, checkpoint(0, 1));
    });
  });

  test("is a vote that takes back an earlier one, or an announcement of a view left", () => {
    const evidence = new Evidence();
    evidence.onSend(0, viewChange(2, { prepared, stableSeq: 2 }));
    mustObject("I12 evidence", () => {
      evidence.onSend(0, viewChange(3));
    });
    mustObject("I12 evidence", () => {
      evidence.onSend(0, viewChange(3, { stableSeq: 2 }));
    });
    mustObject("I12 evidence", () => {
      evidence.onSend(0, newView(1, 1));
    });
  });
});

const outset = (absent: number, waiting: number) => ({ absent, waiting, reading: 0 });

describe("what recovery takes (I16)", () => {
  // T is 0.8 s and its cap a multiple of it, by calmOptions.
  const timeout = OPTIONS.protocol.viewChangeTicksMax * OPTIONS.tick;

  test("may be a second and, for each primary that is away and the next one, 2 T", () => {
    const { served, converged, caughtUp } = recoveryBounds(OPTIONS, outset(1, 0));
    assert(served > 4 * timeout + 1_000_000);
    assert(
      recoveryBounds(OPTIONS, outset(1, 10)).served > served,
      "what waits is ordered one by one",
    );
    assert.equal(
      recoveryBounds(OPTIONS, outset(2, 0)).converged > converged + 2 * timeout - 1,
      true,
    );
    for (const [step, bound] of Object.entries({ served, converged, caughtUp })) {
      checkRecovery(step as "served", bound, bound);
      mustObject("I16 recovery time", () => {
        checkRecovery(step as "served", bound + 1, bound);
      });
    }
  });

  test("is looked at for every operation where liars are all that is wrong", () => {
    let now = 0;
    const late = 2 * recoveryBounds(OPTIONS, outset(0, 0)).served;
    const fair = new RecoveryTime(OPTIONS, () => now);
    const foul = { ...OPTIONS, network: { ...OPTIONS.network, lossShare: 0.1 } };
    const lossy = new RecoveryTime(foul, () => now);
    for (const checker of [fair, lossy]) {
      checker.onInvoke(invocation(0, READ));
      checker.onInvoke(invocation(1, READ));
    }
    now = 1_000_000;
    fair.onComplete(read(0, START));
    now = late;
    lossy.onComplete(read(1, START));
    mustObject("I16 recovery time", () => {
      fair.onComplete(read(1, START));
    });
  });
});

describe("what a replica keeps (I11) and where it is (I6)", () => {
  const held = {
    ...{ bodiesOfSlot: 1, prePreparedOfSlot: 1, checkpointVotesOfReplica: 1 },
    ...{ ownCheckpoints: 1, pendingOfClient: 1, readBytes: 0, sessionsOfClient: 1 },
  };
  const modest = { active: true, slotCount: 1, pendingCount: 1, view: 3, stableSeq: 8, held };

  test("is bounded, and only grows", () => {
    const bounds = new Bounds(OPTIONS);
    bounds.onStep(0, modest);
    mustObject("I11 bounded memory", () => {
      bounds.onStep(0, { ...modest, slotCount: OPTIONS.protocol.windowSlots + 1 });
    });
    mustObject("I11 bounded memory", () => {
      bounds.onStep(0, { ...modest, pendingCount: 1_000_000 });
    });
    for (const kind of Object.keys(held)) {
      mustObject("I11 bounded memory", () => {
        const core = { ...modest, held: { ...held, [kind]: 2_000_000 } };
        for (let step = 0; step < 100; step += 1) bounds.onStep(0, core);
      });
    }
    const kept = {
      ...{ effects: 1, placesOfClient: 1, fragmentTicks: 1 },
      ...{ fragmentBytesOfReplica: 1, fragmentBytesOfClient: 1 },
    };
    for (let turn = 0; turn < 100; turn += 1) bounds.onTurn(0, { kept });
    for (const kind of Object.keys(kept)) {
      mustObject("I11 bounded memory", () => {
        const host = { kept: { ...kept, [kind]: 1_000_000_000 } };
        for (let turn = 0; turn < 100; turn += 1) bounds.onTurn(0, host);
      });
    }
    const core = { ...modest };
    bounds.onStep(1, core);
    core.view = 2;
    mustObject("I6 monotone", () => {
      bounds.onStep(1, core);
    });
  });
});
