import assert from "node:assert/strict";
import { test } from "node:test";
import type { JournalRecord, Message, Request } from "../../../src/core/message.js";
import { FlowRecorder } from "../../../src/io/flow-recorder.js";
import type { Log } from "../../../src/io/log.js";
import { StateLog } from "../../../src/io/state-log.js";

type WatchedReplica = ConstructorParameters<typeof StateLog>[0];

interface Line {
  readonly level: string;
  readonly fields: object;
  readonly message: string;
}

function logInto(lines: Line[]): Log {
  const at = (level: string) => (fields: object, message: string) => {
    lines.push({ level, fields, message });
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

test("each change of state is one line of the log, and a step that changes nothing is none", () => {
  const replica = {
    ...{ view: 0, primary: 0, active: true, stableSeq: 0, executedSeq: 9 },
    ...{ transferring: false, diverged: false, viewChangeCounts: new Map<string, number>() },
  } satisfies WatchedReplica;
  const lines: Line[] = [];
  const log = new StateLog(replica, logInto(lines));
  const step = (change: Partial<WatchedReplica>): void => {
    Object.assign(replica, change);
    log.stepped();
    log.stepped();
  };
  step({});
  replica.viewChangeCounts.set("request-timeout", 1);
  step({ view: 1, primary: 1, active: false });
  step({ active: true });
  step({ stableSeq: 128, executedSeq: 130 });
  step({ transferring: true });
  step({ transferring: false, executedSeq: 256 });
  step({ diverged: true });
  assert.deepEqual(
    lines.map(({ level, message }) => `${level}: ${message}`),
    [
      "warn: view change started",
      "info: view installed",
      "info: stable checkpoint",
      "info: state transfer started",
      "info: state transfer ended",
      "error: this replica's state differs from what a quorum agreed on",
    ],
  );
  assert.deepEqual(lines[0]?.fields, {
    ...{ view: 1, primary: 1, executed: 9, reason: "request-timeout" },
  });
  assert.deepEqual(lines[2]?.fields, { stable: 128 });
});

const REQUEST = { kind: "request", digest: Uint8Array.of(1, 2) } as unknown as Request;
const PREPARED_BY_1 = { kind: "prepare", view: 0, seq: 5 } as unknown as Message;

function recorderOf(): FlowRecorder {
  let micros = 0;
  return new FlowRecorder(() => (micros += 10));
}

function prePrepared(seq: number, view = 0): JournalRecord {
  return { kind: "pre-prepared", view, seq, batch: { requests: [REQUEST] } } as never;
}

test("a flow is recorded from the first question on, the request with its number", () => {
  const recorder = recorderOf();
  recorder.received({ role: "client", id: 0 }, REQUEST);
  assert.equal(recorder.flow(5), null);
  recorder.received({ role: "client", id: 0 }, REQUEST);
  recorder.appended(prePrepared(5));
  recorder.released({
    ...{ kind: "send", to: { kind: "others" }, after: null },
    message: { kind: "pre-prepare", view: 0, seq: 5 },
  } as never);
  recorder.received({ role: "replica", id: 1 }, PREPARED_BY_1);
  recorder.released({ kind: "reply", message: { kind: "reply", view: 0, seq: 5 } } as never);
  recorder.released({ kind: "reply", message: { kind: "read-reply", view: 0, seq: 5 } } as never);
  assert.deepEqual(recorder.flow(5), {
    seq: 5,
    view: 0,
    events: [
      { kind: "request", peer: "client", isSent: false, atMicros: 10 },
      { kind: "pre-prepare", peer: "others", isSent: true, atMicros: 20 },
      { kind: "prepare", peer: 1, isSent: false, atMicros: 30 },
      { kind: "reply", peer: "client", isSent: true, atMicros: 40 },
    ],
  });
});

test("a later view begins the flow anew, an earlier one adds nothing", () => {
  const recorder = recorderOf();
  recorder.flow(5);
  for (const view of [0, 2, 1]) {
    recorder.received({ role: "replica", id: 1 }, { kind: "commit", view, seq: 5 } as never);
  }
  assert.deepEqual([recorder.flow(5)?.view, recorder.flow(5)?.events.length], [2, 1]);
});

test("what is remembered is bounded: batches, and messages of one", () => {
  const recorder = recorderOf();
  recorder.flow(0);
  for (let count = 0; count < 1_000; count += 1) {
    recorder.received({ role: "replica", id: 1 }, PREPARED_BY_1);
  }
  assert.equal(recorder.flow(5)?.events.length, 96);
  for (let seq = 6; seq < 6 + 256; seq += 1) recorder.appended(prePrepared(seq));
  for (let seq = 6; seq < 6 + 256; seq += 1) {
    recorder.received({ role: "replica", id: 1 }, { kind: "prepare", view: 0, seq } as never);
  }
  assert.equal(recorder.flow(5), null);
});
