/*
 * A checker that cannot fail proves nothing: each is shown, by hand, what it must object to, and
 * something that it must let pass.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { bundleOf } from "../../src/core/base/bundle.js";
import { encodeOperation, type LedgerOperation } from "../../src/core/ledger/operation.js";
import type {
  Batch,
  CertificateEntry,
  Checkpoint,
  JournalRecord,
  NewView,
  Request,
  ViewChange,
} from "../../src/core/message.js";
import { Auditor } from "./checkers/auditor.js";
import { Bounds } from "./checkers/bounds.js";
import { Evidence } from "./checkers/evidence.js";
import { History } from "./checkers/history.js";
import { Linearizability } from "./checkers/linearizability.js";
import { Promises } from "./checkers/promises.js";
import { checkRecovery, recoveryBounds, RecoveryTime } from "./checkers/recovery-time.js";
import { RegisterSearch } from "./checkers/register-search.js";
import { Votes } from "./checkers/votes.js";
import { Violation } from "./failure.js";
import { calmOptions } from "./options.js";
import type { Completion, ExecutedBatch, Invocation } from "./watch.js";

/** What account "A" holds at the start. */
const START = 1_000n;

/** A run of four replicas, none of them Byzantine. */
const OPTIONS = calmOptions("checkers", 4);

/** `act` must be objected to, with this breach. */
function mustObject(breach: Violation["breach"], act: () => void): void {
  assert.throws(act, (error) => error instanceof Violation && error.breach === breach);
}

function digest(number: number): Uint8Array {
  return new Uint8Array(32).fill(number);
}

/** A result with one balance, or with a code and none. */
function result(balance: bigint, code = 0): Uint8Array {
  const bytes = new Uint8Array(code === 0 ? 9 : 1);
  bytes[0] = code;
  if (code === 0) new DataView(bytes.buffer).setBigInt64(1, balance);
  return bytes;
}

/** A deposit whose amount names it: number 4 puts 5 on the account. */
function deposit(number: number): LedgerOperation {
  return { kind: "deposit", account: "A", amount: BigInt(number + 1) };
}

const READ: LedgerOperation = { kind: "get", account: "A" };

function request(timestamp: number, operation: LedgerOperation): Request {
  const bundle = bundleOf([encodeOperation(operation)]);
  const bytes = new Uint8Array(0);
  const identity = { client: 0, session: 1, timestamp };
  const proof = { bytes, digest: digest(timestamp), authenticator: bytes };
  return { kind: "request", ...identity, bundle, ...proof };
}

/** Batch `seq` with one deposit, as a replica executed it. */
function executed(seq: number, operation: LedgerOperation, balance: bigint): ExecutedBatch {
  const requests = [request(seq, operation)];
  const results = [bundleOf([result(balance)])];
  return {
    seq,
    batch: { requests, digest: digest(seq) },
    requests,
    results,
    root: digest(100 + seq),
  };
}

function invocation(operation: number, asked: LedgerOperation): Invocation {
  return { operation, client: 0, session: 1, asked };
}

function ordered(operation: number, balance: bigint, seq: number): Completion {
  return { operation, result: result(balance), path: "ordered", seq };
}

function read(operation: number, balance: bigint): Completion {
  return { operation, result: result(balance), path: "read-only", seq: 0 };
}

/** A history in which deposits 0 and 1 are batches 1 and 2. */
function twoDeposits(): { history: History; clients: Linearizability } {
  const auditor = new Auditor(new Map([["A", START]]));
  const history = new History(auditor, 1);
  const clients = new Linearizability(auditor);
  for (const number of [0, 1]) {
    history.onInvoke(invocation(number, deposit(number)));
    clients.onInvoke(invocation(number, deposit(number)));
  }
  history.onExecuted(0, executed(1, deposit(0), START + 1n));
  history.onExecuted(0, executed(2, deposit(1), START + 3n));
  return { history, clients };
}

describe("the history of all replicas", () => {
  test("lets two replicas do the same", () => {
    const { history } = twoDeposits();
    history.onExecuted(1, executed(1, deposit(0), START + 1n));
    history.onExecuted(1, executed(2, deposit(1), START + 3n));
    assert.equal(history.headSeq, 2);
  });

  test("objects to another batch under one number (I1), and to another state after it (I2)", () => {
    const { history } = twoDeposits();
    const first = executed(1, deposit(0), START + 1n);
    const other: Batch = { ...first.batch, digest: digest(9) };
    mustObject("I1 agreement", () => {
      history.onExecuted(1, { ...first, batch: other });
    });
    mustObject("I2 state", () => {
      history.onExecuted(2, { ...first, root: digest(9) });
    });
    mustObject("I2 state", () => {
      history.onInstalled(3, 2, digest(9));
    });
    mustObject("I2 state", () => {
      history.onInstalled(3, 7, digest(107));
    });
  });

  test("objects to what nobody asked for (I3), to gaps, and to anything twice (I4)", () => {
    const { history } = twoDeposits();
    mustObject("I3 validity", () => {
      history.onExecuted(0, executed(3, deposit(7), START + 11n));
    });
    mustObject("I4 at most once", () => {
      twoDeposits().history.onExecuted(0, executed(4, deposit(2), START + 6n));
    });
    mustObject("I4 at most once", () => {
      twoDeposits().history.onExecuted(0, executed(3, deposit(1), START + 5n));
    });
    mustObject("I4 at most once", () => {
      const { history: again } = twoDeposits();
      const { batch, ...rest } = executed(3, deposit(1), START + 5n);
      again.onExecuted(0, { ...rest, batch, requests: [request(2, deposit(1))] });
    });
  });

  test("objects to money from nowhere (I9)", () => {
    const auditor = new Auditor(new Map([["A", START]]));
    const history = new History(auditor, 1);
    history.onInvoke(invocation(0, deposit(0)));
    mustObject("I9 conservation", () => {
      history.onExecuted(0, executed(1, deposit(0), START + 2n));
    });
  });
});

