import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { SESSIONS_PER_CLIENT_MAX } from "../../../src/core/base/limits.js";
import { ReplyCode } from "../../../src/core/message.js";
import { ClientTable } from "../../../src/core/pbft/client-table.js";
import {
  decodeSession,
  encodeSession,
  type SessionEntry,
} from "../../../src/core/pbft/session-entry.js";
import { hasher } from "./builders.js";

type Standing = ReturnType<ClientTable["standing"]>;

const CLIENTS = 2;

function entryOf(client: number, session: number, timestamp: number): SessionEntry {
  const results = Uint8Array.of(session & 0xff, timestamp & 0xff);
  return { client, session, timestamp, seq: timestamp, code: ReplyCode.executed, results };
}

/** What the table promises, written down naively: everything that ever ran, kept for ever. */
class NaiveTable {
  readonly #ran = new Map<string, number>();
  readonly #sessions: Set<number>[] = Array.from({ length: CLIENTS }, () => new Set());
  readonly #forgotten: number[] = new Array<number>(CLIENTS).fill(0);

  standing(client: number, session: number, timestamp: number): Standing {
    if (session <= (this.#forgotten[client] ?? 0)) return "expired";
    const last = this.#ran.get(`${client}/${session}`) ?? 0;
    if (timestamp > last) return "fresh";
    return timestamp === last ? "answered" : "stale";
  }

  run(client: number, session: number, timestamp: number): void {
    this.#ran.set(`${client}/${session}`, timestamp);
    const sessions = this.#sessions[client] ?? assert.fail();
    sessions.add(session);
    if (sessions.size <= SESSIONS_PER_CLIENT_MAX) return;
    const oldest = Math.min(...sessions);
    sessions.delete(oldest);
    this.#forgotten[client] = oldest;
  }
}

const shapes = fc.record({
  client: fc.integer({ min: 0, max: CLIENTS - 1 }),
  session: fc.integer({ min: 1, max: SESSIONS_PER_CLIENT_MAX + 12 }),
  timestamp: fc.integer({ min: 1, max: 4 }),
});

describe("the client table", () => {
  test("tells of every request what a table without bounds would tell (EX2)", () => {
    fc.assert(
      fc.property(fc.array(shapes, { minLength: 100, maxLength: 600 }), (requests) => {
        const table = new ClientTable(hasher, CLIENTS);
        const naive = new NaiveTable();
        const ran = new Set<string>();
        for (const request of requests) {
          const { client, session, timestamp } = request;
          const standing = table.standing(request);
          assert.equal(standing, naive.standing(client, session, timestamp));
          if (standing !== "fresh") continue;
          const name = `${client}/${session}/${timestamp}`;
          assert(!ran.has(name), "nothing runs twice");
          ran.add(name);
          table.record(entryOf(client, session, timestamp));
          naive.run(client, session, timestamp);
        }
        assert(table.entries().length <= CLIENTS * SESSIONS_PER_CLIENT_MAX);
      }),
      { numRuns: 30 },
    );
  });

  test("remembers the sessions that started last, in whatever order they came", () => {
    const table = new ClientTable(hasher, CLIENTS);
    for (let session = 70; session >= 6; session -= 1) {
      if (table.standing({ client: 0, session, timestamp: 1 }) === "fresh") {
        table.record(entryOf(0, session, 1));
      }
    }
    assert.deepEqual(
      table.entries().map(({ session }) => session),
      Array.from({ length: SESSIONS_PER_CLIENT_MAX }, (_, index) => index + 7),
    );
    assert.deepEqual(table.bounds(), [{ client: 0, session: 6 }]);
  });

  test("says which session it forgot, once", () => {
    const table = new ClientTable(hasher, CLIENTS);
    for (let session = 1; session <= SESSIONS_PER_CLIENT_MAX; session += 1) {
      assert.equal(table.record(entryOf(0, session, 1)), null);
    }
    assert.equal(table.record(entryOf(0, 900, 1)), 1);
    assert.equal(table.record(entryOf(0, 900, 2)), null);
    assert.equal(table.find(0, 1), null);
  });

  test("tells the store what changed; of a session that came and went, that it went", () => {
    const table = new ClientTable(hasher, CLIENTS);
    table.record(entryOf(1, 5, 1));
    table.record(entryOf(1, 5, 2));
    const first = table.takeChanges();
    assert.deepEqual(first.sessions, [entryOf(1, 5, 2)]);
    assert.deepEqual([first.evicted, first.evictedThrough], [[], []]);
    for (let session = 10; session < 10 + SESSIONS_PER_CLIENT_MAX; session += 1) {
      table.record(entryOf(1, session, 1));
    }
    table.record(entryOf(1, 6, 1));
    const second = table.takeChanges();
    assert.deepEqual(second.evicted, [
      { client: 1, session: 5 },
      { client: 1, session: 6 },
    ]);
    assert.deepEqual(second.evictedThrough, [{ client: 1, session: 6 }]);
    assert.equal(second.sessions.length, SESSIONS_PER_CLIENT_MAX);
    assert.deepEqual(table.takeChanges(), { sessions: [], evicted: [], evictedThrough: [] });
  });

  test("is the same after a store kept it, and after a transfer carried it (ST2)", () => {
    fc.assert(
      fc.property(fc.array(shapes, { maxLength: 200 }), (requests) => {
        const table = new ClientTable(hasher, CLIENTS);
        for (const request of requests) {
          if (table.standing(request) !== "fresh") continue;
          table.record(entryOf(request.client, request.session, request.timestamp));
        }
        const stored = new ClientTable(hasher, CLIENTS);
        stored.load(table.entries(), table.bounds());
        const carried = new ClientTable(hasher, CLIENTS);
        const bytes = table.snapshot().map(encodeSession);
        carried.restoreSnapshot(bytes.map((one) => decodeSession(one) ?? assert.fail()));
        for (const copy of [stored, carried]) {
          assert.deepEqual(copy.summary(), table.summary());
          assert.deepEqual(copy.entries(), table.entries());
          assert.deepEqual(copy.bounds(), table.bounds());
        }
      }),
      { numRuns: 30 },
    );
  });

  test("has a digest of its own for every content, and the same however it came about", () => {
    const small = fc.record({
      client: fc.integer({ min: 0, max: 1 }),
      session: fc.integer({ min: 1, max: 3 }),
      timestamp: fc.integer({ min: 1, max: 2 }),
    });
    const tableOf = (
      requests: readonly { client: number; session: number; timestamp: number }[],
    ) => {
      const table = new ClientTable(hasher, CLIENTS);
      for (const request of requests) {
        if (table.standing(request) !== "fresh") continue;
        table.record(entryOf(request.client, request.session, request.timestamp));
      }
      return table;
    };
    const many = fc.array(small, { maxLength: 6 });
    fc.assert(
      fc.property(many, many, (left, right) => {
        const [one, two] = [tableOf(left), tableOf(right)];
        const alike = JSON.stringify(one.entries()) === JSON.stringify(two.entries());
        assert.equal(Buffer.compare(one.summary(), two.summary()) === 0, alike);
      }),
    );
  });
});

describe("an entry of the client table", () => {
  test("is read back as it was written", () => {
    const entries = [
      entryOf(1, Number.MAX_SAFE_INTEGER, 2 ** 40 + 3),
      { ...entryOf(0, 1, 1), code: ReplyCode.sessionExpired, results: new Uint8Array(0) },
    ];
    for (const entry of entries) assert.deepEqual(decodeSession(encodeSession(entry)), entry);
  });

  test("is not read from bytes that are none", () => {
    const bytes = encodeSession(entryOf(1, 2, 3));
    assert.equal(decodeSession(bytes.subarray(0, 26)), null, "too short");
    for (const offset of [2, 10, 18]) {
      const huge = Uint8Array.from(bytes);
      huge[offset] = 0x80;
      assert.equal(decodeSession(huge), null, "above the largest counter");
    }
    const code = Uint8Array.from(bytes);
    code[26] = 9;
    assert.equal(decodeSession(code), null, "no such code");
  });
});
