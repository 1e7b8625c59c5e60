import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ACCOUNT_BYTES_MAX,
  ACCOUNTS_MAX,
  ADDRESS_BYTES_MAX,
  NAME_BYTES_MAX,
} from "../../../src/core/ledger/account-row.js";
import { encodeProfile, PROFILE_BYTES_MAX } from "../../../src/core/ledger/profile.js";

test("the longest profiles of all accounts that there may be fit one array", () => {
  const text = (length: number): Uint8Array => new Uint8Array(length).fill(65);
  const [account, name] = [text(ACCOUNT_BYTES_MAX), text(NAME_BYTES_MAX)];
  const longest = encodeProfile(1, 0, account, name, text(ADDRESS_BYTES_MAX));
  assert.equal(longest.length, PROFILE_BYTES_MAX);
  assert(ACCOUNTS_MAX * PROFILE_BYTES_MAX < 2 ** 32, "Node.js 20 allows no larger one");
});
