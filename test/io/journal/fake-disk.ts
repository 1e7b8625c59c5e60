import { dirname } from "node:path";
import type { JournalFile, JournalFiles } from "../../../src/io/journal-files.js";

/** A source of choices: an integer from 0 (included) to `bound` (excluded). */
export type Choose = (bound: number) => number;

const SECTOR_BYTES = 512;

type ContentChange =
  | { readonly kind: "write"; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: "size"; readonly byteCount: number };

/** A file: what is safe on the platter, what the system shows, and what it has yet to write. */
class Inode {
  durable: Uint8Array = new Uint8Array();
  bytes: Uint8Array = new Uint8Array();
  changes: ContentChange[] = [];

  change(change: ContentChange): void {
    this.bytes = applyChange(this.bytes, change);
    this.changes.push(change);
  }

  /** Replaces the content, on the platter too. */
  replace(bytes: Uint8Array): void {
    this.changes = [];
    this.durable = bytes.slice();
    this.bytes = this.durable;
  }

  /** What was to be written could not be: it is still shown, but taken for written, as on Linux. */
  syncFailed(): void {
    this.changes = [];
  }

  /** What makes the changes so far durable, later. */
  syncLater(): () => void {
    const last = this.changes.at(-1);
    return () => {
      const count = last === undefined ? 0 : this.changes.indexOf(last) + 1;
      this.durable = this.changes.splice(0, count).reduce(applyChange, this.durable);
    };
  }

  /** Keeps, loses or tears each change since the last sync, by choice. */
  crash(choose: Choose): void {
    const changes = this.changes.splice(0);
    for (const change of changes) {
      const fate = choose(3);
      if (fate === 0) continue;
      const kept = fate === 1 || change.kind === "size" ? [change] : torn(change, choose);
      this.durable = kept.reduce(applyChange, this.durable);
    }
    this.bytes = this.durable;
  }
}

type Call = <T>(name: string, path: string, begin: () => () => T) => Promise<T>;

/** One that holds its caller up. */
type CallNow = (name: string, path: string, begin: () => () => void) => void;

interface NameChange {
  readonly directory: string;
  readonly apply: (names: Map<string, Inode>) => void;
}

/** Thrown where a real process would have come to its end: from there on it does nothing. */
export class Halted extends Error {}

/**
 * A disk in memory on which nothing is safe before it was synced: at a crash every write and every
 * change of a name since the last sync is kept, lost, or torn at a sector, each on its own. What a
 * sync that failed was to save is lost at a crash, whatever is synced later.
 */
export class FakeDisk {
  /** Names of the calls so far. */
  calls: string[] = [];
  /** Makes a call fail or take its time: the error that the disk answers with, or null. */
  failure: (call: string, path: string) => Error | null | Promise<null> = () => null;
  /** Resolves when the disk stops answering. */
  halted: Promise<void>;

  #names = new Map<string, Inode>();
  #durableNames = new Map<string, Inode>();
  #nameChanges: NameChange[] = [];
  #boot = 1;
  #process = 1;
  #salt = 0;
  #callsLeft = Infinity;
  #haltNow: () => void = () => undefined;
  #paused: (() => void)[] | null = null;

  constructor() {
    this.halted = this.#newHalt();
  }

  /** Stops answering after `count` more calls. */
  haltAfter(count: number): void {
    this.#callsLeft = count;
  }

  /** Holds back all answers until `resume`. */
  pause(): void {
    this.#paused ??= [];
  }

  resume(): void {
    const held = this.#paused ?? [];
    this.#paused = null;
    for (const answer of held) answer();
  }

