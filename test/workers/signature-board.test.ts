import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import { Worker } from "node:worker_threads";
import { boardMemory, SignatureBoard, type Ticket } from "../../src/workers/signature-board.js";

const CHILD_URL = new URL("./board-child.js", import.meta.url);

/** As many posts as a board holds. */
const SLOTS = 512;

/** Where the number of tickets so far is in the memory, and the number at which they begin anew. */
const TICKET_COUNT = 1;
const TICKETS = 2 ** 28;

/** A board as both threads see it, where a "signature" is good if its first byte is even. */
function bothSides(ticketCount = 0): {
  post: (value: number) => Ticket;
  take: (ticket: Ticket) => boolean | null;
  /** The other thread's part; `meanwhile` happens while it is at its first signature. */
  workOff: (meanwhile?: () => void) => number[];
} {
  const memory = boardMemory();
  new Int32Array(memory)[TICKET_COUNT] = ticketCount;
  const here = new SignatureBoard(memory);
  const there = new SignatureBoard(memory);
  return {
    post: (value) => {
      const bytes = new Uint8Array(70).fill(value, 6);
      return here.post(new Uint8Array(32).fill(value), bytes, 6, value);
    },
    take: (ticket) => here.take(ticket),
    workOff: (meanwhile) => {
      const done: number[] = [];
      there.workOff((digest, signature, key) => {
        const value = digest[0] ?? -1;
        assert.deepEqual(digest, new Uint8Array(32).fill(value));
        assert.deepEqual(signature, new Uint8Array(64).fill(value));
        assert.equal(key, value);
        done.push(value);
        if (done.length === 1) meanwhile?.();
        return value % 2 === 0;
      });
      return done;
    },
  };
}

describe("SignatureBoard", () => {
  test("what the other thread did is known here, good or bad, and once", () => {
    const { post, take, workOff } = bothSides();
    const [good, bad] = [post(2), post(3)];
    workOff();
    assert.equal(take(bad), false);
    assert.equal(take(good), true);
    assert.equal(take(good), null);
  });

  test("the other thread does the newest first, for this one begins with the oldest", () => {
    const { post, workOff } = bothSides();
    for (const value of [1, 2, 3]) post(value);
    assert.deepEqual(
      workOff(() => {
        post(4);
      }),
      [3, 4, 2, 1],
    );
    assert.deepEqual(workOff(), []);
  });

  test("what this thread took, the other one does no more", () => {
    const { post, take, workOff } = bothSides();
    const [first] = [post(2), post(4)];
    assert.equal(take(first), null);
    assert.deepEqual(workOff(), [4]);
  });

  test("what is taken while the other thread is at it stays this one's", () => {
    const { post, take, workOff } = bothSides();
    const ticket = post(2);
    workOff(() => {
      assert.equal(take(ticket), null);
    });
    assert.equal(take(ticket), null);
  });

  test("a post takes the place of the one 512 before, and gets no result but its own", () => {
    const { post, take, workOff } = bothSides();
    const old = post(2);
    const later: Ticket[] = [];
    const done = workOff(() => {
      for (let count = 0; count < SLOTS; count += 1) later.push(post(3));
    });
    assert.equal(take(old), null);
    assert.deepEqual(done, [2, ...later.map(() => 3)]);
    for (const ticket of later) assert.equal(take(ticket), false);
  });

  test("tickets begin anew after the last one", () => {
    const { post, take, workOff } = bothSides(TICKETS - 2);
    const tickets = [post(2), post(3), post(4), post(5)];
    assert.deepEqual(tickets, [TICKETS - 2, TICKETS - 1, 0, 1]);
    assert.deepEqual(workOff(), [5, 4, 3, 2]);
    assert.deepEqual(tickets.map(take), [true, false, true, false]);
  });

  test("no verdict of a real thread is another post's, or of half a post", async () => {
    const memory = boardMemory();
    new Int32Array(memory)[TICKET_COUNT] = TICKETS - 10_000;
    const worker = new Worker(CHILD_URL, { workerData: memory });
    await once(worker, "message");
    const board = new SignatureBoard(memory);
    const posts: { readonly ticket: Ticket; readonly isGood: boolean }[] = [];
    let known = 0;
    for (let round = 0; known < 20_000; round += 1) {
      // Now and then more than there is room for, while the other thread is at the last ones.
      const count = round % 10 === 9 ? SLOTS + 100 : 40;
      for (let key = 7 * round; key < 7 * round + count; key += 1) {
        const isGood = key % 2 === 0 && key % 3 > 0;
        const signature = new Uint8Array(64).fill(key);
        if (key % 3 === 0) signature[63] = key + 1;
        const ticket = board.post(new Uint8Array(32).fill(key), signature, 0, key);
        posts.push({ ticket, isGood });
        if (key % 8 === 0) board.wake();
      }
      for (const { ticket, isGood } of posts.splice(0, posts.length - (round % 30))) {
        const verdict = board.take(ticket);
        if (verdict === null) continue;
        assert.equal(verdict, isGood);
        known += 1;
      }
    }
    await worker.terminate();
  });
});
