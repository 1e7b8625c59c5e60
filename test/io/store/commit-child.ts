import { SqliteStore } from "../../../src/io/sqlite-store.js";
import { groupOf, rowOf, sessionOf } from "./fixture.js";

/*
 * Commits groups until it is killed. Group seq moves 1 from A to B, so that every state tells how
 * many groups are in it; it prints each sequence number once its commit is done.
 */

const [, , path = "", money = ""] = process.argv;
const store = new SqliteStore({ path });
const state = await store.open();

for (let seq = (state?.seq ?? 0) + 1; ; seq += 1) {
  const changed = [rowOf(1, "A", BigInt(money) - BigInt(seq)), rowOf(2, "B", BigInt(seq))];
  await store.commit(groupOf(seq, seq, { changed, sessions: [sessionOf(0, 1, seq)] }));
  process.stdout.write(`${seq}\n`);
}