  /** Cuts the power: what was not synced meets its fate; then the machine starts again. */
  cutPower(choose: Choose): void {
    for (const change of this.#nameChanges) if (choose(2) === 0) change.apply(this.#durableNames);
    this.#nameChanges = [];
    this.#names = new Map(this.#durableNames);
    for (const inode of this.#names.values()) inode.crash(choose);
    this.#boot += 1;
    this.#restart();
  }

  /** Ends the process only: the operating system keeps everything. */
  kill(): void {
    this.#restart();
  }

  /** The live bytes of a file, to look at. */
  bytesOf(path: string): Uint8Array {
    return this.#inode(path).bytes;
  }

  /** Replaces the bytes of a file, as decay or a person would. */
  overwrite(path: string, bytes: Uint8Array): void {
    this.#inode(path).replace(bytes);
  }

  /** Puts a file where there is none. */
  place(path: string, bytes: Uint8Array): void {
    const inode = new Inode();
    inode.replace(bytes);
    for (const names of [this.#names, this.#durableNames]) names.set(path, inode);
  }

  /** Removes a file or all files below a directory, as a person would. */
  remove(path: string): void {
    for (const names of [this.#names, this.#durableNames]) {
      for (const name of names.keys()) {
        if (name === path || name.startsWith(`${path}/`)) names.delete(name);
      }
    }
  }

  /** Paths of all files, sorted. */
  paths(): string[] {
    return [...this.#names.keys()].sort();
  }

  /** The disk as the next process sees it, until `cutPower` or `kill` ends that process. */
  mount(): JournalFiles {
    const process = this.#process;
    const call: Call = async (name, path, begin) => {
      if (process !== this.#process) return forever();
      const finish = begin();
      await this.#answer(name, path);
      return process === this.#process ? finish() : forever();
    };
    const callNow: CallNow = (name, path, begin) => {
      if (process !== this.#process) throw new Halted();
      const finish = begin();
      this.#answerNow(name, path);
      finish();
    };
    return {
      list: (directory) => call("list", directory, () => () => this.#list(directory)),
      makeDirectory: (directory) => call("makeDirectory", directory, () => nothing),
      read: (path) => call("read", path, () => () => this.#names.get(path)?.bytes ?? null),
      create: (path, durableWrites) => {
        const file = (inode: Inode) => this.#file(path, inode, durableWrites, call, callNow);
        return call("create", path, () => {
          const inode = this.#create(path);
          return () => file(inode);
        });
      },
      rename: (from, to) => call("rename", from, () => this.#rename(from, to)),
      unlink: (path) => call("unlink", path, () => this.#unlink(path)),
      syncDirectory: (directory) =>
        call("syncDirectory", directory, () => this.#syncDirectory(directory)),
      bootId: () => Promise.resolve(`boot-${this.#boot}`),
      salt: () => this.#nextSalt(),
    };
  }

  #list(directory: string): string[] {
    const prefix = `${directory}/`;
    const below = this.paths().filter((path) => path.startsWith(prefix));
    return [...new Set(below.map((path) => path.slice(prefix.length).split("/")[0] ?? ""))];
  }

  #create(path: string): Inode {
    const existing = this.#names.get(path);
    const inode = existing ?? new Inode();
    if (existing !== undefined) inode.change({ kind: "size", byteCount: 0 });
    else this.#changeNames(dirname(path), (names) => names.set(path, inode));
    return inode;
  }

  #file(
    path: string,
    inode: Inode,
    durableWrites: boolean,
    call: Call,
    callNow: CallNow,
  ): JournalFile {
    let syncCount = 0;
    let isWritten = false;
    const begin = (bytes: Uint8Array, offset: number): (() => void) => {
      if (isWritten) throw new Error(`EBUSY: ${path} is written to while it is written to`);
      inode.change({ kind: "write", offset, bytes: bytes.slice() });
      return durableWrites ? inode.syncLater() : nothing;
    };
    return {
      write: async (bytes, offset) => {
        const written = call("write", path, () => begin(bytes, offset));
        isWritten = true;
        await (durableWrites ? synced(inode, written) : written);
        isWritten = false;
      },
      writeNow: (bytes, offset) => {
        try {
          callNow("writeNow", path, () => begin(bytes, offset));
        } catch (error) {
          if (durableWrites && !(error instanceof Halted)) inode.syncFailed();
          throw error;
        }
      },
      sync: async () => {
        syncCount += 1;
        await synced(
          inode,
          call("sync", path, () => inode.syncLater()),
        );
        syncCount -= 1;
      },
      close: () => {
        if (syncCount > 0) throw new Error(`EBADF: ${path} is closed while it is synced`);
        return call("close", path, () => nothing);
      },
    };
  }

  #rename(from: string, to: string): () => void {
    this.#changeNames(dirname(from), (names) => {
      for (const [path, inode] of [...names]) {
        if (path !== from && !path.startsWith(`${from}/`)) continue;
        names.delete(path);
        names.set(to + path.slice(from.length), inode);
      }
    });
    return nothing;
  }

  #unlink(path: string): () => void {
    this.#changeNames(dirname(path), (names) => names.delete(path));
    return nothing;
  }

  #syncDirectory(directory: string): () => void {
    const before = new Set(this.#nameChanges.filter((change) => change.directory === directory));
    return () => {
      for (const change of before) change.apply(this.#durableNames);
      this.#nameChanges = this.#nameChanges.filter((change) => !before.has(change));
    };
  }

  #nextSalt(): number {
    this.#salt = (Math.imul(this.#salt, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#salt;
  }

  async #answer(call: string, path: string): Promise<void> {
    this.calls.push(call);
    if (this.#callsLeft <= 0) {
      this.#haltNow();
      await forever();
    }
    this.#callsLeft -= 1;
    const held = this.#paused;
    if (held !== null) await new Promise<void>((resolve) => held.push(resolve));
    const failure = await this.failure(call, path);
    if (failure !== null) throw failure;
  }

  /** A process that waits for a disk which halts goes no further. */
  #answerNow(call: string, path: string): void {
    this.calls.push(call);
    if (this.#callsLeft <= 0) {
      this.#haltNow();
      throw new Halted();
    }
    this.#callsLeft -= 1;
    const failure = this.failure(call, path);
    if (failure instanceof Error) throw failure;
    if (failure !== null) throw new Error("a test lets no call wait that holds everything up");
  }

  #changeNames(directory: string, apply: (names: Map<string, Inode>) => void): void {
    apply(this.#names);
    this.#nameChanges.push({ directory, apply });
  }

  #inode(path: string): Inode {
    const inode = this.#names.get(path);
    if (inode === undefined) throw new Error(`ENOENT: ${path}`);
    return inode;
  }

  #restart(): void {
    this.#process += 1;
    this.#paused = null;
    this.#callsLeft = Infinity;
    this.halted = this.#newHalt();
  }

  #newHalt(): Promise<void> {
    return new Promise((resolve) => {
      this.#haltNow = resolve;
    });
  }
}

async function synced(inode: Inode, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    inode.syncFailed();
    throw error;
  }
}

function nothing(): void {
  return undefined;
}

function forever(): Promise<never> {
  return new Promise(() => undefined);
}

function applyChange(content: Uint8Array, change: ContentChange): Uint8Array {
  const length =
    change.kind === "size"
      ? change.byteCount
      : Math.max(content.length, change.offset + change.bytes.length);
  const changed = new Uint8Array(length);
  changed.set(content.subarray(0, length));
  if (change.kind === "write") changed.set(change.bytes, change.offset);
  return changed;
}

function torn(
  { offset, bytes }: Extract<ContentChange, { kind: "write" }>,
  choose: Choose,
): ContentChange[] {
  const kept: ContentChange[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = Math.min(bytes.length, start + SECTOR_BYTES - ((offset + start) % SECTOR_BYTES));
    const part = bytes.subarray(start, end);
    if (choose(2) === 0) kept.push({ kind: "write", offset: offset + start, bytes: part });
    start = end;
  }
  return kept;
}
