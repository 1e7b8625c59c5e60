/*
 * Loaded into every thread of a replica's process before the replica itself (`node --import`): it
 * wraps what the replica makes durable and says, counts, and kills the process with SIGKILL at the
 * moment that it was ordered to. The replica runs the product's code as it is.
 */
import { Socket as DatagramSocket } from "node:dgram";
import fs from "node:fs";
import files, { type FileHandle } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { Socket } from "node:net";
import { basename } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { BroadcastChannel, isMainThread, workerData } from "node:worker_threads";
import { FrameKind, FrameOffset, kindOfType, LENGTH_BYTES } from "../../src/core/wire/layout.js";
import { type FileKind, HOOK_FD, type KillOrder, type Phase } from "./kill-points.js";
import { ORDER_CHANNEL, ORDER_VARIABLE } from "./kill-points.js";

const givenAtStart = process.env[ORDER_VARIABLE];
let order = givenAtStart === undefined ? null : (JSON.parse(givenAtStart) as KillOrder);
let passes = 0;

/** Kills the process if it was ordered to die here, now. */
function pass(operation: string, phase: Phase): void {
  if (isDue(operation, phase)) die(operation, phase);
}

function isDue(operation: string, phase: Phase): boolean {
  if (order?.operation !== operation || order.phase !== phase) return false;
  passes += 1;
  return passes === order.countdown;
}

