/* The checkers of what clients see, shown what they must object to and what they must let pass. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { bundleOf } from "../../src/core/base/bundle.js";
import { encodeOperation, type LedgerOperation } from "../../src/core/ledger/operation.js";
import type { Batch, Request } from "../../src/core/message.js";
import { Auditor } from "./checkers/auditor.js";
import { History } from "./checkers/history.js";
import { Linearizability } from "./checkers/linearizability.js";
import { RegisterSearch } from "./checkers/register-search.js";
import { digest, invocation, mustObject, READ, read, result, START } from "./checker-samples.js";
import type { Completion, ExecutedBatch } from "./watch.js";

/** A deposit whose amount names it: number 4 puts 5 on the account. */
function deposit(number: number): LedgerOperation {
  return { kind: "deposit", account: "A", amount: BigInt(number + 1) };
}

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

function ordered(operation: number, balance: bigint, seq: number): Completion {
  return { operation, result: result(balance), path: "ordered", seq };
}

/** A history in which deposits 0 and 1 are batches 1 and 2. */
function twoDeposits(): { history: History; clients: Linearizability } {
  const auditor = new Auditor(new Map([["A", START]]));
  const history = new History(auditor, 1);
  const clients = new Linearizability(auditor, (seq) => seq < 10);
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
    history.onComplete(ordered(2, START + 6n, 3));
    assert.equal(history.headSeq, 3, "all have to get to what a client was told of");
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
      clients.onComplete(ordered(2, START + 6n, 10));
    });
    clients.onComplete(ordered(2, START + 6n, 3));
    mustObject("I7 durability", () => {
      clients.conclude();
    });
    mustObject("I8 linearizability", () => {
      clients.onComplete(ordered(0, START + 7n, 1));
    });
  });

  test("lets a write be executed after its client was told, and holds it to that (EX3)", () => {
    for (const [told, place] of [
      [START + 6n, 3],
      [START + 7n, 3],
      [START + 6n, 4],
    ] as const) {
      const { history, clients } = twoDeposits();
      history.onInvoke(invocation(2, deposit(2)));
      clients.onInvoke(invocation(2, deposit(2)));
      clients.onComplete(ordered(2, told, place));
      history.onExecuted(0, executed(3, deposit(2), START + 6n));
      const conclude = (): void => {
        clients.conclude();
      };
      if (told === START + 6n && place === 3) conclude();
      else mustObject("I8 linearizability", conclude);
    }
  });

  test("objects to what has its place before a write that was told of before it began", () => {
    const { clients } = twoDeposits();
    clients.onInvoke(invocation(2, deposit(2)));
    clients.onComplete(ordered(2, START + 6n, 3));
    clients.onInvoke(invocation(3, READ));
    mustObject("I8 linearizability", () => {
      clients.onComplete(read(3, START + 3n));
    });
  });

  test("places what was told early in the order in which it was asked for", () => {
    const { history, clients } = twoDeposits();
    for (const number of [2, 3]) {
      history.onInvoke(invocation(number, deposit(number)));
      clients.onInvoke(invocation(number, deposit(number)));
      clients.onComplete(ordered(number, number === 2 ? START + 10n : START + 7n, 7 - number - 1));
    }
    history.onExecuted(0, executed(3, deposit(3), START + 7n));
    history.onExecuted(0, executed(4, deposit(2), START + 10n));
    mustObject("I8 linearizability", () => {
      clients.conclude();
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