describe("the order that clients see, against that of execution (I8)", () => {
  test("lets pass what fits it", () => {
    const { clients } = twoDeposits();
    clients.onComplete(ordered(0, START + 1n, 1));
    clients.onInvoke(invocation(2, READ));
    clients.onComplete(ordered(1, START + 3n, 2));
    // It began before the second deposit was answered: both values would do.
    clients.onComplete(read(2, START + 1n));
    assert.equal(clients.completedCount, 3);
  });

  test("objects to a stale read", () => {
    const { clients } = twoDeposits();
    clients.onComplete(ordered(0, START + 1n, 1));
    clients.onComplete(ordered(1, START + 3n, 2));
    clients.onInvoke(invocation(2, READ));
    mustObject("I8 linearizability", () => {
      clients.onComplete(read(2, START + 1n));
    });
  });

  test("objects to two reads that go back in time, and to what was never there", () => {
    const { clients } = twoDeposits();
    clients.onInvoke(invocation(2, READ));
    clients.onComplete(read(2, START + 3n));
    clients.onInvoke(invocation(3, READ));
    mustObject("I8 linearizability", () => {
      clients.onComplete(read(3, START + 1n));
    });
    clients.onInvoke(invocation(4, READ));
    mustObject("I8 linearizability", () => {
      clients.onComplete(read(4, START + 2n));
    });
  });

  test("objects to an acknowledged write that nobody executed (I7), or with another result", () => {
    const { clients } = twoDeposits();
    clients.onInvoke(invocation(2, deposit(2)));
    mustObject("I7 durability", () => {
      clients.onComplete(ordered(2, START + 6n, 3));
    });
    mustObject("I8 linearizability", () => {
      clients.onComplete(ordered(0, START + 7n, 1));
    });
  });

  test("objects to a write that took effect before one that ended before it began", () => {
    const { clients } = twoDeposits();
    const late = new Map([["late", invocation(0, deposit(0))]]);
    clients.onComplete(ordered(1, START + 3n, 2));
    for (const begun of late.values()) clients.onInvoke(begun);
    mustObject("I8 linearizability", () => {
      clients.onComplete(ordered(0, START + 1n, 1));
    });
  });
});

describe("the search for an order, which knows nothing of execution (I8)", () => {
  test("finds one where there is one, whatever the order of the answers", () => {
    const search = new RegisterSearch(START);
    search.onInvoke(invocation(0, deposit(0)));
    search.onInvoke(invocation(1, deposit(1)));
    search.onInvoke(invocation(2, READ));
    search.onComplete(read(2, START + 2n));
    search.onComplete(ordered(0, START + 3n, 2));
    search.onComplete(ordered(1, START + 2n, 1));
    search.conclude();
  });

  test("objects to a stale read", () => {
    const search = new RegisterSearch(START);
    search.onInvoke(invocation(0, deposit(0)));
    search.onComplete(ordered(0, START + 1n, 1));
    search.onInvoke(invocation(1, READ));
    search.onComplete(read(1, START));
    mustObject("I8 linearizability", () => {
      search.conclude();
    });
  });

  test("objects to a write that is lost", () => {
    const search = new RegisterSearch(START);
    for (const number of [0, 1]) {
      search.onInvoke(invocation(number, deposit(number)));
      search.onComplete(ordered(number, START + BigInt(number + 1), number + 1));
    }
    mustObject("I8 linearizability", () => {
      search.conclude();
    });
  });
});

const BATCH: Batch = { requests: [], digest: digest(1) };
const Q_ENTRY: JournalRecord = { kind: "pre-prepared", view: 0, seq: 1, batch: BATCH };
const P_ENTRY: JournalRecord = { kind: "prepared", view: 0, seq: 1, digest: digest(1) };
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
    ...{ ownCheckpoints: 1, pendingOfClient: 1, sessionsOfClient: 1 },
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
        const core = { ...modest, held: { ...held, [kind]: 1_000 } };
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
