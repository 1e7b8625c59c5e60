import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { PortableCrypto } from "../../../binding-free-src/portable-crypto.js";
import { bundleOf } from "../../../src/core/base/bundle.js";
import type { Request, Unsigned } from "../../../src/core/message.js";
import { signRequest } from "../../../src/core/wire/sign.js";
import { createCluster } from "../../../src/io/cluster-create.js";
import { EndOfTurn } from "../../../src/io/end-of-turn.js";
import { KeyRing } from "../../../src/io/key-ring.js";
import { TurnSigner } from "../../../src/io/turn-signer.js";
import { HeldHelper } from "../../workers/held-helper.js";

const CLIENTS = 40;

/** Counts what is signed on this thread. */
class CountingCrypto extends PortableCrypto {
  count = 0;

  override sign(...words: Parameters<PortableCrypto["sign"]>): Uint8Array {
    this.count += 1;
    return super.sign(...words);
  }
}

const crypto = new CountingCrypto();
const { genesis, clientKeys } = createCluster(
  {
    replicaCount: 4,
    clientCount: CLIENTS,
    hosts: ["127.0.0.1"],
    port: 7_000,
    store: "memory",
    durability: "none",
    replies: "journal",
    accounts: [],
  },
  crypto,
);
const RINGS = clientKeys.map(
  (secrets, id) => new KeyRing(crypto, genesis, { role: "client", id }, secrets),
);

function ringOf(client: number): KeyRing {
  return RINGS[client] ?? assert.fail("there is such a client");
}

/** What `client` writes. */
function messageOf(client: number, timestamp = 1): Unsigned<Request> {
  const bundle = bundleOf([Uint8Array.of(client)]);
  return { kind: "request", client, session: 1_000 + client, timestamp, bundle };
}

/** A signer, and what it signed, in order. */
function watched(helper: HeldHelper | null): {
  signed: Request[];
  /** Has the first `count` clients write in this turn. */
  ask: (count: number) => void;
} {
  const signer = new TurnSigner(new EndOfTurn(), helper);
  const signed: Request[] = [];
  crypto.count = 0;
  const ask = (count: number): void => {
    for (let client = 0; client < count; client += 1) {
      signer.sign(messageOf(client), ringOf(client), (request) => signed.push(request));
    }
  };
  return { signed, ask };
}

/** What the first `count` clients write, signed by themselves. */
function expected(count: number): Request[] {
  return Array.from({ length: count }, (_, client) =>
    signRequest(messageOf(client), ringOf(client)),
  );
}

describe("TurnSigner", () => {
  test("signs at the end of the turn, in order, as each client would by itself", async () => {
    for (const helper of [null, new HeldHelper()]) {
      const { signed, ask } = watched(helper);
      ask(10);
      assert.equal(signed.length, 0);
      await nextTurn();
      assert.equal(crypto.count, 10);
      assert.deepEqual(signed, expected(10));
      assert.equal(helper?.starts ?? 0, 0);
    }
  });

  test("what one client writes turn by turn is for this thread alone", async () => {
    const helper = new HeldHelper();
    helper.appear();
    const { signed, ask } = watched(helper);
    for (let turn = 1; turn <= 20; turn += 1) {
      ask(1);
      helper.workOff();
      await nextTurn();
      assert.equal(signed.length, turn);
    }
    assert.deepEqual([helper.starts, helper.count, helper.wakeUps], [0, 0, 0]);
  });

  test("16 in one turn start the helper, and until it is there nobody waits for it", async () => {
    const helper = new HeldHelper();
    const { signed, ask } = watched(helper);
    ask(15);
    await nextTurn();
    assert.equal(helper.starts, 0);
    ask(CLIENTS);
    assert.equal(helper.starts, 1);
    helper.appear();
    await nextTurn();
    assert.equal(crypto.count, 15 + CLIENTS);
    assert.deepEqual(signed.slice(15), expected(CLIENTS));
  });

  test("what the helper did is not done again, and is the same", async () => {
    const helper = new HeldHelper();
    helper.appear();
    const { signed, ask } = watched(helper);
    ask(CLIENTS);
    assert.equal(helper.wakeUps, 4);
    helper.workOff();
    assert.equal(helper.count, CLIENTS - 2);
    await nextTurn();
    assert.equal(crypto.count, 2);
    assert.deepEqual(signed, expected(CLIENTS));
  });

  test("what the helper did not come to is signed here, in the same turn", async () => {
    const helper = new HeldHelper();
    helper.appear();
    const { signed, ask } = watched(helper);
    ask(20);
    helper.workOff();
    ask(20);
    await nextTurn();
    assert.equal(helper.count, 18);
    assert.equal(crypto.count, 22);
    assert.deepEqual(signed, [...expected(20), ...expected(20)]);
  });

  test("where one client cannot be signed for, the others are, in order", () => {
    const helper = new HeldHelper();
    helper.appear();
    const runs: (() => void)[] = [];
    const signer = new TurnSigner(new EndOfTurn((run) => runs.push(run)), helper);
    const signed: Request[] = [];
    for (let client = 0; client < CLIENTS; client += 1) {
      signer.sign(messageOf(client), ringOf(client), (request) => {
        if (client === 5) throw new Error("a bug");
        signed.push(request);
      });
    }
    assert.throws(() => runs.shift()?.(), /a bug/);
    for (const run of runs) run();
    assert.deepEqual(signed, expected(CLIENTS).toSpliced(5, 1));
    signer.sign(messageOf(0), ringOf(0), (request) => signed.push(request));
    helper.workOff();
    assert.equal(helper.count, 0, "the first of the next turn is for this thread alone");
  });

  test("a helper that is gone at the end of the turn loses no request", async () => {
    const helper = new HeldHelper();
    helper.appear();
    const { signed, ask } = watched(helper);
    ask(CLIENTS);
    helper.board?.wipe();
    helper.board = null;
    await nextTurn();
    assert.equal(crypto.count, CLIENTS);
    assert.deepEqual(signed, expected(CLIENTS));
    ask(CLIENTS);
    await nextTurn();
    assert.equal(signed.length, 2 * CLIENTS);
  });
});
