import type { ClientId, SessionId } from "../core/base/ids.js";
import { PLACES_PER_CLIENT_MAX } from "../core/base/limits.js";
import type { Message, Verified } from "../core/message.js";
import { Destination } from "./egress.js";
import type { SocketAddress } from "./udp-socket.js";

/** What a session says; it counts each kind up, from 1. */
type Spoken = Extract<Message, { readonly kind: "hello" | "request" | "read" }>;

/** Where a session is, and the last count of each kind of message that it was heard with. */
interface Place {
  readonly destination: Destination;
  /** By `kindIndex`. */
  readonly last: number[];
}

/**
 * Where the sessions of clients are, learnt from what they authenticate. A session moves only with
 * a message that is at least as new as all of its kind before: so whoever plays recorded datagrams
 * back from elsewhere draws little to himself. The newest one moves it again, because whoever was
 * faster with a copy of it would else keep the session for ever; its client repeats it until it is
 * answered, and is answered where it repeats it from. Bounded per client; the session that started
 * first is forgotten first, which nobody can bring about by playing back what older ones said.
 */
export class AddressBook {
  readonly #clients = new Map<ClientId, Map<SessionId, Place>>();

  /** Notes where the session that said `message` sends from. */
  saw(client: ClientId, message: Verified<Message>, address: SocketAddress): void {
    if (!isSpoken(message)) return;
    const { kind, session } = message;
    const count = kind === "request" ? message.timestamp : message.nonce;
    const place = this.#placeOf(client, session, address);
    const index = kindIndex(kind);
    if (place === null || count < (place.last[index] ?? 0)) return;
    place.last[index] = count;
    const { destination } = place;
    const held = destination.address;
    if (held.port !== address.port || held.address !== address.address) {
      destination.address = address;
    }
  }

  /** Where to send what is for a session, or null when it was never heard of. */
  find(client: ClientId, session: SessionId): Destination | null {
    return this.#clients.get(client)?.get(session)?.destination ?? null;
  }

  /** Sessions remembered of the client that has most: at most `PLACES_PER_CLIENT_MAX` (I11). */
  get ofClientMost(): number {
    let most = 0;
    for (const { size } of this.#clients.values()) most = Math.max(most, size);
    return most;
  }

  /** The place of a session, made if there is room for it. */
  #placeOf(client: ClientId, session: SessionId, address: SocketAddress): Place | null {
    let sessions = this.#clients.get(client);
    if (sessions === undefined) {
      sessions = new Map();
      this.#clients.set(client, sessions);
    }
    const held = sessions.get(session);
    if (held !== undefined) return held;
    if (sessions.size === PLACES_PER_CLIENT_MAX && !dropFirst(sessions, session)) return null;
    const destination = new Destination({ role: "client", id: client }, address);
    const place = { destination, last: [0, 0, 0] };
    sessions.set(session, place);
    return place;
  }
}

/** Drops the session that started first; false if `session` would be that one. */
function dropFirst(sessions: Map<SessionId, Place>, session: SessionId): boolean {
  const first = Math.min(...sessions.keys());
  return session > first && sessions.delete(first);
}

/** What a count is found by: by three names V8 looks it up. */
function kindIndex(kind: Spoken["kind"]): number {
  if (kind === "read") return 0;
  return kind === "request" ? 1 : 2;
}

function isSpoken(message: Message): message is Spoken {
  return message.kind === "hello" || message.kind === "request" || message.kind === "read";
}
