import { StoreError } from "./store.js";

/*
 * What to do about an error of MySQL, MariaDB or the way there: wait, or stop with a sentence.
 */

/** An error as the driver throws it. */
interface DriverError extends Error {
  /** The server's error number; none when the connection failed. */
  readonly errno?: number;
  /** A name: the operating system's, the driver's or the server's. */
  readonly code?: string;
  /** Whether the connection is of no more use. */
  readonly fatal?: boolean;
}

/** Denied for this long, it is meant: a password or a grant may be on its way to the server. */
const DENIED_PATIENCE_MS = 30_000;

type Advice = readonly [sentence: string, patienceMs: number];

const WAIT = Number.POSITIVE_INFINITY;

const DENIED: Advice = [
  "refuses this user. Check user and password in the replica's key file, and the user's grants.",
  DENIED_PATIENCE_MS,
];
const FULL: Advice = ["cannot grow: its disk is full. Free some space.", WAIT];
const BROKEN_FILE: Advice = ["reports an error of its files. Its own log tells which.", WAIT];
const AWAY: Advice = ["is out of reach. Start the server, or check host and port.", WAIT];
const BUSY: Advice = ["has no room for another connection or statement.", WAIT];
const LOCKED: Advice = ["keeps these rows locked for another connection.", WAIT];
const READ_ONLY: Advice = ["is read-only at present.", WAIT];
const ALTERED: Advice = [
  "has not the tables that this program made: somebody altered them. Restore them from a backup.",
  0,
];
const REFUSED: Advice = [
  "refuses the rows: somebody changed them or the tables. Restore them from a backup.",
  0,
];
const PACKET: Advice = ["takes no packet of this size. Raise max_allowed_packet.", 0];

/** By the server's error number. */
const BY_NUMBER: ReadonlyMap<number, Advice> = new Map<number, Advice>([
  [3, FULL],
  [20, FULL],
  [1020, LOCKED],
  [1021, FULL],
  [1030, BROKEN_FILE],
  [1037, BUSY],
  [1038, BUSY],
  [1040, BUSY],
  [1041, BUSY],
  [1044, DENIED],
  [1045, DENIED],
  [1049, ALTERED],
  [1053, AWAY],
  [1054, ALTERED],
  [1062, REFUSED],
  [1080, AWAY],
  [1114, FULL],
  [1135, BUSY],
  [1136, ALTERED],
  [1142, DENIED],
  [1143, DENIED],
  [1146, ALTERED],
  [1153, PACKET],
  [1180, BROKEN_FILE],
  [1203, BUSY],
  [1205, LOCKED],
  [1213, LOCKED],
  [1226, BUSY],
  [1290, READ_ONLY],
  [1317, AWAY],
  [1461, BUSY],
  [1698, DENIED],
  [1792, READ_ONLY],
  [1836, READ_ONLY],
  [1927, AWAY],
  [1969, BUSY],
  [3024, BUSY],
  [3819, REFUSED],
  [4025, REFUSED],
]);

/** Starts of the names of errors on the way to the server. */
const ON_THE_WAY = [
  ...["ECONN", "EPIPE", "ETIMEDOUT", "EHOST", "ENET", "ENOENT", "EAI_", "ENOTFOUND"],
  "PROTOCOL_",
];

/**
 * What went wrong with the database called `place`, as in "The database … at …". No sentence holds
 * a password: neither the driver nor the server repeats one.
 * @throws whatever `error` is when neither of these two threw it.
 */
export function mysqlErrorOf(place: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  if (!(error instanceof Error) || !isDriverError(error)) throw error;
  const { message } = error;
  const advice = adviceFor(error);
  if (advice === null) {
    return new StoreError(`${place} failed: ${message}.`, { cause: error });
  }
  const [sentence, patienceMs] = advice;
  return new StoreError(`${place} ${sentence} (${message})`, { cause: error, patienceMs });
}

function isDriverError(error: DriverError): boolean {
  return error.code !== undefined || error.errno !== undefined || error.fatal === true;
}

function adviceFor({ errno, code, fatal }: DriverError): Advice | null {
  const known = errno === undefined ? undefined : BY_NUMBER.get(errno);
  if (known !== undefined) return known;
  // Without a name of its own it is a statement on a connection that has failed before.
  if (code === undefined) return fatal === true ? AWAY : null;
  return ON_THE_WAY.some((start) => code.startsWith(start)) ? AWAY : null;
}
