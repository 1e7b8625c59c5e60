import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { bundleItems, bundleOf } from "../../../src/core/base/bundle.js";
import { balanceIn, CUSTOMER, readOf } from "../../core/pbft/builders.js";
import { Fixture, largeBatch, STEP_OPERATIONS } from "./host-fixture.js";

describe("a host that divides execution over turns", () => {
  test("executes what it has missed over several turns", async () => {
    const fixture = new Fixture();
    const { turns, host } = fixture;
    turns.stepMs = 1;
    for (let seq = 1; seq <= 8; seq += 1) fixture.order(seq, largeBatch(seq, 1));
    for (let seq = 8; seq >= 1; seq -= 1) fixture.commit(seq, largeBatch(seq, 1));
    const few = host.counts.batches;
    assert(few > 0 && few < 8, "as much as fits a turn");
    await turns.pass(1);
    assert(host.counts.batches > few && host.counts.batches < 8);
    await turns.pass(10);
    assert.equal(host.counts.batches, 8);
    assert.equal(fixture.ledger.accountRows()[0]?.balance, 1_000n + 8n * 256n);
  });

  test("executes a large batch over turns; a read shows the state after it (RO1)", async () => {
    const fixture = new Fixture();
    const { turns, host } = fixture;
    turns.stepMs = 100;
    for (const seq of [1, 2]) fixture.order(seq, largeBatch(seq, 2));
    for (const seq of [2, 1]) fixture.commit(seq, largeBatch(seq, 2));
    host.onDurable(4);
    assert.equal(fixture.ledger.accountRows()[0]?.balance, 1_256n, "the first of two requests");
    fixture.hear(readOf(7));
    assert.equal(fixture.readReply(), undefined);
    await turns.pass(2);
    assert.equal(fixture.readReply(), undefined, "executed, and all of that turn's time with it");
    await turns.pass(1);
    const reply = fixture.readReply();
    assert.equal(reply?.seq, 1);
    assert.equal(balanceIn(reply.results), 1_512n, "and nothing of the batch that comes next");
    assert.equal(host.counts.batches, 1);
    await turns.pass(4);
    assert.equal(host.counts.batches, 2);
    assert.equal(fixture.ledger.accountRows()[0]?.balance, 2_024n);
  });

  test("executes a large request over turns too, and nobody sees a part of it (BK1)", async () => {
    const fixture = new Fixture();
    const { turns, host } = fixture;
    turns.stepMs = 100;
    const batch = largeBatch(1, 1, 2.5 * STEP_OPERATIONS);
    fixture.order(1, batch);
    fixture.hear({ kind: "hello", session: 100, nonce: 1 });
    fixture.commit(1, batch);
    host.onDurable(2);
    for (const done of [1, 2]) {
      assert.equal(fixture.ledger.accountRows()[0]?.balance, 1_000n + BigInt(256 * done));
      fixture.hear(readOf(done));
      assert.equal(fixture.readReply(), undefined);
      assert.deepEqual([fixture.stored, host.counts.batches], [[], 0]);
      await turns.pass(1);
    }
    await turns.pass(1);
    const reply = fixture.messages.find((message) => message.kind === "reply");
    assert(reply?.kind === "reply");
    const balances = bundleItems(reply.results).map((item) => balanceIn(bundleOf([item])));
    assert.deepEqual(
      balances,
      Array.from({ length: 640 }, (_, index) => 1_001n + BigInt(index)),
    );
    assert.equal(balanceIn(fixture.readReply()?.results ?? reply.results), 1_640n);
    assert.equal(fixture.stored.length, 1);
  });

  test("a step goes on with the next requests where it is not full", async () => {
    const fixture = new Fixture();
    const { turns, host } = fixture;
    turns.stepMs = 100;
    fixture.order(1, largeBatch(1, 3, 100));
    fixture.commit(1, largeBatch(1, 3, 100));
    assert.equal(fixture.ledger.accountRows()[0]?.balance, 1_256n, "two and a half of three");
    await turns.pass(1);
    assert.equal(fixture.ledger.accountRows()[0]?.balance, 1_300n);
    assert.equal(host.counts.requests, 3);
  });

  test("reads that wait are few, leave room for others (I11, RB1), and share turns", async () => {
    const fixture = new Fixture();
    fixture.turns.stepMs = 100;
    fixture.order(1, largeBatch(1, 2));
    fixture.commit(1, largeBatch(1, 2));
    fixture.host.onDurable(2);
    for (let nonce = 1; nonce <= 9_000; nonce += 1) fixture.hear(readOf(nonce));
    const refused = fixture.rejects.of("host/reads-behind");
    assert(refused > 0 && refused < 9_000);
    fixture.hear({ ...readOf(), client: CUSTOMER }, CUSTOMER);
    assert.equal(fixture.rejects.of("host/reads-behind"), refused);
    const answered = (): number =>
      fixture.messages.filter(({ kind }) => kind === "read-reply").length;
    await fixture.turns.pass(3);
    const some = answered();
    assert(some > 0 && some < 200, "some in each turn");
    await fixture.turns.pass(150);
    assert.equal(answered(), 9_001 - refused);
  });

  test("stopped halfway a batch is stored whole, with replies, or not at all (BK3)", async () => {
    const fixture = new Fixture();
    fixture.turns.stepMs = 100;
    for (const seq of [1, 2]) fixture.order(seq, largeBatch(seq, 2));
    for (const seq of [2, 1]) fixture.commit(seq, largeBatch(seq, 2));
    fixture.host.stop();
    const appended = [...fixture.appended];
    await fixture.turns.pass(6);
    assert.deepEqual(
      fixture.stored.map(([seq]) => seq),
      [1],
    );
    assert.equal(fixture.ledger.accountRows()[0]?.balance, 1_512n);
    // Else it would execute them again when a later batch holds them (EX2).
    const { sessions } = fixture.replica.clients.takeChanges();
    assert.deepEqual(
      sessions.map(({ session, seq }) => [session, seq]),
      [
        [100, 1],
        [101, 1],
      ],
    );
    const said = fixture.messages.filter(({ kind }) => kind === "reply");
    assert.deepEqual(said, [], "nobody hears of what was not recorded");
    assert.deepEqual(fixture.appended, appended);
  });

  test("tells a checkpoint's root behind its batch, before it is stored (CK1)", async () => {
    const fixture = new Fixture();
    const { turns, host, replica } = fixture;
    for (let seq = 1; seq <= 4; seq += 1) fixture.execute(seq);
    turns.stepMs = 100;
    fixture.order(5, largeBatch(5, 1));
    fixture.commit(5, largeBatch(5, 1));
    host.onDurable(10);
    assert.deepEqual([replica.executedSeq, fixture.pinned], [4, []]);
    await turns.pass(3);
    assert.deepEqual([replica.executedSeq, fixture.pinned], [5, [4]]);
    const late = new Fixture();
    for (let seq = 1; seq <= 5; seq += 1) late.execute(seq);
    assert.deepEqual([late.replica.executedSeq, late.pinned], [5, []]);
    late.store(5);
    assert.deepEqual(late.pinned, [4], "what is stored was told");
    await late.turns.pass(3);
    assert.deepEqual(late.pinned, [4], "once");
  });

  test("tells a root at the end too: what is stored waits for it (BK3)", async () => {
    const fixture = new Fixture();
    for (let seq = 1; seq <= 8; seq += 1) fixture.order(seq);
    for (let seq = 1; seq <= 4; seq += 1) fixture.commit(seq);
    fixture.host.stop();
    await fixture.turns.pass(3);
    assert.deepEqual(fixture.pinned, [4]);
  });
});
