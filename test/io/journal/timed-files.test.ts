import assert from "node:assert/strict";
import { test } from "node:test";
import { timedFiles } from "../../../src/io/timed-files.js";
import { FakeDisk } from "./fake-disk.js";
import { bytesOf } from "./fixture.js";

test("each write is timed, whichever thread makes it, unless it fails", async () => {
  const disk = new FakeDisk();
  const times: number[] = [];
  const files = timedFiles(disk.mount(), (ms) => times.push(ms));
  const file = await files.create("/file", true);
  await file.write(bytesOf("a"), 0);
  assert.equal(times.length, 1);
  file.writeNow(bytesOf("b"), 1);
  assert.equal(times.length, 2);
  assert.ok(times.every((ms) => ms >= 0 && ms < 60_000));
  disk.failure = () => new Error("EIO");
  assert.throws(() => file.writeNow(bytesOf("c"), 2), /EIO/);
  await assert.rejects(file.write(bytesOf("c"), 2), /EIO/);
  assert.equal(times.length, 2);
  disk.failure = () => null;
  await file.sync();
  await file.close();
  assert.deepEqual(disk.calls.slice(-2), ["sync", "close"]);
  assert.equal(String.fromCharCode(...disk.bytesOf("/file").subarray(0, 2)), "ab");
});
