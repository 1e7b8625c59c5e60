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
    if (held === undefined) {
      sessions.set(session, new Destination({ role: "client", id: client }, address));
      if (sessions.size > 2 * SESSIONS_PER_CLIENT_MAX) dropOldest(sessions);
    } else if (held.address.port !== address.port || held.address.address !== address.address) {
      held.address = address;
    }
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
