import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { bootId } from "./boot-id.js";

/*
 * One process per identity (RS6): two that vote with one key would be a double vote, which is a
 * fault.
 *
 * Every process that wants the directory first puts up a flag, an empty file whose name says who it
 * is, and then looks at the flags of the others. Of two that come at the same time at least one
 * sees the other, so never do both go on. A flag is put up under a name that no other process can
 * have, so taking down a dead one's can never hit a live one; that is what goes wrong with a single
 * lock file that is removed when it looks stale. When both see each other, the one with the greater
 * name gives way.
 *
 * A process that was killed leaves its flag. It counts as dead when this host has been started anew
 * since, when no process has its number, or when the process with its number started at another
 * time. A flag of another host says nothing about life or death there, so it is believed.
 */

/** How long to wait for a process that came at the same time to give way. */
const GIVE_WAY_TRIES = 20;
const GIVE_WAY_MS = 25;

/** Stands in a flag's name where a process cannot learn when it, or another, started. */
const UNKNOWN_START = "0";

const HOST_NAME_CHARACTERS_MAX = 100;
const FLAG_NAME = /^lock-(\d+)-(\d+)-([0-9a-f]*)-([A-Za-z0-9._-]+)$/;

/** The world's fault: another process has the directory. The message says which and what to do. */
class LockError extends Error {
  override readonly name = "LockError";
}

/** A directory that this process has for itself, until it ends or lets go. */
export interface Lock {
  /** Lets others have the directory. Idempotent. */
  release(): void;
}

interface Holder {
  readonly pid: number;
  /** When the process started, in the system's own count; or `UNKNOWN_START`. */
  readonly startedAt: string;
  /** Which run of the operating system, shortened; empty where that cannot be known. */
  readonly boot: string;
  readonly host: string;
}

/**
 * Takes `directory` for this process.
 * @throws LockError when another process has it, or this one has it already.
 */
export async function lockDirectory(directory: string): Promise<Lock> {
  const self = await thisProcess();
  const path = join(directory, flagName(self));
  putUpFlag(directory, path);
  const release = (): void => rmSync(path, { force: true });
  try {
    const rival = await outwait(directory, self);
    if (rival === null) return { release };
    throw new LockError(heldBy(directory, rival, self));
  } catch (error) {
    release();
    throw error;
  }
}

function putUpFlag(directory: string, path: string): void {
  try {
    writeFileSync(path, "", { flag: "wx", mode: 0o600 });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") throw new LockError(`This process already uses ${directory}.`);
    throw new LockError(`${directory} cannot be locked (${message}). Check that it is writable.`);
  }
}

/** A live rival that will not give way, or null once there is none. Removes dead rivals' flags. */
async function outwait(directory: string, self: Holder): Promise<Holder | null> {
  for (let tries = 0; ; tries += 1) {
    const rival = findRival(directory, self);
    if (rival === null) return null;
    if (tries === GIVE_WAY_TRIES || flagName(rival) < flagName(self)) return rival;
    await sleep(GIVE_WAY_MS);
  }
}

function findRival(directory: string, self: Holder): Holder | null {
  for (const name of readdirSync(directory)) {
    const holder = holderOf(name);
    if (holder === null || name === flagName(self)) continue;
    if (isAlive(holder, self)) return holder;
    rmSync(join(directory, name), { force: true });
  }
  return null;
}

function isAlive(holder: Holder, self: Holder): boolean {
  if (holder.host !== self.host) return true;
  if (holder.boot !== self.boot) return false;
  if (!hasProcess(holder.pid)) return false;
  const startedAt = startOf(holder.pid);
  return [startedAt, holder.startedAt].includes(UNKNOWN_START) || startedAt === holder.startedAt;
}

function hasProcess(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/**
 * When process `pid` started, from field 22 of its /proc entry. `UNKNOWN_START` where that cannot
 * be read, and "" for a process that has ended and only waits for its parent to notice.
 */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const [state = "", ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" || state === "X" ? "" : (fields[18] ?? UNKNOWN_START);
  } catch {
    return UNKNOWN_START;
  }
}

async function thisProcess(): Promise<Holder> {
  const boot = (await bootId()).slice(0, 8);
  const host = hostname()
    .replace(/[^A-Za-z0-9._-]/g, "_")
    .slice(0, HOST_NAME_CHARACTERS_MAX);
  return { pid: process.pid, startedAt: startOf(process.pid), boot, host: host || "unnamed" };
}

function flagName({ pid, startedAt, boot, host }: Holder): string {
  return `lock-${pid}-${startedAt}-${boot}-${host}`;
}

function holderOf(name: string): Holder | null {
  const [, pid, startedAt = "", boot = "", host = ""] = FLAG_NAME.exec(name) ?? [];
  return pid === undefined ? null : { pid: Number(pid), startedAt, boot, host };
}

function heldBy(directory: string, rival: Holder, self: Holder): string {
  const { pid, host } = rival;
  if (host === self.host) {
    return `${directory} is in use by process ${pid}. Stop that process first.`;
  }
  return (
    `${directory} is in use by process ${pid} on host ${host}. ` +
    `If that process has ended for good, delete ${flagName(rival)} there and start again.`
  );
}
