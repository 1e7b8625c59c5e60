import { DURABILITIES, isStoreUrl, REPLIES } from "../io/config-schema.js";
import type { Durability, Replies, StoreUrl } from "../io/config-schema.js";
import { type OptionDescription, UsageError } from "./command.js";

/** The options that `storeOf`, `durabilityOf` and `repliesOf` read. */
export const STORAGE_OPTIONS: readonly OptionDescription[] = [
  {
    flags: "--store <store>",
    summary: "sqlite, memory or mysql://user:password@host:port/prefix",
    fallback: "sqlite",
  },
  {
    flags: "--durability <kind>",
    summary: "what counts as on disk: fsync, async or none",
    fallback: "fsync",
  },
  {
    flags: "--replies <kind>",
    summary: "what an answer waits for: the journal, or the database too (strict)",
    fallback: "journal",
  },
];

/** How replicas keep what they decided. */
export interface StorageOptions {
  readonly store: StoreUrl;
  readonly durability: Durability;
  readonly replies: Replies;
}

/**
 * The value of `--store`. A MySQL URL without a password takes that of `MYSQL_PWD`, as MySQL's own
 * programs do: what is on a command line, everybody on the machine can read.
 * @throws UsageError when it is none.
 */
export function storeOf(written: string, environment = process.env): StoreUrl {
  if (isStoreUrl(written)) return withPassword(written, environment["MYSQL_PWD"] ?? "");
  // What was written may hold a password.
  throw new UsageError("--store must be sqlite, memory or mysql://user:password@host:port/prefix");
}

function withPassword(store: StoreUrl, password: string): StoreUrl {
  if (!store.startsWith("mysql:") || password === "") return store;
  const url = new URL(store);
  if (url.password === "") url.password = encodeURIComponent(password);
  return isStoreUrl(url.href) ? url.href : store;
}

/** The value of `--durability`. @throws UsageError when it is none. */
export function durabilityOf(written: string): Durability {
  const durability = DURABILITIES.find((kind) => kind === written);
  if (durability !== undefined) return durability;
  throw new UsageError(`--durability must be fsync, async or none, not "${written}"`);
}

/** The value of `--replies`. @throws UsageError when it is none. */
export function repliesOf(written: string): Replies {
  const replies = REPLIES.find((kind) => kind === written);
  if (replies !== undefined) return replies;
  throw new UsageError(`--replies must be journal or strict, not "${written}"`);
}