function die(operation: string, phase: Phase): never {
  fs.writeSync(HOOK_FD, `${JSON.stringify({ operation, phase })}\n`);
  process.kill(process.pid, "SIGKILL");
  // Whatever thread this is, it must not go on until the signal has reached it.
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

async function around<T>(operation: string, work: () => Promise<T>): Promise<T> {
  pass(operation, "before");
  const result = await work();
  pass(operation, "after");
  return result;
}

function aroundSync<T>(operation: string, work: () => T): T {
  pass(operation, "before");
  const result = work();
  pass(operation, "after");
  return result;
}

/** Which of the replica's promises a file holds; "other" for none. */
function kindOf(path: string): FileKind | "other" {
  const name = basename(path);
  if (/^\d{12}\.log(\.new)?$/.test(name)) return "segment";
  if (name.startsWith("journal.manifest")) return "manifest";
  if (name.endsWith(".served")) return "mark";
  return name === "journal" || /^replica-\d+$/.test(name) ? "directory" : "other";
}

/** Of the files that are open, by descriptor. */
const kinds = new Map<number, FileKind | "other">();

function wrapFiles(): void {
  const { open, rename, unlink } = files;
  const { writeFileSync } = fs;
  const isCreating = (flags: unknown): boolean =>
    typeof flags === "number" && (flags & fs.constants.O_CREAT) !== 0;
  const wrappedOpen: typeof open = async (path, flags, mode) => {
    const kind = kindOf(String(path));
    const handle = isCreating(flags)
      ? await around(`${kind} create`, () => open(path, flags, mode))
      : await open(path, flags, mode);
    kinds.set(handle.fd, kind);
    return handle;
  };
  const wrappedRename: typeof rename = (from, to) =>
    around(`${kindOf(String(to))} rename`, () => rename(from, to));
  const wrappedUnlink: typeof unlink = (path) =>
    around(`${kindOf(String(path))} unlink`, () => unlink(path));
  Object.assign(files, { open: wrappedOpen, rename: wrappedRename, unlink: wrappedUnlink });
  const wrappedWriteFile: typeof writeFileSync = (path, data, options) => {
    const write = (): void => writeFileSync(path, data, options);
    if (basename(String(path)).startsWith("lock-")) aroundSync("lock", write);
    else write();
  };
  Object.assign(fs, { writeFileSync: wrappedWriteFile });
}

async function wrapHandles(): Promise<void> {
  const handle = await files.open(fileURLToPath(import.meta.url));
  const prototype = Object.getPrototypeOf(handle) as Record<string, (this: FileHandle) => unknown>;
  await handle.close();
  const wrap = (method: string, operation: string): void => {
    const original = prototype[method] as (...values: unknown[]) => Promise<unknown>;
    prototype[method] = function (this: FileHandle, ...values: unknown[]) {
      const name = `${kinds.get(this.fd) ?? "other"} ${operation}`;
      return around(name, () => Reflect.apply(original, this, values));
    };
  };
  wrap("sync", "sync");
  wrap("datasync", "sync");
  const close = prototype["close"] as (this: FileHandle) => Promise<void>;
  Object.assign(prototype, {
    close(this: FileHandle): Promise<void> {
      kinds.delete(this.fd);
      return close.call(this);
    },
  });
}

/** Called when bytes were written, by another thread. */
type Written = (error: Error | null, byteCount: number) => void;

/** Some bytes to some place of an open file: the journal's way to write, from either thread. */
function wrapWrites(): void {
  const { write, writeSync } = fs;
  const before = (fd: number, bytes: Uint8Array, start: number, length: number, at: number) => {
    const operation = `${kinds.get(fd) ?? "other"} write`;
    if (isDue(operation, "torn")) {
      writeSync(fd, bytes, start, Math.ceil(length / 2), at);
      die(operation, "torn");
    }
    pass(operation, "before");
    return operation;
  };
  Object.assign(fs, {
    write: (fd: number, ...values: [Uint8Array, number, number, number, Written]) => {
      const [bytes, start, length, at, written] = values;
      if (!kinds.has(fd)) return void Reflect.apply(write, fs, [fd, ...values]);
      const operation = before(fd, bytes, start, length, at);
      write(fd, bytes, start, length, at, (error, byteCount) => {
        pass(operation, "after");
        written(error, byteCount);
      });
    },
    writeSync: (fd: number, ...values: [Uint8Array, number, number, number]) => {
      if (!kinds.has(fd)) return Reflect.apply(writeSync, fs, [fd, ...values]) as number;
      const operation = before(fd, ...values);
      const byteCount = writeSync(fd, ...values);
      pass(operation, "after");
      return byteCount;
    },
  });
}

function wrapDatagrams(): void {
  const send = Reflect.get(DatagramSocket.prototype, "send") as (...values: unknown[]) => void;
  Object.assign(DatagramSocket.prototype, {
    send(this: DatagramSocket, bytes: Uint8Array, port: number, to: string, done: () => void) {
      const operation = `send ${messageIn(bytes)}`;
      aroundSync(operation, () => Reflect.apply(send, this, [bytes, port, to, done]));
    },
  });
}

/** The kind of the first message of a datagram. */
function messageIn(bytes: Uint8Array): string {
  if (bytes[FrameOffset.kind] === FrameKind.fragment) return "fragment";
  return kindOfType(bytes[FrameOffset.body + LENGTH_BYTES] ?? 0) ?? "other";
}

/** The embedded database lives in a thread of its own, which this is if `workerData` says so. */
async function wrapDatabase(): Promise<void> {
  const { default: Libsql } = await import("libsql");
  const exec = Reflect.get(Libsql.prototype, "exec") as (sql: string) => unknown;
  Object.assign(Libsql.prototype, {
    exec(this: unknown, sql: string) {
      const work = (): unknown => Reflect.apply(exec, this, [sql]);
      if (sql === "COMMIT") return aroundSync("database commit", work);
      return sql.startsWith("BEGIN") ? aroundSync("database begin", work) : work();
    },
  });
}

/** What the driver has and its types do not tell. */
interface DriverParts {
  readonly PromiseConnection: { readonly prototype: object };
}

/** A database server is spoken to from the main thread. */
async function wrapDatabaseServer(): Promise<void> {
  const { PromiseConnection } = (await import("mysql2/promise")) as unknown as DriverParts;
  const query = Reflect.get(PromiseConnection.prototype, "query") as (
    sql: string,
  ) => Promise<never>;
  Object.assign(PromiseConnection.prototype, {
    query(this: unknown, sql: string) {
      const work = (): Promise<never> => Reflect.apply(query, this, [sql]);
      if (sql === "COMMIT") return around("database commit", work);
      return sql === "START TRANSACTION" ? around("database begin", work) : work();
    },
  });
}

function isDatabaseThread(): boolean {
  return (
    !isMainThread &&
    typeof workerData === "object" &&
    workerData !== null &&
    "durability" in workerData
  );
}

/** Orders reach the main thread, which passes them on to the others. */
function listen(): void {
  const channel = new BroadcastChannel(ORDER_CHANNEL);
  channel.unref();
  const obey = (next: KillOrder): void => {
    order = next;
    passes = 0;
  };
  channel.onmessage = (event: unknown) => obey((event as { readonly data: KillOrder }).data);
  if (!isMainThread) return;
  const orders = new Socket({ fd: HOOK_FD });
  orders.unref();
  orders.on("error", () => orders.destroy());
  createInterface({ input: orders }).on("line", (line) => {
    const next = JSON.parse(line) as KillOrder;
    obey(next);
    channel.postMessage(next);
  });
}

if (isMainThread || isDatabaseThread()) {
  await wrapHandles();
  wrapFiles();
  wrapWrites();
  wrapDatagrams();
  syncBuiltinESMExports();
  if (isDatabaseThread()) await wrapDatabase();
  else await wrapDatabaseServer();
  listen();
}
