import { assert } from "../base/assert.js";
import { bytesConcat } from "../base/bytes.js";
import { Domain, type Digest, type Hasher } from "../base/hasher.js";
import type { ClientId, SessionId } from "../base/ids.js";
import { SESSIONS_PER_CLIENT_MAX } from "../base/limits.js";
import { ReplyCode, type Request } from "../message.js";
import { encodeSession, type SessionEntry } from "./session-entry.js";

/** What a request is to its session. */
type Standing =
  /** Never executed: newer than all before it. */
  | "fresh"
  /** The one executed last: its reply is held. */
  | "answered"
  /** Older than the one executed last. */
  | "stale"
  /** Its session was forgotten, so nobody can tell whether it was executed. */
  | "expired";

/** Changes of the table since they were last taken, for the store. */
interface ClientTableChanges {
  readonly sessions: readonly SessionEntry[];
  readonly evicted: readonly { readonly client: ClientId; readonly session: SessionId }[];
  readonly evictedThrough: readonly { readonly client: ClientId; readonly session: SessionId }[];
}

interface Row {
  entry: SessionEntry;
  digest: Digest | null;
  /** Whether it is among the changes that nobody took yet. */
  isChanged: boolean;
}

interface ClientRows {
  /** Ascending by session. At most SESSIONS_PER_CLIENT_MAX. */
  readonly rows: Row[];
  /**
   * The newest start among forgotten sessions; sessions that started at or before it are expired.
   */
  evictedThrough: SessionId;
}

/**
 * The replicated client table: what makes every request execute at most once (EX2).
 *
 * A client may run many sessions, and the table keeps those that started last. Forgetting the one
 * that started first, and refusing for ever what started at or before it, keeps at-most-once exact
 * in bounded memory: a replayed request is either known to its session or refused.
 */
export class ClientTable {
  readonly #hasher: Hasher;
  readonly #clients: ClientRows[];
  /** In the order of their first change; those forgotten since are still there. */
  #changed: Row[] = [];
  #evicted: { client: ClientId; session: SessionId }[] = [];
  readonly #evictedClients = new Set<ClientId>();

  constructor(hasher: Hasher, clientCount: number) {
    this.#hasher = hasher;
    this.#clients = Array.from({ length: clientCount }, () => ({ rows: [], evictedThrough: 0 }));
  }

  /** Where `request` stands now; changes nothing. */
  standing(request: Pick<Request, "client" | "session" | "timestamp">): Standing {
    const client = this.#clientRows(request.client);
    const entry = this.find(request.client, request.session);
    if (entry === null) return request.session <= client.evictedThrough ? "expired" : "fresh";
    if (request.timestamp > entry.timestamp) return "fresh";
    return request.timestamp === entry.timestamp ? "answered" : "stale";
  }

