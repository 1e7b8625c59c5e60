import type { ClientId, SessionId } from "../core/base/ids.js";
import { SESSIONS_PER_CLIENT_MAX } from "../core/base/limits.js";
import { Destination } from "./egress.js";
import type { SocketAddress } from "./udp-socket.js";

/**
 * Where the sessions of clients are, learnt from what they authenticate. Bounded per client; the
 * session heard of longest ago is forgotten first, and is found again by what it sends next.
 */
export class AddressBook {
  readonly #clients = new Map<ClientId, Map<SessionId, Destination>>();

  /** Notes where a session sends from. */
  saw(client: ClientId, session: SessionId, address: SocketAddress): void {
    let sessions = this.#clients.get(client);
    if (sessions === undefined) {
      sessions = new Map();
      this.#clients.set(client, sessions);
    }
    const held = sessions.get(session);
    const place = held ?? new Destination({ role: "client", id: client }, address);
    if (place.address.port !== address.port || place.address.address !== address.address) {
      place.address = address;
    }
    // A map is in order of insertion: whoever was heard of goes to its end.
    sessions.delete(session);
    sessions.set(session, place);
    if (sessions.size > 2 * SESSIONS_PER_CLIENT_MAX) dropOldest(sessions);
  }

  /** Where to send what is for a session, or null when it was never heard of. */
  find(client: ClientId, session: SessionId): Destination | null {
    return this.#clients.get(client)?.get(session) ?? null;
  }
}

function dropOldest(sessions: Map<SessionId, Destination>): void {
  for (const session of sessions.keys()) {
    sessions.delete(session);
    return;
  }
}
