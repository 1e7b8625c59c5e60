import assert from "node:assert/strict";
import { test } from "node:test";
import { storeOf } from "../../src/cli/storage-options.js";
import { parseMysqlUrl } from "../../src/io/mysql-address.js";

test("a MySQL URL without a password takes that of MYSQL_PWD, whatever its letters", () => {
  for (const password of ["simple", "p@:/%20ä?#&=+ '\"", "%41"]) {
    const store = storeOf("mysql://pbft@127.0.0.1:3307/bank?tls=on", { MYSQL_PWD: password });
    const address = parseMysqlUrl(store);
    assert.equal(address?.password, password);
    assert.deepEqual([address.user, address.port, address.prefix], ["pbft", 3307, "bank"]);
    assert.notEqual(address.tls, null);
  }
});

test("a password in the URL stands, and a store without a server has none", () => {
  const environment = { MYSQL_PWD: "other" };
  const given = "mysql://pbft:own@127.0.0.1/bank";
  assert.equal(storeOf(given, environment), given);
  assert.equal(storeOf("sqlite", environment), "sqlite");
  const open = "mysql://root@127.0.0.1/bank";
  assert.equal(storeOf(open, {}), open);
});
