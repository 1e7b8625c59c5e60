import { isIP } from "node:net";
import { assert } from "../core/base/assert.js";
import { hexOf } from "../core/base/bytes.js";
import {
  BATCH_BYTES_MAX,
  BATCH_REQUESTS_MAX,
  CLIENTS_MAX,
  REQUEST_BYTES_MAX,
  WINDOW_SLOTS_MAX,
} from "../core/base/limits.js";
import { encodePlainText } from "../core/base/plain-text.js";
import { REPLICAS_MAX, REPLICAS_MIN } from "../core/base/quorum.js";
import { KEY_BYTES } from "../core/crypto/crypto.js";
import {
  ACCOUNTS_MAX,
  ACCOUNT_BYTES_MAX,
  ADDRESS_BYTES_MAX,
  CUSTOMER_ID_MAX,
  NAME_BYTES_MAX,
} from "../core/ledger/account-row.js";
import { ConfigError } from "./config-error.js";
import { formatMoney, parseMoney } from "./money.js";
import { parseMysqlUrl } from "./mysql-address.js";
import { z } from "./schema-library.js";

/*
 * The form of a cluster's files, field by field: one schema for each file, used to read it and to
 * write it. What several fields must be together stands in config-rules.ts.
 */

/** A file that says anything but this version was written by another release. */
export const FILE_VERSION = 1;

/** Size of the random number that names a cluster. */
export const CLUSTER_ID_BYTES = 32;

/** A value that `check` accepts; `expected` completes the sentence "field … must be …". */
function leaf<T>(expected: string, check: (value: unknown) => boolean): z.ZodCustom<T, T> {
  return z.custom<T>(check, { error: expected });
}

function wholeNumber(min: number, max: number): z.ZodCustom<number, number> {
  const range = `a whole number from ${min} to ${max}`;
  return leaf<number>(
    range,
    (value) => Number.isInteger(value) && isWithin(Number(value), min, max),
  );
}

function isWithin(value: number, min: number, max: number): boolean {
  return value >= min && value <= max;
}

function text(bytesMin: number, bytesMax: number) {
  const range = `${bytesMin} to ${bytesMax} bytes`;
  return leaf<string>(`a text of ${range} without control characters`, (value) => {
    const bytes = typeof value === "string" ? encodePlainText(value) : null;
    return bytes !== null && isWithin(bytes.length, bytesMin, bytesMax);
  });
}

function hex(byteCount: number) {
  const pattern = new RegExp(`^[0-9a-f]{${2 * byteCount}}$`);
  const expected = `${byteCount} bytes in lower-case hexadecimal`;
  const written = leaf<string>(
    expected,
    (value) => typeof value === "string" && pattern.test(value),
  );
  return z.codec(written, z.custom<Uint8Array>(), {
    decode: (digits) => Uint8Array.from(Buffer.from(digits, "hex")),
    encode: (bytes) => hexOf(bytes),
  });
}

const money = z.codec(
  leaf<string>('an amount of money such as "100.00"', (value) => {
    return typeof value === "string" && parseMoney(value) !== null;
  }),
  z.bigint(),
  {
    decode: (written) => parseMoney(written) ?? 0n,
    encode: (minorUnits) => formatMoney(minorUnits),
  },
);

const NAME_PATTERN = /^[a-z0-9][a-z0-9-]{0,31}$/;

/** What clients and services are called. */
export const SHORT_NAME = "a name of 1 to 32 lower-case letters, digits and hyphens";

/** Whether `value` is such a name. */
export function isShortName(value: unknown): value is string {
  return typeof value === "string" && NAME_PATTERN.test(value);
}

const shortName = leaf<string>(SHORT_NAME, isShortName);

const version = leaf<typeof FILE_VERSION>(
  `${FILE_VERSION}, the only version that this release reads`,
  (value) => value === FILE_VERSION,
);

const replicaSchema = z.strictObject({
  id: wholeNumber(0, REPLICAS_MAX - 1),
  host: leaf<string>("an IP address", (value) => typeof value === "string" && isIP(value) !== 0),
  port: wholeNumber(1, 65_535),
  signKey: hex(KEY_BYTES),
  exchangeKey: hex(KEY_BYTES),
});

const CLIENT_ROLES = ["teller", "customer"] as const;

const clientSchema = z.strictObject({
  name: shortName,
  role: leaf<(typeof CLIENT_ROLES)[number]>('"teller" or "customer"', (value) => {
    return CLIENT_ROLES.some((role) => role === value);
  }),
  signKey: hex(KEY_BYTES),
  exchangeKey: hex(KEY_BYTES),
});

const accountSchema = z.strictObject({
  customerId: wholeNumber(1, CUSTOMER_ID_MAX),
  account: text(1, ACCOUNT_BYTES_MAX),
  name: text(0, NAME_BYTES_MAX),
  address: text(0, ADDRESS_BYTES_MAX),
  balance: money,
  owner: z.nullable(shortName),
});

/** Largest number of ticks a timeout may have. */
const TICKS_MAX = 1_000_000;

const settingsSchema = z.strictObject({
  /** Milliseconds of one tick, the unit of every timeout below. */
  tickMs: wholeNumber(1, 1_000),
  checkpointIntervalSlots: wholeNumber(1, WINDOW_SLOTS_MAX / 2),
  windowSlots: wholeNumber(2, WINDOW_SLOTS_MAX),
  batchesInFlightMax: wholeNumber(1, WINDOW_SLOTS_MAX),
  batchRequestsMax: wholeNumber(1, BATCH_REQUESTS_MAX),
  batchBytesMax: wholeNumber(REQUEST_BYTES_MAX, BATCH_BYTES_MAX),
  pendingPerClientMax: wholeNumber(1, 100_000),
  viewChangeTicks: wholeNumber(1, TICKS_MAX),
  viewChangeTicksMax: wholeNumber(1, TICKS_MAX),
  stalledStatusTicks: wholeNumber(1, TICKS_MAX),
  idleStatusTicks: wholeNumber(1, TICKS_MAX),
});

