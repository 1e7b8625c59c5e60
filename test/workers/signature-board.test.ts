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

/** The signature of a digest and by a seed that are all of one byte each. */
function signatureOf(digest: number, seed: number): Uint8Array {
  return new Uint8Array(64).fill(digest, 0, 32).fill(seed, 32);
}

/** A board as both threads see it, where a "signature" is good if its first byte is even. */
function bothSides(ticketCount = 0): {
  post: (value: number) => Ticket;
  take: (ticket: Ticket) => boolean | null;
  postToSign: (digest: number, seed: number) => Ticket;
  /** What was signed, if it was, behind three bytes. */
  takeSignature: (ticket: Ticket) => Uint8Array | null;
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
      return here.postToVerify(new Uint8Array(32).fill(value), bytes, 6, value);
    },
    take: (ticket) => here.takeVerdict(ticket),
    postToSign: (digest, seed) =>
      here.postToSign(new Uint8Array(32).fill(digest), new Uint8Array(32).fill(seed)),
    takeSignature: (ticket) => {
      const bytes = new Uint8Array(67);
      if (here.takeSignature(ticket, bytes, 3)) return bytes.subarray(3);
      assert.deepEqual(bytes, new Uint8Array(67));
      return null;
    },
    workOff: (meanwhile) => {
      const done: number[] = [];
      const begin = (digest: Uint8Array): number => {
        const value = digest[0] ?? -1;
        assert.deepEqual(digest, new Uint8Array(32).fill(value));
        done.push(value);
        if (done.length === 1) meanwhile?.();
        return value;
      };
      there.workOff({
        verify: (digest, signature, key) => {
          const value = digest[0] ?? -1;
          assert.deepEqual(signature, new Uint8Array(64).fill(value));
          assert.equal(key, value);
          return begin(digest) % 2 === 0;
        },
        sign: (digest, seed) => {
          const [value = -1] = seed;
          assert.deepEqual(seed, new Uint8Array(32).fill(value));
          return signatureOf(begin(digest), value);
        },
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

  test("what the other thread signed is here once, and only when it is made", () => {
    const { postToSign, takeSignature, workOff } = bothSides();
    const [first, second, third] = [postToSign(1, 7), postToSign(2, 8), postToSign(3, 7)];
    assert.equal(takeSignature(first), null);
    assert.deepEqual(workOff(), [3, 2]);
    assert.equal(takeSignature(first), null);
    assert.deepEqual(takeSignature(second), signatureOf(2, 8));
    assert.deepEqual(takeSignature(third), signatureOf(3, 7));
    assert.equal(takeSignature(third), null);
  });

  test("a signature that was begun for a post which is gone is nobody's", () => {
    const { postToSign, takeSignature, workOff } = bothSides();
    const old = postToSign(1, 7);
    const later: Ticket[] = [];
    workOff(() => {
      for (let count = 0; count < SLOTS; count += 1) later.push(postToSign(2, 8));
    });
    assert.equal(takeSignature(old), null);
    for (const ticket of later) assert.deepEqual(takeSignature(ticket), signatureOf(2, 8));
  });

  test("a board that is wiped holds no secret, nor anything else", () => {
    const memory = boardMemory();
    const board = new SignatureBoard(memory);
    for (let count = 0; count < 3; count += 1) {
      board.postToSign(new Uint8Array(32).fill(1), new Uint8Array(32).fill(2));
    }
    board.workOff({ verify: () => assert.fail("none"), sign: () => new Uint8Array(64).fill(3) });
    assert(new Uint8Array(memory).includes(2));
    board.wipe();
    assert(new Uint8Array(memory).every((byte) => byte === 0));
  });

  test("signatures to verify and to make share a board", () => {
    const { post, take, postToSign, takeSignature, workOff } = bothSides();
    const [good, made, bad] = [post(2), postToSign(5, 6), post(3)];
    assert.deepEqual(workOff(), [3, 5, 2]);
    assert.deepEqual([take(good), take(bad)], [true, false]);
    assert.deepEqual(takeSignature(made), signatureOf(5, 6));
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
        const ticket = board.postToVerify(new Uint8Array(32).fill(key), signature, 0, key);
        posts.push({ ticket, isGood });
        if (key % 8 === 0) board.wake();
      }
      for (const { ticket, isGood } of posts.splice(0, posts.length - (round % 30))) {
        const verdict = board.takeVerdict(ticket);
        if (verdict === null) continue;
        assert.equal(verdict, isGood);
        known += 1;
      }
    }
    await worker.terminate();
  });

  test("no signature of a real thread is another post's, or of half a post", async () => {
    const memory = boardMemory();
    new Int32Array(memory)[TICKET_COUNT] = TICKETS - 10_000;
    const worker = new Worker(CHILD_URL, { workerData: memory });
    await once(worker, "message");
    const board = new SignatureBoard(memory);
    let made = 0;
    for (let round = 0; made < 20_000; round += 1) {
      const count = round % 10 === 9 ? SLOTS + 100 : 40;
      const posts = Array.from({ length: count }, (_, index) => {
        const [digest, seed] = [(7 * round + index) % 256, (11 * round + index) % 256];
        const bytes = [digest, seed].map((byte) => new Uint8Array(32).fill(byte));
        const ticket = board.postToSign(bytes[0] ?? assert.fail(), bytes[1] ?? assert.fail());
        if (index % 8 === 7) board.wake();
        return { digest, seed, ticket };
      });
      for (const { digest, seed, ticket } of posts) {
        const signature = new Uint8Array(64);
        if (!board.takeSignature(ticket, signature, 0)) continue;
        assert.deepEqual(signature, signatureOf(digest, seed));
        made += 1;
      }
    }
    await worker.terminate();
  });
});
