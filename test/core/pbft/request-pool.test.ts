import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Request } from "../../../src/core/message.js";
import { RequestPool } from "../../../src/core/pbft/request-pool.js";
import { requestOf } from "./builders.js";

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

const action = fc.oneof(
  { weight: 4, arbitrary: shape.map((add) => ({ add })) },
  { weight: 2, arbitrary: shape.map((executed) => ({ executed })) },
  { weight: 1, arbitrary: shape.map((expired) => ({ expired })) },
  { weight: 2, arbitrary: shape.map((proposed) => ({ proposed })) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 4 }).map((take) => ({ take })) },
  { weight: 1, arbitrary: fc.constant({ restart: true }) },
);

test("the pool is a list of what waits, one request a session", () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const pool = new RequestPool(2, PENDING_MAX);
      const naive = new NaivePool();
      for (const one of actions) {
        if ("add" in one)
          assert.equal(pool.add(requestOf(one.add), 0), naive.add(requestOf(one.add)));
        else if ("executed" in one) {
          const { client, session, timestamp } = one.executed;
          pool.executed(client, session, timestamp);
          naive.drop((request) => {
            const isSession = request.client === client && request.session === session;
            return isSession && request.timestamp <= timestamp;
          });
        } else if ("expired" in one) {
          const { client, session } = one.expired;
          pool.expired(client, session);
          naive.drop((request) => request.client === client && request.session <= session);
        } else if ("proposed" in one) {
          const request = requestOf(one.proposed);
          pool.proposed(request, 7);
          const held = naive.find(request.client, request.session);
          if (held?.request.timestamp === request.timestamp) held.isProposed = true;
        } else if ("take" in one) {
          for (const request of pool.take(one.take, 100_000)) {
            const held = naive.find(request.client, request.session);
            assert(held?.request === request || held?.request.digest !== undefined);
            assert.equal(held.isProposed, false, "nothing is taken twice");
            held.isProposed = true;
            pool.proposed(request, 8);
          }
        } else {
          pool.restart(9);
          for (const held of naive.waiting) held.isProposed = false;
        }
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