  /** The last execution of a session, or null. */
  find(client: ClientId, session: SessionId): SessionEntry | null {
    return findRow(this.#clientRows(client).rows, session)?.entry ?? null;
  }

  /**
   * Records an execution; forgets the client's oldest session when it has too many.
   * @returns the session that was forgotten: it and all that started before it are expired now.
   */
  record(entry: SessionEntry): SessionId | null {
    const client = this.#clientRows(entry.client);
    const held = findRow(client.rows, entry.session);
    assert(held === null || entry.timestamp > held.entry.timestamp, "t only grows (I4)");
    assert(held !== null || entry.session > client.evictedThrough, "no expired session comes back");
    const row = held ?? insertRow(client.rows, entry);
    row.entry = entry;
    row.digest = null;
    if (!row.isChanged) this.#changed.push(row);
    row.isChanged = true;
    if (client.rows.length <= SESSIONS_PER_CLIENT_MAX) return null;
    return this.#evictOldest(entry.client, client);
  }

  /** Sessions of the client of which most are remembered (I11). */
  get ofClientMost(): number {
    return Math.max(...this.#clients.map(({ rows }) => rows.length));
  }

  /** Digests of all entries and bounds in canonical order, 32 bytes each, concatenated. */
  summary(): Uint8Array {
    const digests: Digest[] = [];
    for (const [id, client] of this.#clients.entries()) {
      if (client.evictedThrough > 0) digests.push(this.#boundDigest(id, client.evictedThrough));
      for (const row of client.rows) {
        row.digest ??= this.#hasher.digest(Domain.clientTable, encodeSession(row.entry));
        digests.push(row.digest);
      }
    }
    return bytesConcat(digests);
  }

  /** The table's part of a checkpoint's digest (CK1): the hash of `summary()`. */
  digest(): Digest {
    return this.#hasher.digest(Domain.clientTable, this.summary());
  }

  /**
   * The entries and bounds behind `summary()`, in its order; entries never change, so this is a
   * snapshot.
   */
  snapshot(): SessionEntry[] {
    return this.#clients.flatMap(({ rows, evictedThrough }, client) => {
      const entries = rows.map((row) => row.entry);
      return evictedThrough > 0 ? [boundOf(client, evictedThrough), ...entries] : entries;
    });
  }

  /** Replaces everything by the entries of a `snapshot()` whose digest was agreed on (ST2). */
  restoreSnapshot(snapshot: readonly SessionEntry[]): void {
    this.#clear();
    for (const entry of snapshot) {
      const client = this.#clientRows(entry.client);
      if (isBound(entry)) client.evictedThrough = entry.session;
      else insertRow(client.rows, entry);
    }
  }

  /** Replaces everything by what a store held. */
  load(
    sessions: readonly SessionEntry[],
    evictedThrough: ClientTableChanges["evictedThrough"],
  ): void {
    this.#clear();
    for (const bound of evictedThrough) {
      this.#clientRows(bound.client).evictedThrough = bound.session;
    }
    for (const entry of sessions) insertRow(this.#clientRows(entry.client).rows, entry);
  }

  /** Every entry, ascending by client and session. */
  entries(): SessionEntry[] {
    return this.#clients.flatMap((client) => client.rows.map((row) => row.entry));
  }

  /** The bounds of clients that forgot a session. */
  bounds(): { client: ClientId; session: SessionId }[] {
    return this.#clients.flatMap(({ evictedThrough }, client) =>
      evictedThrough > 0 ? [{ client, session: evictedThrough }] : [],
    );
  }

  /** What changed since the last call. */
  takeChanges(): ClientTableChanges {
    const evictedThrough = [...this.#evictedClients].map((client) => ({
      client,
      session: this.#clientRows(client).evictedThrough,
    }));
    const sessions: SessionEntry[] = [];
    for (const row of this.#changed) {
      if (row.isChanged) sessions.push(row.entry);
      row.isChanged = false;
    }
    const changes = { sessions, evicted: this.#evicted, evictedThrough };
    this.#changed = [];
    this.#evicted = [];
    this.#evictedClients.clear();
    return changes;
  }

  #clientRows(client: ClientId): ClientRows {
    const rows = this.#clients[client];
    assert(rows !== undefined, "the client is in the genesis file: its signature was checked");
    return rows;
  }

  #clear(): void {
    for (const client of this.#clients) {
      client.rows.length = 0;
      client.evictedThrough = 0;
    }
    this.#changed = [];
    this.#evicted = [];
    this.#evictedClients.clear();
  }

  #evictOldest(id: ClientId, client: ClientRows): SessionId {
    const oldest = client.rows.shift();
    assert(oldest !== undefined, "there is a session to forget");
    const { session } = oldest.entry;
    client.evictedThrough = session;
    oldest.isChanged = false;
    this.#evicted.push({ client: id, session });
    this.#evictedClients.add(id);
    return session;
  }

  #boundDigest(client: ClientId, session: SessionId): Digest {
    return this.#hasher.digest(Domain.clientTable, encodeSession(boundOf(client, session)));
  }
}

/**
 * A forgotten session's bound, told apart from an entry by its timestamp of 0, which no request
 * has.
 */
function boundOf(client: ClientId, session: SessionId): SessionEntry {
  const results = new Uint8Array(0);
  return { client, session, timestamp: 0, seq: 0, code: ReplyCode.sessionExpired, results };
}

function isBound(entry: SessionEntry): boolean {
  return entry.timestamp === 0;
}

function findRow(rows: readonly Row[], session: SessionId): Row | null {
  for (let index = rows.length - 1; index >= 0; index -= 1) {
    const row = rows[index];
    if (row !== undefined && row.entry.session <= session) {
      return row.entry.session === session ? row : null;
    }
  }
  return null;
}

function insertRow(rows: Row[], entry: SessionEntry): Row {
  let index = rows.length;
  while (index > 0 && (rows[index - 1]?.entry.session ?? 0) > entry.session) index -= 1;
  const row = { entry, digest: null, isChanged: false };
  rows.splice(index, 0, row);
  return row;
}