/** The public file: genesis.json. */
export const genesisSchema = z.strictObject({
  version,
  clusterId: hex(CLUSTER_ID_BYTES),
  replicas: z.array(replicaSchema).min(REPLICAS_MIN).max(REPLICAS_MAX),
  clients: z.array(clientSchema).min(1).max(CLIENTS_MAX),
  /** Left out where it is the ledger. */
  service: shortName.exactOptional(),
  accounts: z.array(accountSchema).max(ACCOUNTS_MAX),
  settings: settingsSchema,
});

const secretFields = {
  clusterId: hex(CLUSTER_ID_BYTES),
  signSeed: hex(KEY_BYTES),
  exchangeSecret: hex(KEY_BYTES),
};

/** When a replica may believe that something is on disk: after an fsync, soon, or never. */
export const DURABILITIES = ["fsync", "async", "none"] as const;

/** One of them. */
export type Durability = (typeof DURABILITIES)[number];

/** What an answer waits for: the replica's journal, or its database too (strict). */
export const REPLIES = ["journal", "strict"] as const;

/** One of them. */
export type Replies = (typeof REPLIES)[number];

/** Where a replica keeps its customer table. */
export type StoreUrl = "sqlite" | "memory" | `mysql://${string}`;

/** A replica's private file: its secrets, its database, and what it calls durable. */
export const replicaKeySchema = z.strictObject({
  version,
  id: wholeNumber(0, REPLICAS_MAX - 1),
  ...secretFields,
  store: leaf<StoreUrl>(
    '"sqlite", "memory" or "mysql://user:password@host:port/prefix"',
    isStoreUrl,
  ),
  durability: leaf<Durability>('"fsync", "async" or "none"', (value) => {
    return DURABILITIES.some((durability) => durability === value);
  }),
  /** Key files of earlier releases do not say. */
  replies: leaf<Replies>('"journal" or "strict"', (value) => {
    return REPLIES.some((replies) => replies === value);
  }).default("journal"),
});

/** A client's private file: its secrets. */
export const clientKeySchema = z.strictObject({ version, name: shortName, ...secretFields });

/** The genesis as its file holds it: accounts name their owners. */
export type GenesisFile = z.output<typeof genesisSchema>;

/** A replica's private file, in memory. */
export type ReplicaKeyFile = z.output<typeof replicaKeySchema>;

/** A client's private file, in memory. */
export type ClientKeyFile = z.output<typeof clientKeySchema>;

/** Whether `value` names a store: see `StoreUrl`. */
export function isStoreUrl(value: unknown): value is StoreUrl {
  if (value === "sqlite" || value === "memory") return true;
  return typeof value === "string" && parseMysqlUrl(value) !== null;
}

/** The content of a file that `parseFile` reads back as `value`. */
export function formatFile<T extends z.ZodType>(schema: T, value: z.output<T>): string {
  return `${JSON.stringify(z.encode(schema, value), null, 2)}\n`;
}

/** Values of a private file are never repeated in a message: messages end up in logs. */
type Privacy = "shown" | "secret";

/**
 * What `json`, the content of `file`, says under `schema`.
 * @throws ConfigError with a sentence about the first thing that is wrong.
 */
export function parseFile<T extends z.ZodType>(
  schema: T,
  file: string,
  json: string,
  privacy: Privacy,
): z.output<T> {
  const value = parseJson(file, json);
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  assert(issue !== undefined, "a failed parse names an issue");
  throw new ConfigError(`${file}: ${sentence(issue, value, privacy)}.`);
}

function parseJson(file: string, json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new ConfigError(`${file} is not JSON. Restore the file that \`init\` wrote.`);
  }
}

function sentence(issue: z.core.$ZodIssue, whole: unknown, privacy: Privacy): string {
  const field = issue.path.length === 0 ? "the file" : `field ${fieldName(issue.path)}`;
  if (issue.code === "unrecognized_keys")
    return `${field} has an unknown field "${issue.keys[0] ?? ""}"`;
  const expected = expectedBy(issue);
  const found = valueAt(whole, issue.path);
  if (found === undefined) return `${field} is missing; it must be ${expected}`;
  if (privacy === "secret") return `${field} must be ${expected}`;
  return `${field} must be ${expected}, not ${excerpt(found)}`;
}

function expectedBy(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_type") return issue.expected === "array" ? "a list" : "an object";
  if (issue.code === "too_small") return `a list of at least ${issue.minimum}`;
  if (issue.code === "too_big") return `a list of at most ${issue.maximum}`;
  return issue.message;
}

function fieldName(path: readonly PropertyKey[]): string {
  const parts = path.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`));
  return parts.join("").replace(/^\./, "");
}

function valueAt(whole: unknown, path: readonly PropertyKey[]): unknown {
  let value = whole;
  for (const key of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Readonly<Record<PropertyKey, unknown>>)[key];
  }
  return value;
}

const EXCERPT_LENGTH_MAX = 60;

function excerpt(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  const written = JSON.stringify(value);
  if (written.length <= EXCERPT_LENGTH_MAX) return written;
  return `${written.slice(0, EXCERPT_LENGTH_MAX)}…`;
}
