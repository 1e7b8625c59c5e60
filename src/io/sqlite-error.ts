import { existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { StoreError } from "./store.js";

/** Trouble that may pass at any time. */
const PASSING = { patienceMs: Number.POSITIVE_INFINITY };

type Advice = readonly [code: string, sentence: string, options?: typeof PASSING];

/**
 * What to tell the operator, by the start of SQLite's result code, and whether it may pass. After a
 * failed fsync nobody knows what is on the disk: that is never tried again.
 */
const SENTENCES: readonly Advice[] = [
  ["SQLITE_BUSY", "is locked by another process: end that one.", PASSING],
  ["SQLITE_LOCKED", "is locked by another process: end that one.", PASSING],
  ["SQLITE_FULL", "cannot grow: the disk is full. Free some space.", PASSING],
  ["SQLITE_READONLY", "is not writable. Let this user write it and its directory."],
  ["SQLITE_PERM", "is not writable. Let this user write it and its directory."],
  ["SQLITE_CANTOPEN", "cannot be opened. Check that this user may write there."],
  [
    "SQLITE_NOTADB",
    "is not a SQLite database. Move the file away: the replica fetches the state from the others.",
  ],
  [
    "SQLITE_CORRUPT",
    "is damaged. Move the file away: the replica fetches the state from the others.",
  ],
  ["SQLITE_IOERR", "cannot be read or written: the disk reports an error."],
];

/** The sentence for whatever went wrong with the database file at `path`. */
export function storeErrorOf(path: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const known = SENTENCES.find(([start]) => code.startsWith(start));
  if (known !== undefined) {
    const [, sentence, options] = known;
    return new StoreError(`The database ${path} ${sentence} (${message})`, {
      ...options,
      cause: error,
    });
  }
  if (message.includes("Unable to open connection")) {
    return new StoreError(cannotOpen(path), { cause: error });
  }
  return new StoreError(`The database ${path} failed: ${message}.`, { cause: error });
}

function cannotOpen(path: string): string {
  const directory = dirname(path);
  if (!existsSync(directory)) {
    return `There is no directory ${directory} for the database. Create it, or check the path.`;
  }
  if (existsSync(path) && statSync(path).isDirectory()) {
    return `The database ${path} is a directory. Give the path of a file.`;
  }
  return `The database ${path} cannot be opened. Check that this user may write there.`;
}
