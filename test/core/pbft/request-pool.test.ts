import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Request } from "../../../src/core/message.js";
import { RequestPool } from "../../../src/core/pbft/request-pool.js";
import { requestOf, type RequestShape } from "./builders.js";

type PoolOutcome = ReturnType<RequestPool["add"]>;

const PENDING_MAX = 3;

interface Waiting {
  readonly request: Request;
  isProposed: boolean;
}

/** The pool as a list: slow and obvious. */
class NaivePool {
  waiting: Waiting[] = [];

  add(request: Request): PoolOutcome {
    const held = this.find(request.client, request.session);
    if (held === undefined) {
      const count = this.waiting.filter((one) => one.request.client === request.client).length;
      if (count >= PENDING_MAX) return "full";
    } else {
      if (held.request.timestamp > request.timestamp) return "stale";
      if (held.request.timestamp === request.timestamp) {
        return Buffer.compare(held.request.digest, request.digest) === 0 ? "known" : "conflict";
      }
      this.waiting = this.waiting.filter((one) => one !== held);
    }
    this.waiting.push({ request, isProposed: false });
    return "added";
  }

  find(client: number, session: number): Waiting | undefined {
    return this.waiting.find((one) => {
      return one.request.client === client && one.request.session === session;
    });
  }

  /** Whether the request waits and was not proposed before. */
  propose(request: Request): boolean {
    const held = this.find(request.client, request.session);
    if (held?.request.timestamp !== request.timestamp || held.isProposed) return false;
    held.isProposed = true;
    return true;
  }

  drop(isDropped: (request: Request) => boolean): void {
    this.waiting = this.waiting.filter((one) => !isDropped(one.request));
  }
}

const shape = fc.record({
  client: fc.integer({ min: 0, max: 1 }),
  session: fc.integer({ min: 1, max: 5 }),
  timestamp: fc.integer({ min: 1, max: 3 }),
  amount: fc.bigInt({ min: 1n, max: 2n }),
});

const kind = fc.constantFrom("add", "add", "executed", "expired", "proposed", "take", "restart");
const action = fc.tuple(kind, shape);

/** Does the same to the pool and to the list. */
function act(pool: RequestPool, naive: NaivePool, [what, one]: [string, RequestShape]): void {
  const request = requestOf(one);
  const { client, session, timestamp } = request;
  switch (what) {
    case "add":
      assert.equal(pool.add(request, 0), naive.add(request));
      break;
    case "executed":
      pool.executed(client, session, timestamp);
      naive.drop((other) => {
        const isSession = other.client === client && other.session === session;
        return isSession && other.timestamp <= timestamp;
      });
      break;
    case "expired":
      pool.expired(client, session);
      naive.drop((other) => other.client === client && other.session <= session);
      break;
    case "proposed":
      pool.proposed(request, 7);
      naive.propose(request);
      break;
    case "take":
      for (const taken of pool.take(session, 100_000)) {
        assert(naive.propose(taken), "nothing is taken twice");
        pool.proposed(taken, 8);
      }
      break;
    default:
      pool.restart(9);
      for (const held of naive.waiting) held.isProposed = false;
  }
}

test("the pool is a list of what waits, one request a session", () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const pool = new RequestPool(2, PENDING_MAX);
      const naive = new NaivePool();
      for (const one of actions) {
        act(pool, naive, one);
        assert.equal(pool.size, naive.waiting.length);
        const unproposed = naive.waiting.filter(({ isProposed }) => !isProposed);
        assert.equal(pool.unproposedCount, unproposed.length);
        assert.deepEqual(
          [...pool].map(({ request }) => request.digest),
          naive.waiting.map(({ request }) => request.digest),
          "in order of arrival",
        );
        assert.deepEqual(pool.oldest()?.request.digest, naive.waiting[0]?.request.digest);
      }
    }),
    { numRuns: 60 },
  );
});

test("a new view gives every request its time again, and the primary its choice (VC8)", () => {
  const pool = new RequestPool(1, PENDING_MAX);
  pool.add(requestOf({ session: 1 }), 3);
  pool.add(requestOf({ session: 2 }), 4);
  assert.equal(pool.take(1, 100_000).length, 1);
  pool.proposed(requestOf({ session: 1 }), 5);
  assert.equal(pool.unproposedCount, 1);
  pool.restart(50);
  assert.deepEqual(
    [...pool].map(({ sinceTicks, proposedSeq }) => [sinceTicks, proposedSeq]),
    [
      [50, null],
      [50, null],
    ],
  );
  assert.equal(pool.unproposedCount, 2);
});

test("what was answered is not counted, until it is gone or the view changes (EX3)", () => {
  const pool = new RequestPool(1, 9);
  const [first, second, third] = [1, 2, 3].map((session) => requestOf({ session }));
  assert(first !== undefined && second !== undefined && third !== undefined);
  for (const request of [first, second, third]) pool.add(request, 0);
  pool.answered(first);
  pool.answered(first);
  pool.answered(requestOf({ session: 2, timestamp: 2 }));
  assert.equal(pool.unansweredCount, 2);
  pool.answered(second);
  pool.add(requestOf({ session: 1, timestamp: 2 }), 0);
  assert.equal(pool.unansweredCount, 2, "the next request of a session takes its place");
  pool.restart(1);
  assert.equal(pool.unansweredCount, 3);
  pool.executed(0, 2, 1);
  assert.equal(pool.unansweredCount, 2);
});
